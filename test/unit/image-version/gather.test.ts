import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { createKeyMemory } from "../../../src/keys/memory.js";
import { gather, type FactSources } from "../../../src/image-version/preflight/gather.js";
import { idOf } from "../../support/dependencies.js";
import {
  largeWorld,
  managedImageRequest,
  seedResource,
  seedVersionId,
} from "../../support/requests.js";
import type { ImageSource } from "../../../src/image-version/resources.js";

const DEFINITION = seedResource("galleries/MyGallery/images/MyImage");

/** Ports that answer what `answer` says of each read, and keep every read that was begun. */
function ports(answer: (what: string) => Promise<unknown>) {
  const reads: string[] = [];
  let running = 0;
  let most = 0;
  const read = async (what: string): Promise<never> => {
    reads.push(what);
    running += 1;
    most = Math.max(most, running);
    try {
      return (await answer(what)) as never;
    } finally {
      running -= 1;
    }
  };
  const sources: FactSources = {
    resourceManager: {
      getImageVersion: () => read("version"),
      listDeletedVersions: () => read("deleted versions"),
    },
    resources: {
      getGallery: read,
      getImageDefinition: read,
      listGalleries: () => read("galleries"),
      listImageDefinitions: read,
      getDiskEncryptionSet: read,
      getSource: read,
      listDiskEncryptionSets: read,
    },
    looks: { keys: createKeyMemory(() => new Date(0), 0) },
    subscriptions: {
      listRegions: () => read("regions"),
      getRegistration: async (_, { namespace, feature }) =>
        (await read(`${namespace} ${feature ?? ""}`.trim())) ?? "Registered",
      areTermsAccepted: (_, { name }) => read(`terms ${name}`),
      register: () => read("register"),
    },
    maxReads: 500,
    requiredRegistrations: [
      { namespace: "Microsoft.Compute" },
      { namespace: "Microsoft.Compute", feature: "SIGEncryption" },
    ],
  };
  return { sources, reads, most: () => most };
}

function source(id: string, more: Partial<ImageSource> = {}): ImageSource {
  return {
    id,
    provisioningState: "Succeeded",
    regions: ["westus"],
    osDisk: {},
    dataDisks: [],
    ...more,
  };
}

const nothing = (): Promise<undefined> => Promise.resolve(undefined);
const id = idOf(seedVersionId("1.0.0"));

describe("gathered", () => {
  test("are read once each, however often and however spelled the request names them (invariant 1)", async () => {
    const body = managedImageRequest();
    const [region] = body.properties.publishingProfile?.targetRegions ?? [];
    const set = region?.encryption?.osDiskImage?.diskEncryptionSetId ?? "";
    const { sources, reads } = ports(nothing);
    await gather(
      sources,
      id,
      canonicalForm({
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: {
            targetRegions: ["westus", "eastus2"].map((name) => ({
              name,
              encryption: {
                osDiskImage: { diskEncryptionSetId: set },
                dataDiskImages: [{ lun: 0, diskEncryptionSetId: set.toUpperCase() }],
              },
            })),
          },
        },
      }),
    );
    expect(reads.map((what) => what.toLowerCase()).sort()).toEqual(
      [
        seedResource("galleries/MyGallery"),
        DEFINITION,
        "version",
        "regions",
        "Microsoft.Compute",
        "Microsoft.Compute SIGEncryption",
        set,
        seedResource("images/myImage"),
      ]
        .map((what) => what.toLowerCase())
        .sort(),
    );
  });

  test("of a source lead on to its disks and its definition, each once", async () => {
    const version = `${DEFINITION}/versions/0.9.0`;
    const { sources, reads } = ports((what) =>
      Promise.resolve(what === version ? source(version) : undefined),
    );
    const body = managedImageRequest();
    const { sourceDefinitions } = await gather(sources, id, {
      ...body,
      properties: {
        ...body.properties,
        storageProfile: { source: { id: version } },
      },
    });
    // The target's own definition: known already.
    expect(reads.filter((what) => what === DEFINITION)).toHaveLength(1);
    expect([...sourceDefinitions]).toEqual([[DEFINITION.toLowerCase(), { kind: "absent" }]]);

    const machine = seedResource("virtualMachines/myVM");
    const disk = seedResource("disks/myOSDisk");
    const again = ports((what) =>
      Promise.resolve(
        what === machine
          ? source(machine, {
              osDisk: { id: disk },
              dataDisks: [{ lun: 0, id: disk.toUpperCase() }],
            })
          : undefined,
      ),
    );
    const gathered = await gather(again.sources, id, {
      ...body,
      properties: {
        ...body.properties,
        storageProfile: { source: { virtualMachineId: machine } },
      },
    });
    expect(again.reads.filter((what) => what.toLowerCase() === disk.toLowerCase())).toHaveLength(1);
    expect(gathered.sources.get(disk.toLowerCase())).toEqual({ kind: "absent" });
  });

  test("tell what is not there from what may not be seen (invariant 2)", async () => {
    const denial = {
      action: "Microsoft.Compute/galleries/read",
      scope: seedResource("galleries/MyGallery"),
    };
    const { sources } = ports((what) =>
      what === denial.scope
        ? Promise.reject(
            new ServiceError("ResourceManagerForbidden", "No.", {
              fields: denial,
            }),
          )
        : nothing(),
    );
    const gathered = await gather(sources, id, managedImageRequest());
    expect(gathered.gallery).toEqual({ kind: "denied", ...denial });
    expect(gathered.imageDefinition).toEqual({ kind: "absent" });
  });
});

