import { beforeEach, describe, expect, test } from "vitest";
import {
  shareFacts,
  type Facts,
  type SharedFacts,
} from "../../../../src/azure/arm/shared-facts.js";
import { createMemoryImageDocuments } from "../../../support/fakes/image-documents.js";
import { ServiceError } from "../../../../src/errors.js";
import type { Key } from "../../../../src/image-version/keys/ports.js";
import type { DiskEncryptionSet } from "../../../../src/image-version/resources.js";

const NAMES = ["a", "b", "c", "d", "e"] as const;
const idOf = (name: string, subscription = "one"): string =>
  `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/${name}`;
const setOf = (id: string): DiskEncryptionSet => ({
  id,
  region: "westus",
  provisioningState: "Succeeded",
  encryptionType: "EncryptionAtRestWithCustomerKey",
  rotationToLatestKeyVersionEnabled: false,
});

let nowMs: number;
let reads: string[];
let pages: readonly (readonly string[])[];
let isThere: boolean;
let state: string;
let refusal: ServiceError | undefined;
let key: Key;
let share: SharedFacts;
let facts: Facts;
beforeEach(() => {
  nowMs = 0;
  reads = [];
  pages = [NAMES.map((name) => idOf(name))];
  isThere = true;
  state = "Registered";
  refusal = undefined;
  key = { enabled: true };
  const read = <T>(what: string, value: T): Promise<T | undefined> => {
    reads.push(what);
    return Promise.resolve(isThere ? value : undefined);
  };
  share = shareFacts(
    {
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
      keyGuardian: {
        keyReader: {
          getKey: (vaultId, name, version = "newest") =>
            read(`key ${vaultId} ${name} ${version}`, key),
          hasVault: () => Promise.resolve(true),
        },
        keyStates: createMemoryImageDocuments("state of the keys"),
        keyExpiryMs: 0,
      },
      subscriptions: {
        listRegions: (subscriptionId) =>
          read("regions", [{ name: `only-in-${subscriptionId}`, zones: false }]),
        getRegistration: (_, { namespace, feature = "" }) => read(namespace + feature, state),
        areTermsAccepted: (_, { name }) => read(`terms ${name}`, false),
        register: () => read("register", "Registering"),
      },
    },
    () => new Date(nowMs),
  );
  facts = share();
});

const readKey = async (vaultId: string, name: string, version?: string) =>
  facts.keyGuardian?.keyReader.getKey(vaultId, name, version);
const COMPUTE = { namespace: "Microsoft.Compute" };
const each = (): Promise<unknown>[] => [
  facts.resources.getGallery("/G"),
  facts.resources.getImageDefinition("/G/I"),
  facts.resources.getSource("/S"),
  facts.resources.getDiskEncryptionSet(idOf("a")),
  facts.subscriptions.listRegions("one"),
  readKey("/V", "K"),
  facts.subscriptions.getRegistration("one", COMPUTE),
];
const ALL = [
  "Microsoft.Compute",
  "a",
  "definition",
  "gallery",
  "key /V K newest",
  "regions",
  "source",
];

describe("invariant 1", () => {
  test("what Azure has is read once in a quarter of a minute, by whomever it is asked", async () => {
    await Promise.all([...each(), ...each()]);
    nowMs = 14_999;
    await Promise.all(each());
    expect([...reads].sort()).toEqual(ALL);
    nowMs = 15_000;
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

  test("keys are kept apart, by vault, name and version", async () => {
    for (let i = 0; i < 2; i += 1) {
      await readKey("/V", "a");
      await readKey("/W", "a");
      await readKey("/V", "b");
      await readKey("/V", "a", "1");
    }
    expect(reads).toEqual(["key /V a newest", "key /W a newest", "key /V b newest", "key /V a 1"]);
  });

  test.each<Key>([
    { enabled: false },
    { enabled: true, expires: new Date(0).toISOString() },
    { enabled: true, notBefore: new Date(1).toISOString() },
  ])("a key that does not work is not kept: %j", async (bad) => {
    key = bad;
    expect(await readKey("/V", "a")).toBe(bad);
    key = { enabled: true };
    expect(await readKey("/V", "a")).toBe(key);
    key = bad;
    expect(await readKey("/V", "a")).toEqual({ enabled: true });
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
  nowMs = 9_000;
  const { resources } = share((readMs) => told.push(readMs));
  await resources.getGallery("/G");
  await resources.getSource("/S");
  isThere = false;
  await resources.getSource("/not-there");
  expect(told).toEqual([1_000, 9_000, 9_000]);
});

describe("invariant 3: sets that are asked for together", () => {
  const together = (...names: string[]) =>
    Promise.all(names.map((name) => facts.resources.getDiskEncryptionSet(idOf(name))));

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
    await Promise.all(
      ["a", "b", "c", "d"].map((name) => facts.resources.getDiskEncryptionSet(idOf(name, "two"))),
    );
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
