import { beforeEach, describe, expect, test } from "vitest";
import {
  shareReads,
  type Facts,
  type SharedFacts,
} from "../../../../src/azure/arm/shared-facts.js";
import { ServiceError } from "../../../../src/errors.js";
import { setToSee } from "../../../../src/keys/look.js";
import { valueOf } from "../../../../src/keys/memory.js";
import type { ResourceManager } from "../../../../src/image-version/ports.js";
import type { DiskEncryptionSet } from "../../../../src/keys/ports.js";

const NAMES = ["a", "b", "c", "d", "e"] as const;
const idOf = (name: string, subscription = "one"): string =>
  `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/${name}`;
const setOf = (id: string): DiskEncryptionSet => ({
  id,
  region: "westus",
  provisioningState: "Succeeded",
  keyUrl: "https://v.vault.azure.net/keys/k/1",
  encryptionType: "EncryptionAtRestWithCustomerKey",
  rotationToLatestKeyVersionEnabled: false,
});

let nowMs: number;
let reads: string[];
let pages: readonly (readonly string[])[];
let isThere: boolean;
let state: string;
let refusal: ServiceError | undefined;
let share: SharedFacts;
let facts: Facts;
let shared: ReturnType<typeof shareReads>;
beforeEach(() => {
  nowMs = 0;
  reads = [];
  pages = [NAMES.map((name) => idOf(name))];
  isThere = true;
  state = "Registered";
  refusal = undefined;
  const now = (): Date => new Date(nowMs);
  const read = <T>(what: string, value: T): Promise<T | undefined> => {
    reads.push(what);
    return Promise.resolve(isThere ? value : undefined);
  };
  shared = shareReads(
    {
      resourceManager: {
        getImageVersion: () => read("version", { regions: [], time: now().toISOString() }),
      } as unknown as ResourceManager,
      resources: {
        getGallery: (id) => read("gallery", { id, sharing: "Private" }),
        getImageDefinition: (id) =>
          read("definition", {
            id,
            osType: "Linux",
            osState: "Generalized",
            hyperVGeneration: "V2",
            architecture: "x64",
            securityType: "Standard",
          }),
        listGalleries: () => Promise.resolve([]),
        listImageDefinitions: () => read("definitions", []),
        getSource: (id) =>
          read("source", {
            id,
            provisioningState: "Succeeded",
            regions: [],
            osDisk: {},
            dataDisks: [],
          }),
        getDiskEncryptionSet: (id) => read(id.slice(-1), setOf(id)),
        listDiskEncryptionSets(_, token = "0") {
          reads.push(`list ${token}`);
          if (refusal !== undefined) return Promise.reject(refusal);
          const next = Number(token) + 1;
          return Promise.resolve({
            value: (pages[Number(token)] ?? []).map(setOf),
            ...(next < pages.length && { continuationToken: String(next) }),
          });
        },
      },
      subscriptions: {
        listRegions: (subscriptionId) =>
          read("regions", [{ name: `only-in-${subscriptionId}`, zones: false }]),
        getRegistration: (_, { namespace, feature = "" }) => read(namespace + feature, state),
        areTermsAccepted: (_, { name }) => read(`terms ${name}`, false),
        register: () => read("register", "Registering"),
      },
    },
    now,
  );
  share = shared.sharedFacts;
  facts = share();
});

const readSet = async (id: string, { resources, looks }: Facts = facts) =>
  valueOf(await looks.keys.see(setToSee(resources, id), "act"));
const COMPUTE = { namespace: "Microsoft.Compute" };
const each = (): Promise<unknown>[] => [
  facts.resources.getGallery("/G"),
  facts.resources.getImageDefinition("/G/I"),
  facts.resources.getSource("/S"),
  readSet(idOf("a")),
  facts.subscriptions.listRegions("one"),
  facts.subscriptions.getRegistration("one", COMPUTE),
];
const ALL = ["Microsoft.Compute", "a", "definition", "gallery", "regions", "source"];