describe("the subscription is asked first (invariant 4)", () => {
  const denied = new ServiceError("ResourceManagerForbidden", "No.", {
    fields: { action: "a/read", scope: "/subscriptions/s" },
  });
  test.each([
    {
      what: "is not registered",
      answer: () => Promise.resolve("NotRegistered"),
      seen: { kind: "found", value: "NotRegistered" },
    },
    {
      what: "is being registered",
      answer: () => Promise.resolve("Registering"),
      seen: { kind: "found", value: "Registering" },
    },
    {
      what: "may not be seen",
      answer: () => Promise.reject(denied),
      seen: { kind: "denied", action: "a/read", scope: "/subscriptions/s" },
    },
  ])("where its provider $what, nothing else is read", async ({ answer, seen }) => {
    const { sources, reads } = ports((what) =>
      what === "Microsoft.Compute" ? answer() : nothing(),
    );
    const gathered = await gather(sources, id, managedImageRequest());
    expect(reads).toEqual(["Microsoft.Compute", "Microsoft.Compute SIGEncryption"]);
    expect(gathered.registrations.get("Microsoft.Compute")).toEqual(seen);
    expect(gathered.gallery).toEqual({ kind: "unread" });
    expect(gathered.diskEncryptionSets.size).toBe(0);
  });

  test("a preview feature that is not registered hides nothing", async () => {
    const { sources, reads } = ports((what) =>
      Promise.resolve(what.endsWith("SIGEncryption") ? "NotRegistered" : undefined),
    );
    await gather(sources, id, managedImageRequest());
    expect(reads).toContain(seedResource("galleries/MyGallery"));
  });
});

test("a set of another subscription is refused by a rule, and not read", async () => {
  const other = seedResource("diskEncryptionSets/theirs").replace(
    /^\/subscriptions\/[^/]+/u,
    "/subscriptions/99999999-9999-9999-9999-999999999999",
  );
  const ours = seedResource("diskEncryptionSets/ours");
  const body = managedImageRequest();
  const { sources, reads } = ports(nothing);
  const gathered = await gather(
    sources,
    id,
    canonicalForm({
      ...body,
      properties: {
        ...body.properties,
        publishingProfile: {
          targetRegions: [other, ours].map((diskEncryptionSetId, i) => ({
            name: ["westus", "eastus2"][i] ?? "",
            encryption: { osDiskImage: { diskEncryptionSetId } },
          })),
        },
      },
    }),
  );
  expect(reads).toContain(ours);
  expect(reads).not.toContain(other);
  expect([...gathered.diskEncryptionSets.keys()]).toEqual([ours.toLowerCase()]);
});

