import { isObject, readShape, type Shape } from "./json-shape.js";
import { invalidRequestContent } from "./arm-error.js";

/** The wire form of what a client may write about a gallery image version (Microsoft.Compute, api-version 2025-12-03). */
export interface ImageVersionBody {
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: ImageVersionProperties;
}

export interface ImageVersionProperties {
  readonly publishingProfile?: PublishingProfile;
  readonly storageProfile?: StorageProfile;
  readonly safetyProfile?: SafetyProfile;
  readonly securityProfile?: unknown;
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

export interface RegionEncryption {
  readonly osDiskImage?: {
    readonly diskEncryptionSetId?: string;
    readonly securityProfile?: {
      readonly confidentialVMEncryptionType?: string;
      readonly secureVMDiskEncryptionSetId?: string;
    };
  };
  readonly dataDiskImages?: readonly {
    readonly lun?: number;
    readonly diskEncryptionSetId?: string;
  }[];
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

const ENCRYPTION: Shape = {
  object: "EncryptionImages",
  members: {
    osDiskImage: {
      object: "OSDiskImageEncryption",
      members: {
        diskEncryptionSetId: "string",
        securityProfile: {
          object: "OSDiskImageSecurityProfile",
          members: {
            confidentialVMEncryptionType: {
              values: [
                "EncryptedVMGuestStateOnlyWithPmk",
                "EncryptedWithPmk",
                "EncryptedWithCmk",
                "NonPersistedTPM",
              ],
            },
            secureVMDiskEncryptionSetId: "string",
          },
        },
      },
    },
    dataDiskImages: {
      array: {
        object: "DataDiskImageEncryption",
        members: { lun: "integer", diskEncryptionSetId: "string" },
      },
    },
  },
};

const TARGET_REGION: Shape = {
  object: "TargetRegion",
  members: {
    name: "string",
    regionalReplicaCount: "integer",
    storageAccountType: STORAGE_ACCOUNT_TYPE,
    excludeFromLatest: "boolean",
    encryption: ENCRYPTION,
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
};

const TARGET_EXTENDED_LOCATION: Shape = {
  object: "GalleryTargetExtendedLocation",
  members: {
    name: "string",
    extendedLocation: {
      object: "GalleryExtendedLocation",
      members: { name: "string", type: "string" },
    },
    extendedLocationReplicaCount: "integer",
    storageAccountType: {
      values: [
        "Standard_LRS",
        "Standard_ZRS",
        "StandardSSD_LRS",
        "Premium_LRS",
      ],
    },
    encryption: ENCRYPTION,
  },
};

const DISK_IMAGE = {
  sizeInGB: "readOnly",
  hostCaching: { values: ["None", "ReadOnly", "ReadWrite"] },
  source: {
    object: "GalleryDiskImageSource",
    members: { id: "string", uri: "string", storageAccountId: "string" },
  },
} as const satisfies Record<string, Shape>;

const IMAGE_VERSION: Shape = {
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
        restore: "boolean",
        securityProfile: {
          object: "ImageVersionSecurityProfile",
          members: { uefiSettings: "any" },
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
            targetRegions: { array: TARGET_REGION },
            targetExtendedLocations: { array: TARGET_EXTENDED_LOCATION },
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
};

/** Reads a PUT's or PATCH's body as Compute deserializes it; throws the ArmError it answers with. */
export function readImageVersionBody(body: unknown): ImageVersionBody {
  if (!isObject(body))
    throw invalidRequestContent("the body must be a JSON object");
  // The shape and the interface above say the same; readShape has proven it of this value.
  return readShape(
    body,
    IMAGE_VERSION,
    "galleryImageVersion",
  ) as ImageVersionBody;
}