describe("invariant 1", () => {
  test("what Azure has is read once in half a minute, a set in a quarter, by whomever it is asked", async () => {
    await Promise.all([...each(), ...each()]);
    nowMs = 14_999;
    await Promise.all(each());
    expect([...reads].sort()).toEqual(ALL);
    nowMs = 29_999;
    await Promise.all(each());
    expect([...reads].sort()).toEqual([...ALL, "a"].sort());
    nowMs = 30_000;
    await Promise.all(each());
    expect(reads).toHaveLength(2 * ALL.length);
  });

  test("that Azure has it not is not kept", async () => {
    isThere = false;
    expect(await Promise.all(each())).toEqual(ALL.map(() => undefined));
    isThere = true;
    expect(await Promise.all(each())).not.toContain(undefined);
  });

  test("nor that something is not registered", async () => {
    state = "Registering";
    const read = () => facts.subscriptions.getRegistration("one", COMPUTE);
    expect(await read()).toBe("Registering");
    state = "Registered";
    expect(await read()).toBe("Registered");
  });

  test("what is registered is kept apart, by subscription and name", async () => {
    const { subscriptions } = facts;
    await subscriptions.getRegistration("one", COMPUTE);
    await subscriptions.getRegistration("two", COMPUTE);
    await subscriptions.getRegistration("one", { ...COMPUTE, feature: "X" });
    expect(reads).toEqual(["Microsoft.Compute", "Microsoft.Compute", "Microsoft.ComputeX"]);
  });

  test("regions are kept apart, by subscription", async () => {
    const all = await Promise.all(
      ["one", "two", "one", "two"].map((each) => facts.subscriptions.listRegions(each)),
    );
    expect(all.map((regions) => regions?.map(({ name }) => name))).toEqual([
      ["only-in-one"],
      ["only-in-two"],
      ["only-in-one"],
      ["only-in-two"],
    ]);
    expect(reads).toEqual(["regions", "regions"]);
  });

  test("an id is one, in whatever case", async () => {
    await facts.resources.getGallery("/g");
    await facts.resources.getGallery("/G");
    expect(reads).toEqual(["gallery"]);
  });
});

test("who reads is told when each fact was read, by whomever", async () => {
  const told: number[] = [];
  nowMs = 1_000;
  await facts.resources.getGallery("/G");
  await readSet(idOf("a"));
  nowMs = 9_000;
  const noted = share((readMs) => told.push(readMs));
  const { resources } = noted;
  await resources.getGallery("/G");
  await resources.getSource("/S");
  await readSet(idOf("a"), noted);
  isThere = false;
  await resources.getSource("/not-there");
  expect(told).toEqual([1_000, 9_000, 1_000, 9_000]);
});

describe("invariant 3: sets that are asked for together", () => {
  const together = (...names: string[]) => Promise.all(names.map((name) => readSet(idOf(name))));

  test("are read one by one where they are few", async () => {
    await together("a", "b", "c");
    expect(reads).toEqual(["a", "b", "c"]);
  });

  test("are read from their subscription's list", async () => {
    expect(await together("a", "b", "c", "d")).toEqual(
      ["a", "b", "c", "d"].map((name) => setOf(idOf(name))),
    );
    expect(reads).toEqual(["list 0"]);
  });

  test("and so are the others of the list, soon after", async () => {
    await together("a", "b", "c", "d");
    await together("e");
    expect(reads).toEqual(["list 0"]);
  });

  test("are read from the list that others have begun to read", async () => {
    pages = [[], [], [], [], NAMES.map((name) => idOf(name))];
    const begun = together("a", "b", "c", "d");
    await Promise.resolve();
    await Promise.all([begun, together("e", "f", "g", "h")]);
    expect(reads).toEqual(["list 0", "list 1", "list 2", "list 3", "list 4", "f", "g", "h"]);
    pages = [];
    await together("i", "j", "k", "l");
    expect(reads).toContain("i");
    expect(reads.filter((one) => one === "list 0")).toHaveLength(2);
  });

  test("of two subscriptions each from its own", async () => {
    await Promise.all(["a", "b", "c", "d"].map((name) => readSet(idOf(name, "two"))));
    expect(reads).toEqual(["list 0", "a", "b", "c", "d"]);
  });

  test("are read by themselves where the list has them not", async () => {
    pages = [[idOf("A")], [idOf("b")]];
    await together("a", "b", "c", "d");
    expect(reads).toEqual(["list 0", "list 1", "c", "d"]);
  });

  test("or has them on a page too far", async () => {
    pages = [[], [], [], [], [], [idOf("a")]];
    await together("a", "b", "c", "d");
    expect(reads.filter((one) => one.startsWith("list"))).toHaveLength(5);
    expect(reads.slice(5)).toEqual(["a", "b", "c", "d"]);
  });

  test("or may not be shown", async () => {
    refusal = new ServiceError("ResourceManagerForbidden", "No.");
    await together("a", "b", "c", "d");
    expect(reads).toEqual(["list 0", "a", "b", "c", "d"]);
  });

  test("but not where the list is refused for now", async () => {
    refusal = new ServiceError("ResourceManagerThrottled", "Later.", {
      retryAfterMs: 1_000,
    });
    await expect(together("a", "b", "c", "d")).rejects.toBe(refusal);
    refusal = undefined;
    expect(await together("a", "b", "c", "d")).toHaveLength(4);
  });
});

test("whoever reads a version by the port has it seen by all who show it", async () => {
  const id = {
    subscriptionId: "one",
    resourceGroupName: "rg",
    galleryName: "g",
    imageName: "i",
    versionName: "1.0.0",
  };
  expect(shared.looks.seen(id)).toBeUndefined();
  nowMs = 5_000;
  await shared.resourceManager.getImageVersion(id);
  expect(shared.looks.seen(id)).toMatchObject({ regions: [], time: "1970-01-01T00:00:05.000Z" });
});
