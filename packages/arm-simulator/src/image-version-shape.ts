import { isObject, readShape, type Shape } from "./json-shape.js";
import { invalidRequestContent } from "./arm-error.js";

/** The first api-version that knows `securityProfile` of a data disk, and `secretsProvisioningSettings`. */
export const CONFIDENTIAL_DATA_DISKS_SINCE = "2026-03-03";

/** The wire form of what a client may write about a gallery image version (Microsoft.Compute, api-version 2026-03-03). */
export interface ImageVersionBody {
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: ImageVersionProperties;
}

export interface ImageVersionProperties {
  readonly publishingProfile?: PublishingProfile;
  readonly storageProfile?: StorageProfile;
  readonly safetyProfile?: SafetyProfile;
  readonly securityProfile?: SecurityProfile;
  readonly restore?: boolean;
}

export interface PublishingProfile {
  readonly targetRegions?: readonly TargetRegion[];
  readonly targetExtendedLocations?: unknown;
  readonly replicaCount?: number;
  readonly excludeFromLatest?: boolean;
  readonly endOfLifeDate?: string;
  readonly storageAccountType?: string;
  readonly storageAccountStrategy?: string;
  readonly replicationMode?: string;
  readonly publishedDate?: string;
}

export interface TargetRegion {
  readonly name?: string;
  readonly regionalReplicaCount?: number;
  readonly storageAccountType?: string;
  readonly excludeFromLatest?: boolean;
  readonly encryption?: RegionEncryption;
  readonly additionalReplicaSets?: readonly {
    readonly storageAccountType?: string;
    readonly regionalReplicaCount?: number;
  }[];
}

export interface SecurityProfile {
  readonly uefiSettings?: unknown;
  readonly secretsProvisioningSettings?: {
    readonly isSupported?: boolean;
    readonly osName?: string;
    readonly components?: readonly {
      readonly name?: string;
      readonly version?: string;
    }[];
  };
}

/** The encryption of one disk in one region. */
export interface DiskImageEncryption {
  readonly diskEncryptionSetId?: string;
  readonly securityProfile?: {
    readonly confidentialVMEncryptionType?: string;
    readonly secureVMDiskEncryptionSetId?: string;
  };
}

export interface RegionEncryption {
  readonly osDiskImage?: DiskImageEncryption;
  readonly dataDiskImages?: readonly (DiskImageEncryption & {
    readonly lun?: number;
  })[];
}

export interface DiskImage {
  readonly hostCaching?: string;
  readonly sizeInGB?: number;
  readonly source?: {
    readonly id?: string;
    readonly uri?: string;
    readonly storageAccountId?: string;
  };
}

export interface StorageProfile {
  readonly source?: {
    readonly id?: string;
    readonly virtualMachineId?: string;
    readonly communityGalleryImageId?: string;
  };
  readonly osDiskImage?: DiskImage;
  readonly dataDiskImages?: readonly (DiskImage & { readonly lun?: number })[];
}

export interface SafetyProfile {
  readonly allowDeletionOfReplicatedLocations?: boolean;
  readonly blockDeletionBeforeEndOfLife?: boolean;
}

const STORAGE_ACCOUNT_TYPE: Shape = {
  values: ["Standard_LRS", "Standard_ZRS", "Premium_LRS", "PremiumV2_LRS"],
};

/** "This Encryption type should only be used for data disks, and should not be used for OS disk encryption." */
const OS_DISK_TYPES = [
  "EncryptedVMGuestStateOnlyWithPmk",
  "EncryptedWithPmk",
  "EncryptedWithCmk",
  "NonPersistedTPM",
];

const encryption = (newest: boolean): Shape => ({
  object: "EncryptionImages",
  members: {
    osDiskImage: {
      object: "OSDiskImageEncryption",
      members: {
        diskEncryptionSetId: "string",
        securityProfile: security("OSDiskImageSecurityProfile", OS_DISK_TYPES),
      },
    },
    dataDiskImages: {
      array: {
        object: "DataDiskImageEncryption",
        members: {
          lun: "integer",
          diskEncryptionSetId: "string",
          ...(newest && {
            securityProfile: security("DataDiskImageSecurityProfile", [
              ...OS_DISK_TYPES,
              "DataDiskEncryptedWithCmk",
            ]),
          }),
        },
      },
    },
  },
});

const security = (object: string, values: readonly string[]): Shape => ({
  object,
  members: {
    confidentialVMEncryptionType: { values },
    secureVMDiskEncryptionSetId: "string",
  },
});

