import { describe, expect, test } from "vitest";
import type { ImageDefinition } from "../../../src/image-version/resources.js";
import {
  diskName,
  machineName,
  planMachine,
  type MachinePlan,
} from "../../../src/machine-test/machine.js";
import { verdictOn } from "../../../src/machine-test/verdict.js";
import { seedResource, seedVersionId } from "../../support/requests.js";
import { idOf } from "../../support/dependencies.js";

const VERSION = seedVersionId("1.0.0");
const SET = seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1");

const definition = (change: Partial<ImageDefinition> = {}): ImageDefinition => ({
  id: seedResource("galleries/MyGallery/images/MyImage"),
  osType: "Linux",
  osState: "Generalized",
  hyperVGeneration: "V2",
  architecture: "x64",
  securityType: "Standard",
  ...change,
});

function planOf(
  encryption: object | undefined,
  change: Partial<ImageDefinition> = {},
  luns: readonly number[] = [],
): MachinePlan {
  return planMachine(
    { ...idOf(VERSION), resourceId: VERSION },
    {
      location: "westus",
      properties: {
        publishingProfile: {
          targetRegions: [
            {
              name: "East US 2",
              encryption: { osDiskImage: { diskEncryptionSetId: "/other" } },
            },
            { name: "West US", ...(encryption && { encryption }) },
          ],
        },
        storageProfile: { dataDiskImages: luns.map((lun) => ({ lun })) },
      },
    },
    definition(change),
    {
      region: "westus",
      subnetId: "/subnet",
      resourceGroupName: "ImageTests",
      machineSize: "Standard_D2s_v5",
    },
    new Map([
      [
        SET.toLowerCase(),
        {
          id: SET,
          region: "westus",
          provisioningState: "Succeeded",
          encryptionType: "EncryptionAtRestWithPlatformAndCustomerKeys",
          rotationToLatestKeyVersionEnabled: false,
        },
      ],
    ]),
    "agentReady",
  );
}

test("a machine's name is made from operation, region and attempt alone, and fits into Azure's limits", () => {
  const name = machineName("0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1", "West US", 1);
  expect(name).toBe(machineName("0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1", "westus", 1));
  expect(name).toMatch(/^sigiltest-[0-9a-f]{20}-1$/u);
  for (const other of [
    machineName("0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-2", "westus", 1),
    machineName("0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1", "eastus", 1),
    machineName("0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1", "westus", 2),
  ])
    expect(other).not.toBe(name);
  expect(diskName(name, 63).length).toBeLessThanOrEqual(64);
});

describe("disks", () => {
  test("have the sets of the version in that region, each of its own type, and are found by their LUN", () => {
    expect(
      planOf(
        {
          osDiskImage: { diskEncryptionSetId: SET },
          dataDiskImages: [{ lun: 7, diskEncryptionSetId: "/unread" }],
        },
        {},
        [2, 7],
      ).disks,
    ).toEqual([
      {
        diskEncryptionSetId: SET,
        encryptionType: "EncryptionAtRestWithPlatformAndCustomerKeys",
      },
      { lun: 2, encryptionType: "EncryptionAtRestWithPlatformKey" },
      { lun: 7, diskEncryptionSetId: "/unread" },
    ]);
  });

  test("of confidential data have the set of confidential machines, and what Azure shows of them beside it is not compared", () => {
    const [, data] = planOf(
      {
        dataDiskImages: [
          {
            lun: 2,
            securityProfile: {
              confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
              secureVMDiskEncryptionSetId: SET,
            },
          },
        ],
      },
      {},
      [2],
    ).disks;
    expect(data).toEqual({
      lun: 2,
      confidential: "DataDiskEncryptedWithCustomerKey",
      diskEncryptionSetId: SET,
    });
  });

  test.each([
    [
      {
        confidentialVMEncryptionType: "EncryptedWithCmk",
        secureVMDiskEncryptionSetId: SET,
      },
      {
        confidential: "DiskWithVMGuestState",
        diskEncryptionSetId: SET,
        encryptionType: "ConfidentialVM_DiskEncryptedWithCustomerKey",
      },
    ],
    [
      { confidentialVMEncryptionType: "EncryptedWithPmk" },
      {
        confidential: "DiskWithVMGuestState",
        encryptionType: "ConfidentialVM_DiskEncryptedWithPlatformKey",
      },
    ],
    [
      { confidentialVMEncryptionType: "EncryptedVMGuestStateOnlyWithPmk" },
      {
        confidential: "VMGuestStateOnly",
        encryptionType: "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey",
      },
    ],
    [
      { confidentialVMEncryptionType: "NonPersistedTPM" },
      {
        confidential: "NonPersistedTPM",
        encryptionType: "ConfidentialVM_NonPersistedTPM",
      },
    ],
  ])("of a confidential machine: %o", (securityProfile, disk) => {
    expect(
      planOf({ osDiskImage: { securityProfile } }, { securityType: "ConfidentialVM" }),
    ).toMatchObject({ securityType: "ConfidentialVM", disks: [disk] });
  });
});

test.each([
  ["Standard", undefined, undefined],
  ["TrustedLaunch", "TrustedLaunch", "TrustedLaunch"],
  ["TrustedLaunchSupported", "TrustedLaunch", "TrustedLaunch"],
  ["ConfidentialVM", "ConfidentialVM", "ConfidentialVM"],
  ["ConfidentialVmSupported", undefined, "ConfidentialVM"],
  ["TrustedLaunchAndConfidentialVmSupported", "TrustedLaunch", "ConfidentialVM"],
])(
  "a definition of %s makes %s machines, of a confidential version %s",
  (securityType, plain, confidential) => {
    const ofVersion = (encryption: object) => planOf(encryption, { securityType }).securityType;
    expect(ofVersion({})).toBe(plain);
    if (
      (securityType !== "Standard" && !securityType.startsWith("TrustedLaunch")) ||
      confidential === "ConfidentialVM"
    )
      expect(
        ofVersion({
          osDiskImage: {
            securityProfile: {
              confidentialVMEncryptionType: "EncryptedWithPmk",
            },
          },
        }),
      ).toBe(confidential);
  },
);

test("a machine is made as its definition says", () => {
  const purchasePlan = { name: "n", publisher: "p", product: "o" };
  expect(
    planOf(undefined, {
      osType: "Windows",
      osState: "Specialized",
      purchasePlan,
    }),
  ).toMatchObject({
    osType: "Windows",
    isSpecialized: true,
    purchasePlan,
    imageVersionId: VERSION,
    size: "Standard_D2s_v5",
    hasBootDiagnostics: false,
  });
});

test.each([
  ["OSProvisioningTimedOut", "failed", false],
  ["OSProvisioningClientError", "failed", false],
  ["KeyVaultAccessForbidden", "failed", false],
  ["VMMarketplaceInvalidInput", "failed", false],
  ["GalleryImageNotFound", "inconclusive", true],
  ["AllocationFailed", "inconclusive", true],
  ["ZonalAllocationFailed", "inconclusive", true],
  ["SkuNotAvailable", "inconclusive", true],
  ["OperationNotAllowed", "inconclusive", true],
  ["QuotaExceeded", "inconclusive", true],
  ["RequestDisallowedByPolicy", "inconclusive", true],
  ["ResourceManagerForbidden", "inconclusive", true],
  ["OSProvisioningInternalError", "inconclusive", true],
  ["SomethingNew", "inconclusive", true],
])("%s is %s; another attempt may show something else: %s", (code, result, mayChange) => {
  expect(verdictOn({ code, message: "" })).toMatchObject({
    result,
    mayChange,
  });
});
