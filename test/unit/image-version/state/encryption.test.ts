import { expect, test } from "vitest";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { encryptionOf } from "../../../../src/image-version/state/encryption.js";
import { managedImageRequest, seedRegion, seedResource } from "../../../support/requests.js";

const set = (name: string): string => seedResource(`diskEncryptionSets/${name}`);
type Regions = NonNullable<
  NonNullable<
    ReturnType<typeof managedImageRequest>["properties"]["publishingProfile"]
  >["targetRegions"]
>;

function version(
  targetRegions: Regions,
  encryptionTypes: Parameters<typeof encryptionOf>[1]["encryptionTypes"] = {},
  dataDiskLuns: readonly number[] = [0],
) {
  const body = managedImageRequest();
  return {
    shown: canonicalForm({
      ...body,
      properties: { ...body.properties, publishingProfile: { targetRegions } },
    }),
    known: { encryptionTypes, dataDiskLuns },
  };
}

const ofRegion = ({ shown, known }: ReturnType<typeof version>, name: string) =>
  encryptionOf(shown, known, name);

test("platform keys, customer keys and both together are told for each disk and region", () => {
  const made = version([seedRegion("westus", "WestUS"), { name: "eastus2" }], {
    [set("WestUSDiskEncryptionSet1").toLowerCase()]: "EncryptionAtRestWithPlatformAndCustomerKeys",
    [set("WestUSDiskEncryptionSet2").toLowerCase()]: "EncryptionAtRestWithCustomerKey",
  });
  expect(ofRegion(made, "westus")).toEqual({
    osDiskImage: {
      type: "EncryptionAtRestWithPlatformAndCustomerKeys",
      diskEncryptionSetId: set("WestUSDiskEncryptionSet1"),
    },
    dataDiskImages: [
      {
        lun: 0,
        type: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSetId: set("WestUSDiskEncryptionSet2"),
      },
    ],
  });
  expect(ofRegion(made, "eastus2")).toEqual({
    osDiskImage: { type: "EncryptionAtRestWithPlatformKey" },
    dataDiskImages: [{ lun: 0, type: "EncryptionAtRestWithPlatformKey" }],
  });
});

test("a set that has not been read yet is of type Unknown", () => {
  expect(ofRegion(version([seedRegion("westus", "WestUS")], {}, []), "westus")).toMatchObject({
    osDiskImage: { type: "Unknown" },
    dataDiskImages: [{ lun: 0, type: "Unknown" }],
  });
});

test("every data disk is told once, in the order of LUNs, with a set or without", () => {
  const region = seedRegion("westus", "WestUS");
  expect(
    ofRegion(version([region], {}, [12, 0, 3]), "westus").dataDiskImages.map(
      ({ lun, type }) => `${lun} ${type}`,
    ),
  ).toEqual([
    "0 Unknown",
    "3 EncryptionAtRestWithPlatformKey",
    "12 EncryptionAtRestWithPlatformKey",
  ]);
});

test("a confidential OS disk has its own set's type, and that set beside it", () => {
  const secure = set("WestUSConfidentialEncryptionSet");
  const made = version(
    [
      {
        name: "westus",
        encryption: {
          osDiskImage: {
            securityProfile: {
              confidentialVMEncryptionType: "EncryptedWithCmk",
              secureVMDiskEncryptionSetId: secure,
            },
          },
        },
      },
    ],
    { [secure.toLowerCase()]: "ConfidentialVmEncryptedWithCustomerKey" },
    [],
  );
  expect(ofRegion(made, "westus").osDiskImage).toEqual({
    type: "ConfidentialVmEncryptedWithCustomerKey",
    diskEncryptionSetId: secure,
    secureVMDiskEncryptionSetId: secure,
  });
});

test("a region that Azure spells otherwise is the same, and one that is not there has platform keys", () => {
  const made = version([seedRegion("West US", "WestUS")]);
  expect(ofRegion(made, "westus").osDiskImage.type).toBe("Unknown");
  expect(ofRegion(made, "eastus2").osDiskImage.type).toBe("EncryptionAtRestWithPlatformKey");
});