const SECRETS_PROVISIONING: Shape = {
  object: "SecretsProvisioningSettings",
  members: {
    isSupported: "boolean",
    osName: "string",
    components: {
      array: {
        object: "SecretsProvisioningComponent",
        members: {
          name: {
            values: ["OS", "CloudInit", "AzureGuestAgent", "SecretsProvisioningLibrary"],
          },
          version: "string",
        },
      },
    },
  },
};

const targetRegion = (newest: boolean): Shape => ({
  object: "TargetRegion",
  members: {
    name: "string",
    regionalReplicaCount: "integer",
    storageAccountType: STORAGE_ACCOUNT_TYPE,
    excludeFromLatest: "boolean",
    encryption: encryption(newest),
    additionalReplicaSets: {
      array: {
        object: "AdditionalReplicaSet",
        members: {
          storageAccountType: STORAGE_ACCOUNT_TYPE,
          regionalReplicaCount: "integer",
        },
      },
    },
  },
});

const targetExtendedLocation = (newest: boolean): Shape => ({
  object: "GalleryTargetExtendedLocation",
  members: {
    name: "string",
    extendedLocation: {
      object: "GalleryExtendedLocation",
      members: { name: "string", type: "string" },
    },
    extendedLocationReplicaCount: "integer",
    storageAccountType: {
      values: ["Standard_LRS", "Standard_ZRS", "StandardSSD_LRS", "Premium_LRS"],
    },
    encryption: encryption(newest),
  },
});

const DISK_IMAGE = {
  sizeInGB: "readOnly",
  hostCaching: { values: ["None", "ReadOnly", "ReadWrite"] },
  source: {
    object: "GalleryDiskImageSource",
    members: { id: "string", uri: "string", storageAccountId: "string" },
  },
} as const satisfies Record<string, Shape>;

const imageVersion = (newest: boolean): Shape => ({
  object: "GalleryImageVersion",
  members: {
    id: "readOnly",
    name: "readOnly",
    type: "readOnly",
    etag: "readOnly",
    systemData: "readOnly",
    location: "string",
    tags: { map: "string" },
    properties: {
      object: "GalleryImageVersionProperties",
      members: {
        provisioningState: "readOnly",
        replicationStatus: "readOnly",
        validationsProfile: "readOnly",
        imageMetadataProfiles: "readOnly",
        restore: "boolean",
        securityProfile: {
          object: "ImageVersionSecurityProfile",
          members: {
            uefiSettings: "any",
            ...(newest && {
              secretsProvisioningSettings: SECRETS_PROVISIONING,
            }),
          },
        },
        safetyProfile: {
          object: "GalleryImageVersionSafetyProfile",
          members: {
            reportedForPolicyViolation: "readOnly",
            policyViolations: "readOnly",
            allowDeletionOfReplicatedLocations: "boolean",
            blockDeletionBeforeEndOfLife: "boolean",
          },
        },
        storageProfile: {
          object: "GalleryImageVersionStorageProfile",
          members: {
            source: {
              object: "GalleryArtifactVersionFullSource",
              members: {
                id: "string",
                virtualMachineId: "string",
                communityGalleryImageId: "string",
              },
            },
            osDiskImage: { object: "GalleryOSDiskImage", members: DISK_IMAGE },
            dataDiskImages: {
              array: {
                object: "GalleryDataDiskImage",
                members: { lun: "integer", ...DISK_IMAGE },
              },
            },
          },
        },
        publishingProfile: {
          object: "GalleryImageVersionPublishingProfile",
          members: {
            publishedDate: "readOnly",
            targetRegions: { array: targetRegion(newest) },
            targetExtendedLocations: { array: targetExtendedLocation(newest) },
            replicaCount: "integer",
            excludeFromLatest: "boolean",
            endOfLifeDate: "date",
            storageAccountType: STORAGE_ACCOUNT_TYPE,
            storageAccountStrategy: {
              values: ["PreferStandard_ZRS", "DefaultStandard_LRS"],
            },
            replicationMode: { values: ["Full", "Shallow"] },
          },
        },
      },
    },
  },
});

const NEWEST = imageVersion(true);
const EARLIER = imageVersion(false);

/** Reads a PUT's or PATCH's body as Compute deserializes it; throws the ArmError it answers with. */
export function readImageVersionBody(body: unknown, apiVersion: string): ImageVersionBody {
  if (!isObject(body)) throw invalidRequestContent("the body must be a JSON object");
  // The shape and the interface above say the same; readShape has proven it of this value.
  return readShape(
    body,
    apiVersion >= CONFIDENTIAL_DATA_DISKS_SINCE ? NEWEST : EARLIER,
    "galleryImageVersion",
  ) as ImageVersionBody;
}
