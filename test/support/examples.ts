/**
 * The examples of GalleryImageVersions in Microsoft's specification of api-version 2026-03-03 (Azure/azure-rest-api-specs), by their
 * file's name without `GalleryImageVersion_`; only what the specification leaves open (`{subscriptionId}` and the like) has names of a
 * world of tests. Where that version's file was not at hand, it is that of the version before which has it: 2025-12-03 for
 * Create_WithSnapshotsAsSource, Update_WithoutSourceId and Get_WithReplicationStatus, 2025-03-03 for
 * Create_WithCommunityImageVersionAsSource, Create_WithVmAsSource, Update and Get_WithSnapshotsAsSource. No version before has
 * Create_WithCVMDataDiskEncryption and Create_WithSecretsProvisioningSettings: they are as Microsoft's SDKs have generated them of it.
 */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { seedResource } from "./requests.js";

type Properties = ImageVersionRequest["properties"];
type Region = NonNullable<NonNullable<Properties["publishingProfile"]>["targetRegions"]>[number];

/** As most of the examples have it, and Azure does not take it. */
const set = (name: string): string => seedResource(`diskEncryptionSet/${name}`);

const keys = (
  os: string,
  dataDisks: Readonly<Record<number, string>>,
): Pick<Region, "encryption"> => ({
  encryption: {
    osDiskImage: { diskEncryptionSetId: set(os) },
    dataDiskImages: Object.entries(dataDisks).map(([lun, name]) => ({
      lun: Number(lun),
      diskEncryptionSetId: set(name),
    })),
  },
});

const westUs = (more: Partial<Region> = {}): Region => ({
  name: "West US",
  regionalReplicaCount: 1,
  ...more,
  excludeFromLatest: false,
});
const eastUs = (more: Partial<Region> = {}): Region => ({
  name: "East US",
  regionalReplicaCount: 2,
  storageAccountType: "Standard_ZRS",
  ...more,
  excludeFromLatest: false,
});

const WEST_KEYS = keys("myWestUSDiskEncryptionSet", {
  0: "myOtherWestUSDiskEncryptionSet",
  1: "myWestUSDiskEncryptionSet",
});
const EAST_KEYS = keys("myEastUSDiskEncryptionSet", {
  0: "myOtherEastUSDiskEncryptionSet",
  1: "myEastUSDiskEncryptionSet",
});
const BOTH = [westUs(WEST_KEYS), eastUs(EAST_KEYS)];

const SAFETY = {
  safetyProfile: {
    allowDeletionOfReplicatedLocations: false,
    blockDeletionBeforeEndOfLife: false,
  },
};
const IMAGE = { source: { id: seedResource("images/imageName") } };
const VHD = {
  storageAccountId: seedResource("x").replace(
    "Microsoft.Compute/x",
    "Microsoft.Storage/storageAccounts/storageaccount",
  ),
  uri: "https://gallerysourcencus.blob.core.windows.net/myvhds/Windows-Server-2012-R2-20171216-en.us-128GB.vhd",
};
const VHDS = {
  osDiskImage: { source: VHD, hostCaching: "ReadOnly" },
  dataDiskImages: [{ source: VHD, lun: 1, hostCaching: "None" }],
} as const;
const VHD_REGIONS = [
  westUs(keys("myDiskEncryptionSet", { 1: "myOtherDiskEncryptionSet" })),
  eastUs(),
];

const version = (
  targetRegions: readonly Region[],
  storageProfile: unknown,
  more: object = SAFETY,
  location = "West US",
): ImageVersionRequest => ({
  location,
  properties: {
    publishingProfile: { targetRegions: [...targetRegions] },
    storageProfile: storageProfile as Properties["storageProfile"],
    ...more,
  },
});

const secretsProvisioningSettings = {
  isSupported: true,
  osName: "mariner",
  components: [
    { name: "AzureGuestAgent" as const, version: "2.7.0" },
    { name: "SecretsProvisioningLibrary" as const, version: "1.0.0" },
  ],
};

