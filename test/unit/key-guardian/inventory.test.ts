import { expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { versionRow } from "../../../src/image-version/listings.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { fieldsOf, regionOf } from "../../../src/image-version/properties/fields.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { setsInUse } from "../../../src/key-guardian/inventory.js";
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

/** Versions that Azure shows in westus alone, of which these records are stored. */
async function inUse(records: Readonly<Record<string, Pick<ImageVersionRecord, "repairs">>>) {
  const index = createMemoryIndex(() => new Date(0));
  const names = Object.keys(records);
  const stored = new Map(
    Object.entries(records).map(([name, record]) => [
      keyOf(`${IMAGE}/versions/${name}`),
      { encryptionTypes: {}, ...record },
    ]),
  );
  await index.put(names.map((name) => versionRow(IMAGE, name, "operation")));
  return setsInUse(
    {
      index,
      resourceManager: {
        listImageVersions: () =>
          Promise.resolve(
            names.map((name) => ({
              name,
              provisioningState: "Succeeded",
              resource: IN_WESTUS,
            })),
          ),
      },
      store: {
        readRecord: (key: string) => Promise.resolve(stored.get(key)),
      },
    } as unknown as Dependencies,
    IMAGE,
  );
}

test.each([
  ["removed", {}],
  ["lost", { lost: true }],
] as const)(
  "the set of a region that a repair has %s is in use: the region will be added back",
  async (_, more) => {
    const sets = await inUse({
      "1.10.0": {
        repairs: { eastus2: { attempts: 1, removed: EASTUS2, ...more } },
      },
    });
    expect(sets).toContainEqual({
      id: seedResource("diskEncryptionSets/EastUS2DiskEncryptionSet1"),
      uses: [{ name: "1.10.0", regions: ["eastus2"] }],
      madeWith: [],
    });
  },
);

test("every version that is known counts, the highest number first", async () => {
  const sets = await inUse(
    Object.fromEntries(["1.9.0", "1.10.0", "1.2.0"].map((name) => [name, { repairs: {} }])),
  );
  expect(sets?.[0]?.uses.map(({ name }) => name)).toEqual(["1.10.0", "1.9.0", "1.2.0"]);
});
