import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseSets } from "../../../../src/image-version/commands/encryption-rule.js";
import type { EncryptionRule } from "../../../../src/image-version/contract.js";
import type { Dependencies } from "../../../../src/image-version/ports.js";
import { diskEncryptionReferences } from "../../../../src/image-version/properties/disk-encryption-references.js";
import type { DiskEncryptionSet } from "../../../../src/keys/ports.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";

const SUBSCRIPTION = "00000000-0000-0000-0000-000000000000";
const ID = {
  subscriptionId: SUBSCRIPTION,
  resourceGroupName: "g",
  galleryName: "gallery",
  imageName: "image",
  versionName: "1.0.0",
};
const REGIONS = ["westus", "eastus2", "northeurope"];
const CONFIDENTIAL = "ConfidentialVmEncryptedWithCustomerKey";

const NO_SETS = {
  listDiskEncryptionSets: () => Promise.resolve(undefined),
};

const sets = fc.array(
  fc.record({
    region: fc.constantFrom(...REGIONS),
    encryptionType: fc.constantFrom(
      "EncryptionAtRestWithCustomerKey" as const,
      "EncryptionAtRestWithPlatformAndCustomerKeys" as const,
      CONFIDENTIAL as typeof CONFIDENTIAL,
    ),
    tags: fc.constantFrom({}, { image: "golden" }, { IMAGE: "golden" }),
  }),
  { maxLength: 8 },
);
const regions = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...REGIONS),
    confidential: fc.boolean(),
  }),
  { minLength: 1, selector: ({ name }) => name },
);

test("a tag never leads to a set of another region or type, and where it leads to none or several, that is told", async () => {
  await fc.assert(
    fc.asyncProperty(sets, regions, async (found, asked) => {
      const value = found.map((set, i): DiskEncryptionSet => ({
        ...set,
        id: `/subscriptions/${SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/set${i}`,
        provisioningState: "Succeeded",
        rotationToLatestKeyVersionEnabled: false,
      }));
      const deps = {
        resources: { listDiskEncryptionSets: () => Promise.resolve({ value }) },
      } as unknown as Dependencies;
      const body = canonicalForm({
        location: "westus",
        properties: {
          storageProfile: {
            osDiskImage: { source: { id: "os" } },
            dataDiskImages: [{ lun: 3, source: { id: "data" } }],
          },
          publishingProfile: {
            targetRegions: asked.map(({ name, confidential }) => ({
              name,
              ...(confidential && {
                encryption: {
                  osDiskImage: {
                    securityProfile: {
                      confidentialVMEncryptionType: "EncryptedWithCmk",
                    },
                  },
                },
              }),
            })),
          },
        },
      });
      const { request, findings } = await chooseSets(deps, ID, body, {
        tag: "image=golden",
      });
      const references = diskEncryptionReferences(request);
      for (const { diskEncryptionSetId, region, confidential } of references) {
        const set = value.find(({ id }) => id === diskEncryptionSetId);
        expect(set?.region).toBe(region);
        expect(set?.encryptionType === CONFIDENTIAL).toBe(confidential);
        expect(Object.values(set?.tags ?? {})).toEqual(["golden"]);
      }
      // Each disk has its set, or the kind of set that it lacks is told once.
      const kinds = asked.flatMap(({ name, confidential }) =>
        confidential ? [`${name} c`, name] : [name],
      );
      const fitting = (kind: string) =>
        value.filter(
          ({ region, encryptionType, tags = {} }) =>
            kind === (encryptionType === CONFIDENTIAL ? `${region} c` : region) &&
            Object.keys(tags).length === 1,
        ).length;
      expect(findings).toHaveLength(kinds.filter((kind) => fitting(kind) !== 1).length);
    }),
  );
});

test("a set by name is said anew, one by tag stays as the version has it", async () => {
  const setsOf = async (rule: EncryptionRule) => {
    const bodyWith = (encryption = {}) =>
      canonicalForm({
        location: "westus",
        properties: {
          storageProfile: {
            osDiskImage: { source: { id: "os" } },
            dataDiskImages: [{ lun: 3, source: { id: "data" } }],
          },
          publishingProfile: {
            targetRegions: [{ name: "westus", ...encryption }],
          },
        },
      });
    const had = {
      osDiskImage: { diskEncryptionSetId: "os-had" },
      dataDiskImages: [{ lun: 3, diskEncryptionSetId: "data-had" }],
    };
    const { request } = await chooseSets(
      { resources: NO_SETS } as unknown as Dependencies,
      ID,
      bodyWith(),
      rule,
      bodyWith({ encryption: had }),
    );
    return diskEncryptionReferences(request).map(({ diskEncryptionSetId }) =>
      diskEncryptionSetId.split("/").at(-1),
    );
  };
  const tag = "image=golden";
  const osDisk = "of-{region}";
  const dataDisks = "disk-{lun}";
  expect(await setsOf({ tag })).toEqual(["os-had", "data-had"]);
  expect(await setsOf({ osDisk, tag })).toEqual(["of-westus", "data-had"]);
  expect(await setsOf({ dataDisks, tag })).toEqual(["os-had", "disk-3"]);
  expect(await setsOf({ osDisk, dataDisks })).toEqual(["of-westus", "disk-3"]);
});

test("a source whose disks nobody can look at has no data disk to name a set for", async () => {
  const { request, findings } = await chooseSets(
    { resources: NO_SETS } as unknown as Dependencies,
    ID,
    canonicalForm({
      location: "westus",
      properties: {
        storageProfile: {
          source: { communityGalleryImageId: "/communityGalleries/a/images/b" },
        },
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    }),
    { osDisk: "os-{region}", dataDisks: "disk-{lun}" },
  );
  expect(findings).toEqual([]);
  expect(diskEncryptionReferences(request).map(({ pointer }) => pointer)).toEqual([
    "/properties/publishingProfile/targetRegions/0/encryption/osDiskImage/diskEncryptionSetId",
  ]);
});