/** Bodies of PUT. */
export const PUT_EXAMPLES: Readonly<Record<string, ImageVersionRequest>> = {
  Create: version(BOTH, IMAGE),
  Create_WithAdditionalReplicaSets: version(
    [
      westUs({
        additionalReplicaSets: [{ storageAccountType: "PremiumV2_LRS", regionalReplicaCount: 1 }],
        ...WEST_KEYS,
      }),
      eastUs(EAST_KEYS),
    ],
    IMAGE,
    { safetyProfile: { allowDeletionOfReplicatedLocations: false } },
  ),
  Create_WithCVMDataDiskEncryption: {
    location: "eastus",
    properties: {
      publishingProfile: {
        targetRegions: [
          {
            name: "eastus",
            regionalReplicaCount: 1,
            storageAccountType: "Standard_ZRS",
            encryption: {
              osDiskImage: {
                securityProfile: {
                  confidentialVMEncryptionType: "EncryptedWithPmk",
                },
              },
              dataDiskImages: [
                {
                  lun: 0,
                  securityProfile: {
                    confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
                    secureVMDiskEncryptionSetId: seedResource(
                      // The specification has the name of another example's, which is at rest.
                      "diskEncryptionSets/myConfidentialSet",
                    ),
                  },
                },
              ],
            },
            excludeFromLatest: false,
          },
        ],
        replicaCount: 1,
        excludeFromLatest: false,
        replicationMode: "Full",
      },
      storageProfile: {
        source: { virtualMachineId: seedResource("virtualMachines/cvm") },
      },
    },
  },
  Create_WithCommunityImageVersionAsSource: version(BOTH, {
    source: {
      communityGalleryImageId:
        "/communityGalleries/communityGalleryName/images/communityGalleryImageName",
    },
  }),
  Create_WithImageVersionAsSource: version(BOTH, {
    source: {
      id: seedResource("galleries/galleryName/images/imageDefinitionName/versions/1.0.0"),
    },
  }),
  Create_WithSecretsProvisioningSettings: version(
    [westUs()],
    {
      osDiskImage: {
        source: {
          ...VHD,
          uri: "https://gallerysourcencus.blob.core.windows.net/myvhds/Linux-VM-2024.vhd",
        },
        hostCaching: "ReadOnly",
      },
    },
    { securityProfile: { secretsProvisioningSettings } },
  ),
  Create_WithShallowReplicationMode: {
    location: "West US",
    properties: {
      publishingProfile: {
        targetRegions: [westUs()],
        replicationMode: "Shallow",
      },
      storageProfile: IMAGE,
      ...SAFETY,
    },
  },
  Create_WithSnapshotsAsSource: version(
    [
      westUs(keys("myWestUSDiskEncryptionSet", { 1: "myWestUSDiskEncryptionSet" })),
      eastUs(keys("myEastUSDiskEncryptionSet", { 1: "myEastUSDiskEncryptionSet" })),
    ],
    {
      osDiskImage: {
        source: { id: seedResource("snapshots/osSnapshotName") },
        hostCaching: "ReadOnly",
      },
      dataDiskImages: [
        {
          source: { id: seedResource("disks/dataDiskName") },
          lun: 1,
          hostCaching: "None",
        },
      ],
    },
  ),
  Create_WithStorageAccountStrategy: {
    location: "West US",
    properties: {
      publishingProfile: {
        targetRegions: [
          { name: "West US" },
          { name: "East US" },
          { name: "East US 2", storageAccountType: "Premium_LRS" },
        ],
        storageAccountStrategy: "PreferStandard_ZRS",
      },
      storageProfile: {
        source: { virtualMachineId: seedResource("virtualMachines/vmName") },
      },
    },
  },
  Create_WithTargetExtendedLocations: version(BOTH, IMAGE),
  Create_WithVHD: version(VHD_REGIONS, VHDS),
  Create_WithVHD_UefiSettings: version(VHD_REGIONS, VHDS, {
    ...SAFETY,
    securityProfile: {
      uefiSettings: {
        signatureTemplateNames: ["MicrosoftUefiCertificateAuthorityTemplate"],
        additionalSignatures: {
          kek: [{ type: "sha256", value: ["<sha256 value>"] }],
          db: [{ type: "x509", value: ["<x509 value>"] }],
          dbx: [{ type: "x509", value: ["<x509 value>"] }],
        },
      },
    },
  }),
  Create_WithVmAsSource: version(
    [westUs({ ...WEST_KEYS, regionalReplicaCount: 2 }), eastUs(EAST_KEYS)],
    { source: { virtualMachineId: seedResource("virtualMachines/vmName") } },
  ),
};

const PATCHED_REGIONS = [
  { name: "West US", regionalReplicaCount: 1 },
  {
    name: "East US",
    regionalReplicaCount: 2,
    storageAccountType: "Standard_ZRS",
  },
];

/** Bodies of PATCH. */
export const PATCH_EXAMPLES: Readonly<Record<string, object>> = {
  Update: {
    properties: {
      publishingProfile: { targetRegions: PATCHED_REGIONS },
      storageProfile: IMAGE,
    },
  },
  Update_RestoreSoftDeleted: {
    properties: { restore: true, storageProfile: {} },
  },
  Update_WithoutSourceId: {
    properties: {
      publishingProfile: { targetRegions: PATCHED_REGIONS },
      storageProfile: {},
    },
  },
};

const GET_IMAGE = {
  ...IMAGE,
  osDiskImage: { sizeInGB: 10, hostCaching: "ReadOnly" },
  dataDiskImages: [{ lun: 1, sizeInGB: 10, hostCaching: "None" }],
};
const END_OF_LIFE = { blockDeletionBeforeEndOfLife: false };
const REPLICATED = {
  replicationStatus: {
    aggregatedState: "Completed",
    summary: ["West US", "East US"].map((region) => ({
      region,
      state: "Completed",
      details: "",
      progress: 100,
    })),
  },
};
const VALIDATED = {
  validationsProfile: {
    executedValidations: [
      {
        type: "LinuxSecurityBaseline",
        status: "Failed",
        version: "beta",
        executionTime: "2018-01-01T00:00:00Z",
      },
      {
        type: "AzCertify",
        status: "Succeeded",
        version: "10.0.4",
        executionTime: "2018-01-01T00:00:00Z",
      },
    ],
    platformAttributes: [
      { name: "source_image_publisher", value: "publishValue" },
      { name: "source_image_offer", value: "OfferValue" },
      { name: "source_image_sku", value: "SkuValue" },
      { name: "source_image_version", value: "1.0.0" },
    ],
    validationEtag: "2018-01-01T00:00:00Z",
  },
};

