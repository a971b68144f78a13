/**
 * The examples of GalleryImageVersions in Microsoft's specification of api-version 2026-03-03, by their file's name without
 * `GalleryImageVersion_`; only what the specification leaves open (`{subscriptionId}` and the like) has names of a world of tests.
 */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { seedResource } from "./requests.js";

type Properties = ImageVersionRequest["properties"];
type Region = NonNullable<
  NonNullable<Properties["publishingProfile"]>["targetRegions"]
>[number];

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
        additionalReplicaSets: [
          { storageAccountType: "PremiumV2_LRS", regionalReplicaCount: 1 },
        ],
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
      id: seedResource(
        "galleries/galleryName/images/imageDefinitionName/versions/1.0.0",
      ),
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
      westUs(
        keys("myWestUSDiskEncryptionSet", { 1: "myWestUSDiskEncryptionSet" }),
      ),
      eastUs(
        keys("myEastUSDiskEncryptionSet", { 1: "myEastUSDiskEncryptionSet" }),
      ),
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

/** The answer of a GET that has what came with this api-version. */
export const GET_EXAMPLE = {
  id: "/providers/Microsoft.Compute/locations/westus/Galleries/myGalleryName/Images/myGalleryImageName/Versions/1.0.0",
  properties: {
    publishingProfile: {
      targetRegions: [
        {
          name: "West US",
          regionalReplicaCount: 1,
          storageAccountType: "Standard_LRS",
          excludeFromLatest: false,
        },
      ],
      replicaCount: 1,
      publishedDate: "2024-01-01T00:00:00Z",
      storageAccountType: "Standard_LRS",
    },
    storageProfile: {
      osDiskImage: {
        sizeInGB: 30,
        hostCaching: "ReadOnly",
        source: VHD,
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