describe("no more is read than maxReads (invariant 5)", () => {
  const large = largeWorld(30, 3);
  const largeId = idOf(large.versionId("1.0.0"));
  // 120 sets, 1 source, 4 places and 2 registrations.
  const ALL = 127;

  test("all of the allowed are read", async () => {
    const { sources, reads } = ports(nothing);
    await gather({ ...sources, maxReads: ALL }, largeId, canonicalForm(large.request));
    expect(reads).toHaveLength(ALL);
  });

  test("one more is TooManyReads, which says what to do, and nothing is read", async () => {
    const { sources, reads } = ports(nothing);
    await expect(
      gather({ ...sources, maxReads: ALL - 1 }, largeId, canonicalForm(large.request)),
    ).rejects.toMatchObject({
      code: "TooManyReads",
      retryAfterMs: undefined,
      fields: { reads: ALL, allowedReads: ALL - 1, setting: "SIGIL_MAX_READS" },
      findings: [
        {
          code: "TooManyReads",
          pointer: "/properties/publishingProfile/targetRegions",
          message: expect.stringContaining("127 reads") as string,
          remediation: expect.stringContaining("SIGIL_MAX_READS") as string,
        },
      ],
    });
    expect(reads).toEqual([]);
  });

  test("sets of another subscription are not read, and count: each is judged", async () => {
    const { sources, reads } = ports(nothing);
    const elsewhere = JSON.parse(
      JSON.stringify(canonicalForm(large.request)).replaceAll(
        /[0-9a-f-]{36}(?=\/resourceGroups\/[^/"]*\/providers\/Microsoft\.Compute\/diskEncryptionSets)/giu,
        "11111111-1111-1111-1111-111111111111",
      ),
    ) as ImageVersionRequest;
    await expect(
      gather({ ...sources, maxReads: ALL - 1 }, largeId, elsewhere),
    ).rejects.toMatchObject({
      code: "TooManyReads",
      fields: { reads: ALL },
      message: expect.stringContaining(
        "120 disk encryption sets (with 120 of other subscriptions, which count as well)",
      ) as string,
    });
    expect(reads).toEqual([]);
  });

  test("the disks that a machine leads to count", async () => {
    const machine = seedResource("virtualMachines/myVM");
    const { sources, reads } = ports((what) =>
      Promise.resolve(
        what === machine
          ? source(machine, {
              dataDisks: Array.from({ length: 32 }, (_, lun) => ({
                lun,
                id: seedResource(`disks/data${lun}`),
              })),
            })
          : undefined,
      ),
    );
    const body = managedImageRequest();
    await expect(
      gather({ ...sources, maxReads: 30 }, id, {
        ...body,
        properties: {
          publishingProfile: { targetRegions: [{ name: "westus" }] },
          storageProfile: { source: { virtualMachineId: machine } },
        },
      }),
    ).rejects.toMatchObject({
      code: "TooManyReads",
      findings: [{ pointer: "/properties/storageProfile" }],
    });
    expect(reads.filter((what) => what.includes("/disks/"))).toEqual([]);
  });
});

describe("the reads of one request (invariant 3)", () => {
  const large = largeWorld(30, 3);
  const largeId = idOf(large.versionId("1.0.0"));

  test("run sixteen at a time", async () => {
    const { sources, reads, most } = ports(
      () => new Promise((resolve) => setImmediate(() => resolve(undefined))),
    );
    await gather(sources, largeId, canonicalForm(large.request));
    expect(reads).toHaveLength(30 * 4 + 1 + 4 + 2);
    expect(most()).toBe(16);
  });

  test("stop at the first that is throttled, and throw what ARM asked for", async () => {
    const throttled = new ServiceError("ResourceManagerThrottled", "Slowly.", {
      retryAfterMs: 17_000,
    });
    const { sources, reads } = ports((what) =>
      what === "version" ? Promise.reject(throttled) : nothing(),
    );
    await expect(gather(sources, largeId, canonicalForm(large.request))).rejects.toBe(throttled);
    // Those that were under way with it, and no more.
    expect(reads.length).toBeLessThanOrEqual(16 + 2);
  });
});

describe("what the sources were made of", () => {
  const snapshot = seedResource("snapshots/s0");
  const ofSnapshot = {
    ...managedImageRequest(),
    properties: {
      ...managedImageRequest().properties,
      storageProfile: { osDiskImage: { source: { id: snapshot } } },
    },
  };
  /** Each resource is made of the next five. */
  const endless = (what: string) => {
    const [, n = ""] = /\/(?:snapshots|disks)\/s(\d+)$/u.exec(what) ?? [];
    const next = [1, 2, 3, 4, 5].map((i) => seedResource(`disks/s${n}${i}`));
    return n === "" ? undefined : source(what, { madeOf: next });
  };

  test("is traced by at most nine reads beside maxReads, and ends where they do", async () => {
    const { sources, reads } = ports((what) => Promise.resolve(endless(what)));
    // 4 sets, 1 source, 4 places and 2 registrations.
    const { parentage } = await gather({ ...sources, maxReads: 11 }, id, ofSnapshot);
    expect(reads.filter((what) => what.includes("/disks/"))).toHaveLength(9);
    expect(parentage?.ids).toEqual([]);
    expect(parentage?.endsAt).toContain(seedResource("disks/s05"));
  });

  test("is not asked of a version that exists", async () => {
    const { sources, reads } = ports((what) => Promise.resolve(endless(what)));
    const facts = await gather(sources, id, ofSnapshot, { sources: false });
    expect(facts.parentage).toBeUndefined();
    expect(reads.filter((what) => what.includes("/snapshots/"))).toEqual([]);
  });

  test("is unknown beyond what may not be read; a throttled read is thrown", async () => {
    const disk = seedResource("disks/s1");
    const refusing = (error: ServiceError) =>
      ports((what) =>
        what === disk
          ? Promise.reject(error)
          : Promise.resolve(what === snapshot ? source(what, { madeOf: [disk] }) : undefined),
      ).sources;
    const denied = { fields: { action: "read", scope: disk } };
    expect(
      (
        await gather(
          refusing(new ServiceError("ResourceManagerForbidden", "No.", denied)),
          id,
          ofSnapshot,
        )
      ).parentage,
    ).toEqual({ ids: [], endsAt: [disk] });
    const throttled = new ServiceError("ResourceManagerThrottled", "Slowly.", { retryAfterMs: 1 });
    await expect(gather(refusing(throttled), id, ofSnapshot)).rejects.toBe(throttled);
  });
});
