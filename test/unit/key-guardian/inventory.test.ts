import { expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { EncryptionType, KeyState } from "../../../src/keys/ports.js";
import { versionRow } from "../../../src/listings.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { fieldsOf, regionOf } from "../../../src/image-version/properties/fields.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { setsInUse, type SetInUse } from "../../../src/key-guardian/inventory.js";
import { imageIdOf, keyOf } from "../../../src/resource-id.js";
import { idOf } from "../../support/dependencies.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
} from "../../support/requests.js";

const IMAGE = imageIdOf(idOf(seedVersionId("1.0.0")));
const IN_WESTUS: ImageVersionRequest = {
  location: "westus",
  properties: {
    ...managedImageRequest().properties,
    publishingProfile: { targetRegions: [seedRegion("westus", "WestUS")] },
  },
};
const EASTUS2 = Object.fromEntries(
  Object.entries(fieldsOf(managedImageRequest())).filter(([name]) => regionOf(name) === "eastus2"),
);

const SET = seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1");
const CUSTOMER = "EncryptionAtRestWithCustomerKey";
const BOTH = "EncryptionAtRestWithPlatformAndCustomerKeys";
const HOUR_MS = 3_600_000;
const AT_REST = { form: 1, succeeded: { createdTime: "", ready: [], protected: false } };

interface Version {
  readonly repairs?: ImageVersionRecord["repairs"];
  /** Of the set in westus. */
  readonly type?: EncryptionType;
  readonly isAtRest?: boolean;
  /** Hours after the first read. */
  readonly written?: number;
  readonly isTooNew?: boolean;
}

/** Versions that Azure shows in westus alone, read at that hour; `read`: whose records were. */
async function inUse(
  versions: Readonly<Record<string, Version>>,
  hour = 0,
  known: readonly SetInUse[] = [],
) {
  let nowMs = 0;
  const now = () => new Date(nowMs);
  const index = createMemoryIndex(now);
  const read: string[] = [];
  for (const [name, { written = -1, isAtRest = false }] of Object.entries(versions)) {
    nowMs = written * HOUR_MS;
    const row = versionRow(IMAGE, name, "operation");
    await index.put([{ ...row, ...(isAtRest && { digest: JSON.stringify(AT_REST) }) }]);
  }
  nowMs = hour * HOUR_MS;
  const nameOf = new Map(
    Object.keys(versions).map((name) => [keyOf(`${IMAGE}/versions/${name}`), name]),
  );
  const sets = await setsInUse(
    {
      index,
      now,
      resourceManager: {
        listImageVersions: () =>
          Promise.resolve(
            Object.keys(versions).map((name) => ({
              name,
              provisioningState: "Succeeded",
              resource: IN_WESTUS,
            })),
          ),
      },
      store: {
        readRecord: (key: string) => {
          const name = nameOf.get(key) ?? "";
          read.push(name);
          const { repairs = {}, type, isTooNew = false } = versions[name] ?? {};
          return isTooNew
            ? Promise.reject(new ServiceError("StateTooNew", "Later."))
            : Promise.resolve({
                repairs,
                encryptionTypes: { ...(type && { [SET.toLowerCase()]: type }) },
              });
        },
      },
    } as unknown as Dependencies,
    IMAGE,
    known.map(({ id, madeWith }) => ({ diskEncryptionSetId: id, madeWith }) as KeyState),
  );
  return { sets: sets ?? [], read };
}

const typesOf = (sets: readonly SetInUse[]) => sets.find(({ id }) => id === SET)?.madeWith.versions;

test.each([
  ["removed", {}],
  ["lost", { lost: true }],
] as const)(
  "the set of a region that a repair has %s is in use: the region will be added back",
  async (_, more) => {
    const { sets } = await inUse({
      "1.10.0": {
        repairs: { eastus2: { attempts: 1, removed: EASTUS2, ...more } },
      },
    });
    expect(sets).toContainEqual({
      id: seedResource("diskEncryptionSets/EastUS2DiskEncryptionSet1"),
      uses: [{ name: "1.10.0", regions: ["eastus2"] }],
      madeWith: { readTime: new Date(0).toISOString(), versions: {} },
    });
  },
);

test("every version that is known counts, the highest number first", async () => {
  const { sets } = await inUse(
    Object.fromEntries(["1.9.0", "1.10.0", "1.2.0"].map((name) => [name, {}])),
  );
  expect(sets[0]?.uses.map(({ name }) => name)).toEqual(["1.10.0", "1.9.0", "1.2.0"]);
});

const RESTS = { type: CUSTOMER, isAtRest: true } as const;
const OLDER = { "1.0.0": RESTS, "1.1.0": { ...RESTS, type: BOTH } } as const;

test("what versions at rest were made with is read once", async () => {
  const first = await inUse(OLDER);
  expect(first.read).toEqual(["1.1.0", "1.0.0"]);
  expect(typesOf(first.sets)).toEqual({ [BOTH]: "1.1.0", [CUSTOMER]: "1.0.0" });
  const again = await inUse(OLDER, 1, first.sets);
  expect(again.read).toEqual([]);
  expect(typesOf(again.sets)).toEqual(typesOf(first.sets));
});

test.each<[string, Record<string, Version>, readonly string[]]>([
  ["one is not at rest", { ...OLDER, "1.1.0": { type: BOTH } }, ["1.1.0"]],
  ["one was written since", { ...OLDER, "1.0.0": { ...RESTS, written: 0.5 } }, ["1.0.0"]],
  [
    "one may have been written since",
    { ...OLDER, "1.0.0": { ...RESTS, written: -0.08 } },
    ["1.0.0"],
  ],
  ["one is new", { ...OLDER, "1.2.0": { ...RESTS, written: 0.5 } }, ["1.2.0"]],
])("where %s, that one is read again", async (_, versions, expected) => {
  const { sets } = await inUse(OLDER);
  const again = await inUse(versions, 1, sets);
  expect(again.read).toEqual(expected);
  expect(typesOf(again.sets)).toEqual(typesOf(sets));
});

test("where the version is gone that a type was known by, all are read again", async () => {
  const { sets } = await inUse(OLDER);
  const again = await inUse({ "1.0.0": RESTS }, 1, sets);
  expect(again.read).toEqual(["1.0.0"]);
  expect(typesOf(again.sets)).toEqual({ [CUSTOMER]: "1.0.0" });
});

test("what a later release has written is tried again by each run", async () => {
  const tooNew = { ...OLDER, "1.2.0": { ...RESTS, written: 0.5, isTooNew: true } };
  const { sets } = await inUse(OLDER);
  const second = await inUse(tooNew, 1, sets);
  expect((await inUse(tooNew, 2, second.sets)).read).toEqual(["1.2.0"]);
});