const got = (
  storageProfile: object,
  more: object = {},
  safety: object = END_OF_LIFE,
  dataDisks: Readonly<Record<number, string>> = { 1: "myDiskEncryptionSet" },
) => ({
  id: seedResource(
    "locations/westus/Galleries/myGalleryName/Images/myGalleryImageName/Versions/1.0.0",
  ),
  properties: {
    publishingProfile: {
      targetRegions: [
        westUs({
          storageAccountType: "Standard_LRS",
          ...keys("myDiskEncryptionSet", dataDisks),
        }),
        eastUs({ storageAccountType: "Standard_LRS" }),
      ],
      replicaCount: 1,
      publishedDate: "2018-01-01T00:00:00Z",
      storageAccountType: "Standard_LRS",
    },
    storageProfile,
    safetyProfile: {
      allowDeletionOfReplicatedLocations: false,
      reportedForPolicyViolation: true,
      policyViolations: [
        {
          category: "ImageFlaggedUnsafe",
          details: "This is the policy violation details.",
        },
      ],
      ...safety,
    },
    provisioningState: "Succeeded",
    ...more,
  },
  location: "West US",
  name: "1.0.0",
});

const TWO_DISKS = { 0: "myOtherDiskEncryptionSet", 1: "myDiskEncryptionSet" };

/** Answers of GET. */
export const GET_EXAMPLES = {
  Get: got(GET_IMAGE, {}, END_OF_LIFE, TWO_DISKS),
  Get_WithImageMetadataProfiles: {
    id: "/providers/Microsoft.Compute/locations/westus/Galleries/myGalleryName/Images/myGalleryImageName/Versions/1.0.0",
    properties: {
      publishingProfile: {
        targetRegions: [westUs({ storageAccountType: "Standard_LRS" })],
        replicaCount: 1,
        publishedDate: "2024-01-01T00:00:00Z",
        storageAccountType: "Standard_LRS",
      },
      storageProfile: {
        osDiskImage: {
          sizeInGB: 30,
          hostCaching: "ReadOnly",
          source: {
            ...VHD,
            uri: "https://gallerysourcencus.blob.core.windows.net/myvhds/Linux-VM-2024.vhd",
          },
        },
      },
      securityProfile: { secretsProvisioningSettings },
      imageMetadataProfiles: [
        {
          type: "UserProvidedSecretsProvisioningMetadata",
          publicMetadataList: [
            {
              metadataKey: "Linux.AzureSecretsProvisioning.Enabled",
              metadataValue: "true",
            },
            { metadataKey: "OS.Name", metadataValue: "mariner" },
            { metadataKey: "AzureGuestAgent.Version", metadataValue: "2.7.0" },
            {
              metadataKey: "SecretsProvisioningLibrary.Version",
              metadataValue: "1.0.0",
            },
          ],
        },
      ],
      provisioningState: "Succeeded",
    },
    location: "West US",
    name: "1.0.0",
  },
  Get_WithReplicationStatus: got(GET_IMAGE, REPLICATED, END_OF_LIFE, TWO_DISKS),
  Get_WithSnapshotsAsSource: got({
    osDiskImage: {
      source: { id: seedResource("snapshots/snapshotName") },
      sizeInGB: 10,
      hostCaching: "ReadOnly",
    },
    dataDiskImages: [
      {
        source: { id: seedResource("snapshots/diskSnapshotName") },
        lun: 1,
        sizeInGB: 10,
        hostCaching: "None",
      },
    ],
  }),
  Get_WithValidationProfile: got(GET_IMAGE, VALIDATED, {}, TWO_DISKS),
  Get_WithValidationProfileAndReplicationStatus: got(
    GET_IMAGE,
    { ...REPLICATED, ...VALIDATED },
    {},
    TWO_DISKS,
  ),
  Get_WithVhdAsSource: got(VHDS),
};

/** The answer of a DELETE. */
export const DELETE_EXAMPLE = {
  status: 202,
  headers: {
    "Azure-AsyncOperation":
      "https://management.azure.com/subscriptions/000000-8de3-42e7-b00e-8970003527749a/providers/Microsoft.Compute/locations/westus2/capsOperations/0012b61c-2d36-40bc-b7ed-1f0e48757277?api-version=2022-01-03",
    Location:
      "https://management.azure.com/subscriptions/000000-8de3-42e7-b00e-8970003527749a/providers/Microsoft.Compute/locations/westus2/capsOperations/0012b61c-2d36-40bc-b7ed-1f0e48757277?monitor=true&api-version=2022-01-03",
  },
};
