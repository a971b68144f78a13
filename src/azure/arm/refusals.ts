import type { DocumentationPage } from "../../image-version/ports.js";

/** One refusal, as ARM sent it. */
interface ArmRefusal {
  readonly code: string;
  readonly message: string;
  /** The field, in Compute's spelling, such as `galleryImageVersion.properties.storageProfile.source.id`. */
  readonly target?: string | undefined;
}

/**
 * A refusal in the vocabulary of the rules. If no rule can foresee it, it has its own words or
 * ARM's.
 */
interface KnownRefusal {
  readonly code: string;
  readonly remediation?: string;
}

/** A refusal that a request, or the state of Azure around it, can cause. */
export interface Refusal {
  /** ARM's codes. */
  readonly arm: readonly string[];
  /** Must match `target: message`; absent: the code alone decides. */
  readonly says?: RegExp;
  /**
   * ARM's exact words and the page that documents them; `<>` stands for what varies. Absent: not
   * documented.
   */
  readonly words?: readonly (readonly [text: string, page: DocumentationPage])[];
  /**
   * The code of the rule that foresees it, or of the OpenAPI document's check (`InvalidRequest`);
   * otherwise Sigil's own or ARM's.
   */
  readonly code: string;
  /** Why nothing can foresee it; absent: a rule does. */
  readonly unforeseen?: string;
  readonly remediation: string;
}

/** Compute's codes for a value that does not fit; `Conflict` comes through the asynchronous operation. */
const UNFIT = ["InvalidParameter", "BadRequest", "Conflict"];
/** Compute's codes for a missing resource. */
const ABSENT = ["ResourceNotFound", "NotFound", "GalleryImageNotFound", ...UNFIT];

/**
 * The known refusals, with ARM's codes and words. The first row that matches wins, since ARM uses
 * few codes for many refusals. `docs/reference/refusals.md` is generated from this table.
 */
export const REFUSALS: readonly Refusal[] = [
  // Subscription.
  {
    arm: ["MissingSubscriptionRegistration"],
    words: [
      ["The subscription is not registered to use namespace 'Microsoft.Compute'. <>", "armErrors"],
    ],
    code: "ProviderNotRegistered",
    remediation:
      "Register the provider: POST /api/subscriptions/{id}/prepare, or az provider register --namespace Microsoft.Compute.",
  },
  {
    arm: ["SubscriptionNotRegisteredForFeature"],
    code: "FeatureNotRegistered",
    remediation:
      "Register the feature that Azure names: POST /api/subscriptions/{id}/prepare, or az feature register.",
  },
  {
    arm: UNFIT,
    says: /subscription is missing required feature/iu,
    code: "FeatureNotRegistered",
    remediation:
      "Register the feature that Azure names (az feature register), or leave the region out.",
  },
  {
    arm: ["LocationNotAvailableForResourceType", "NoRegisteredProviderFound"],
    words: [
      [
        "No registered resource provider found for location '<>' and API version '<>' for type 'galleries'. <>",
        "apiVersions",
      ],
      [
        "The provided location <> is not available for resource type 'Microsoft.Compute/galleries'. List of available regions for the resource type is <>",
        "troubleshooting",
      ],
    ],
    code: "RegionNotOffered",
    remediation: "Use a region that the subscription offers: az account list-locations.",
  },
  {
    arm: ["AuthorizationFailed"],
    code: "InsufficientPermission",
    remediation:
      "Grant Sigil's identity a role that allows the action on the scope that Azure names.",
  },
  {
    arm: ["LinkedAuthorizationFailed"],
    code: "InsufficientPermission",
    unforeseen:
      "a read does not show whether Sigil's identity may write the source, which Azure requires for a machine, disk or snapshot",
    remediation:
      "Grant Sigil's identity a role that allows the action on the scope that Azure names.",
  },
  {
    arm: ["RequestDisallowedByPolicy"],
    words: [["Resource '<>' was disallowed by policy. <>", "policy"]],
    code: "RequestDisallowedByPolicy",
    unforeseen: "a policy may judge any property, and may change between the check and the write",
    remediation:
      "Change the request to comply with the policy that Azure names, or ask its owner for an exemption.",
  },
  {
    arm: ["QuotaExceeded", "ResourceQuotaExceeded"],
    code: "QuotaExceeded",
    unforeseen: "Azure has no call that reads what is left of it",
    remediation: "Delete unused image versions, or ask Azure for a larger quota.",
  },
  {
    arm: ["OperationNotAllowed"],
    says: /quota/iu,
    code: "QuotaExceeded",
    unforeseen: "Azure has no call that reads what is left of it",
    remediation: "Delete unused image versions, or ask Azure for a larger quota.",
  },
  {
    arm: ["ScopeLocked"],
    code: "ScopeLocked",
    unforeseen:
      "a lock may be set between the check and the write; reading locks is another permission",
    remediation:
      "Remove the lock that Azure names (az lock delete), or use another resource group.",
  },

  // Gallery, definition and version.
  {
    arm: ["ParentResourceNotFound"],
    says: /\/galleries\/[^/']+'/iu,
    code: "GalleryNotFound",
    remediation: "Create the gallery first, or correct its name in the URL.",
  },
  {
    arm: ["ParentResourceNotFound"],
    words: [
      [
        "Can not perform requested operation on nested resource. Parent resource <> not found",
        "troubleshooting",
      ],
      [
        "Failed to perform 'write' on resource(s) of type 'galleries/images/versions', because the parent resource '<>' could not be found",
        "parentResource",
      ],
    ],
    code: "ImageDefinitionNotFound",
    remediation:
      "Create the gallery and the image definition first, or correct their names in the URL.",
  },
  {
    arm: ["ResourceGroupNotFound"],
    code: "GalleryNotFound",
    remediation:
      "Create the resource group and the gallery first, or correct their names in the URL.",
  },
  {
    arm: ["InvalidResourceLocation"],
    words: [
      [
        "The resource <> already exists in location <> in resource group <>. A resource with the same name cannot be created in location <>. Please select a new resource name",
        "troubleshooting",
      ],
    ],
    code: "ImageVersionConflict",
    remediation: "Use another version name: this one exists in another location.",
  },
  {
    arm: ["PropertyChangeNotAllowed"],
    words: [["Changing property '<>' is not allowed.", "otherSource"]],
    code: "ImmutableProperty",
    remediation: "Set the value that the version was created with, or publish another version.",
  },
  {
    arm: UNFIT,
    says: /Changing property '[^']+' is not allowed|Global storage account type does not match|Cannot specify new data disk image encryption lun|Adding new Data Disks or changing the LUN/iu,
    words: [
      [
        "Changing property 'galleryImageVersion.properties.storageProfile.<>.source.id' is not allowed",
        "troubleshooting",
      ],
      [
        "Cannot specify new data disk image encryption lun [<>] with a disk encryption set in region [<>] for update gallery image version request.",
        "troubleshooting",
      ],
      [
        "Adding new Data Disks or changing the LUN of a Data Disk in an existing Image is not allowed",
        "troubleshooting",
      ],
      [
        "Global storage account type does not match the storage account type in the existing TargetRegion: '<>'. Please specify '<>' as the storage account type for this region.",
        "storageOfRegion",
      ],
    ],
    code: "ImmutableProperty",
    remediation: "Set the value that the version was created with, or publish another version.",
  },
  {
    arm: UNFIT,
    says: /^galleryImageVersion\.name:|image version name is invalid/iu,
    words: [
      [
        "The image version name is invalid. The image version name should follow Major(int).Minor(int).Patch(int) format, for e.g: 1.0.0, 2018.12.1 etc",
        "troubleshooting",
      ],
      [
        "The image version name is invalid. The image version name should follow Major(int).Minor(int).Patch(int) format, where int is between 0 and 2,147,483,647 (inclusive). For e.g: 1.0.0, 2018.12.1 etc.",
        "versionName",
      ],
    ],
    code: "InvalidVersionName",
    remediation: "Use three integers of at most 2147483647, such as 1.0.0, as the version's name.",
  },

  {
    arm: ["OperationNotAllowed"],
    says: /marked for deletion/iu,
    words: [
      [
        "Operation 'Update Gallery Image Version' is not on allowed on <>; since it is marked for deletion. You can only retry the Delete operation (or wait for an ongoing one to complete)",
        "troubleshooting",
      ],
    ],
    code: "ImageVersionDeleting",
    unforeseen: "others may delete it between the check and the write",
    remediation: "Wait until it is gone, then publish it again.",
  },
  {
    arm: ["DeleteGalleryImageVersionBlockedBeforeEndOfLife"],
    words: [
      [
        "Deletion of Gallery image version is not allowed because the image is enabled for blockDeletionBeforeEndOfLife and its endOfLifeDate has not reached yet",
        "troubleshooting",
      ],
    ],
    code: "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
    unforeseen:
      "Sigil refuses such a DELETE first, but others may block it between the check and the DELETE",
    remediation: "Set blockDeletionBeforeEndOfLife to false first, or wait for the end of life.",
  },
  {
    // Microsoft's page on soft delete says that Azure refuses this, but not in which words. Without
    // this row a 409 would count as busy.
    arm: [...UNFIT, "OperationNotAllowed"],
    says: /cannot be soft-deleted|failed provisioning state.*delet|delet.*failed provisioning state/iu,
    code: "FailedNotSoftDeletable",
    unforeseen:
      "Sigil refuses such a DELETE first, if it can read the gallery, but the version may fail between the check and the DELETE",
    remediation:
      "Repair the version (POST …/retry), or turn off the gallery's soft delete, delete the version, and turn it on again.",
  },

  // Publishing profile.
  {
    arm: UNFIT,
    says: /Duplicate regions/iu,
    words: [["Duplicate regions are not allowed in target publishing regions", "troubleshooting"]],
    code: "DuplicateRegion",
    remediation: "Keep one entry for the region. Names ignore case and spaces.",
  },
  {
    arm: UNFIT,
    says: /must contain the location of/iu,
    words: [
      [
        "Gallery image version publishing profile regions <> must contain the location of image version <>",
        "troubleshooting",
      ],
    ],
    code: "LocationNotInTargetRegions",
    remediation: "Add the version's own location to the target regions.",
  },
  {
    arm: UNFIT,
    says: /targetRegions\[\d+\]\.name: .* is not a region/iu,
    code: "RegionNotOffered",
    remediation: "Use a region that the subscription offers: az account list-locations.",
  },
  {
    arm: UNFIT,
    says: /number of replicas .* exceed/iu,
    code: "TooManyReplicas",
    remediation: "Lower the replica counts, region by region.",
  },
  {
    arm: UNFIT,
    says: /parameter \S+ is out of range/iu,
    words: [
      [
        "The value <> of parameter <> is out of range. The value must be between <> and <>, inclusive",
        "troubleshooting",
      ],
    ],
    code: "NotInRange",
    remediation: "Set a value in the range that Azure names.",
  },
  {
    arm: [...UNFIT, "InvalidRequestContent"],
    says: /Could not convert string to DateTimeOffset/iu,
    words: [
      ["Could not convert string to DateTimeOffset: <>. Path 'properties.<>'", "troubleshooting"],
    ],
    code: "InvalidFormat",
    remediation: "Write the date in RFC 3339, such as 2030-12-01.",
  },
  {
    arm: UNFIT,
    says: /EndOfLifeDate must be set to a future date/iu,
    words: [["EndOfLifeDate must be set to a future date.", "troubleshooting"]],
    code: "EndOfLifeDateInPast",
    remediation: "Set an endOfLifeDate in the future.",
  },
  {
    arm: UNFIT,
    says: /ZRS storage account type is not supported/iu,
    words: [["ZRS storage account type is not supported in this region.", "troubleshooting"]],
    code: "ZoneRedundantStorageNotOffered",
    remediation: "Use Standard_LRS or Premium_LRS in regions without availability zones.",
  },
  {
    arm: UNFIT,
    says: /Only the home region .* can be specified as a target region/iu,
    words: [
      [
        "Only the home region '<>' can be specified as a target region for Images with the ConfidentialVM feature unless the Confidential VM encryption type is set to 'NonPersistedTPM'.",
        "confidentialRegions",
      ],
    ],
    code: "ConfidentialVmOutsideHomeRegion",
    remediation:
      "Publish only to the version's own location, or set confidentialVMEncryptionType to NonPersistedTPM in every region.",
  },
  {
    arm: UNFIT,
    says: /securityProfile\.type must be specified/iu,
    words: [
      [
        "The regional encryption.osDiskImage.securityProfile.type must be specified when the SecurityType of the image definition is ConfidentialVM.",
        "confidentialEncryption",
      ],
    ],
    code: "ConfidentialEncryptionMissing",
    remediation: "Set confidentialVMEncryptionType in every target region.",
  },
  {
    arm: UNFIT,
    says: /\bshallow\b/iu,
    code: "InvalidShallowReplication",
    remediation:
      "Keep only the version's own location, with one replica, or set replicationMode to Full.",
  },
  {
    arm: UNFIT,
    says: /'storageAccountStrategy' cannot be specified along with/iu,
    code: "StorageAccountStrategyConflict",
    remediation: "Set storageAccountStrategy or storageAccountType, not both.",
  },
  {
    arm: UNFIT,
    says: /cannot be created in a shared gallery/iu,
    code: "SharedGalleryWithCustomerKeys",
    remediation: "Publish to a gallery that is not shared, or without disk encryption sets.",
  },

  // Encrypted sources, before the sets that they name.
  {
    arm: UNFIT,
    says: /encrypted source: '[^']*' is in a different subscription/iu,
    words: [
      [
        "Encrypted source: '<>' is in a different subscription ID than the current gallery image version subscription '<>'. Please retry with an unencrypted source(s) or use the source's subscription '<>' to create the gallery image version",
        "troubleshooting",
      ],
    ],
    code: "EncryptedSourceInOtherSubscription",
    remediation:
      "Copy the source to the subscription of the gallery, or publish from the source's own.",
  },
  {
    arm: UNFIT,
    says: /Encryption is not supported for source resource/iu,
    words: [
      [
        "Encryption is not supported for source resource '<>'. Please use a different source resource type which supports encryption or remove encryption properties",
        "troubleshooting",
      ],
    ],
    code: "EncryptionNotSupportedForSource",
    remediation:
      "Use a virtual machine, disks, snapshots or a managed image, or leave out the disk encryption sets in every region.",
  },
  {
    arm: UNFIT,
    says: /of the source is encrypted with a customer-managed key/iu,
    code: "PlatformKeysForEncryptedSource",
    remediation:
      "Name a disk encryption set for the disk in every target region: it cannot return to platform-managed keys.",
  },
  {
    arm: UNFIT,
    says: /is encrypted with customer-managed keys and cannot be used as a source/iu,
    code: "CustomerKeySource",
    remediation:
      "Use the managed image, virtual machine or snapshots that the source version was created from.",
  },

  // Disk encryption sets.
  {
    arm: UNFIT,
    says: /disk encryption set .*(?:must be in the (?:same )?subscription|belongs to subscription)/iu,
    words: [
      [
        "The disk encryption set '<>' must be in the same subscription '<>' as the gallery resource",
        "troubleshooting",
      ],
      [
        "Disk encryption set <> in Azure Compute Gallery <> belongs to subscription <> and cannot be used with resource '' in subscription <>",
        "troubleshooting",
      ],
    ],
    code: "DiskEncryptionSetInOtherSubscription",
    remediation: "Use a disk encryption set of the gallery's subscription.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set .* is in region/iu,
    code: "DiskEncryptionSetInOtherRegion",
    remediation: "Use a disk encryption set in the same region.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set .* provisioning state/iu,
    code: "DiskEncryptionSetNotReady",
    remediation: "Wait until the disk encryption set is Succeeded, or repair it.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set .* encryption type/iu,
    code: "DiskEncryptionSetOfWrongType",
    remediation:
      "Use a set of type ConfidentialVmEncryptedWithCustomerKey for secureVMDiskEncryptionSetId, and of another type elsewhere.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set .* no (?:active|enabled) key/iu,
    code: "DiskEncryptionSetWithoutKey",
    remediation: "Set an enabled key: az disk-encryption-set update --key-url.",
  },
  // Assumed: no page says whether Azure checks the key before it copies, or in which words it
  // refuses.
  {
    arm: UNFIT,
    says: /key .* of the disk encryption set .* is disabled/iu,
    code: "KeyDisabled",
    remediation: "Enable the key: az keyvault key set-attributes --enabled true.",
  },
  {
    arm: UNFIT,
    says: /key .* of the disk encryption set .* is not valid yet/iu,
    code: "KeyNotYetValid",
    remediation: "Set an earlier activation date: az keyvault key set-attributes --not-before.",
  },
  {
    arm: UNFIT,
    says: /key .* of the disk encryption set .* has expired/iu,
    code: "KeyExpired",
    remediation:
      "Set a later expiry date, or rotate the key: az keyvault key set-attributes --expires.",
  },
  {
    arm: UNFIT,
    says: /key .* of the disk encryption set .* does not exist/iu,
    code: "KeyNotFound",
    remediation: "Recover the key before it is purged: az keyvault key recover.",
  },
  {
    arm: ABSENT,
    says: /Microsoft\.Compute\/diskEncryptionSets\/[^/']+' under|disk encryption set .* was not found/iu,
    words: [["The disk encryption set <> was not found", "troubleshooting"]],
    code: "DiskEncryptionSetNotFound",
    remediation: "Create the disk encryption set first, or correct its id.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set is required for disk/iu,
    words: [
      [
        "A disk encryption set is required for disk 'galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption.osDiskImage.diskEncryptionSetId' in target region '<>' since disk encryption set '<>' is used for the corresponding disk in region '<>'",
        "troubleshooting",
      ],
      [
        "A disk encryption set is required for disk 'LUN <>' in target region '<>' since disk encryption set '<>' is used for the corresponding disk in region '<>'",
        "troubleshooting",
      ],
    ],
    code: "DiskEncryptionSetMissing",
    remediation: "Name a disk encryption set for the disk in every target region, or in none.",
  },
  {
    arm: UNFIT,
    says: /'secureVMDiskEncryptionSetId' must be given exactly when/iu,
    code: "ConfidentialVmSetMismatch",
    remediation:
      "Set secureVMDiskEncryptionSetId only, and always, if confidentialVMEncryptionType is EncryptedWithCmk.",
  },

  // Ids.
  {
    arm: UNFIT,
    says: /must be specified in '[^']+\.virtualMachineId'/iu,
    words: [
      [
        "The gallery image version source id: '<>' must be specified in 'galleryImageVersion.properties.storageProfile.source.virtualMachineId'.",
        "virtualMachineInId",
      ],
    ],
    code: "VirtualMachineInSourceId",
    remediation: "Write it as source.virtualMachineId.",
  },
  {
    arm: UNFIT,
    says: /must either be a managed image|must be a managed disk or snapshot/iu,
    words: [
      [
        "The source id: <> must either be a managed image, virtual machine or another gallery image version",
        "troubleshooting",
      ],
      ["The source id: <> must be a managed disk or snapshot", "troubleshooting"],
    ],
    code: "WrongResourceType",
    remediation: "Name a resource of the type that the field takes, or use the field for its type.",
  },
  {
    arm: ["LinkedInvalidPropertyId"],
    code: "InvalidResourceId",
    remediation:
      "Write the id as /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/{type}/{name}.",
  },
  {
    arm: UNFIT,
    says: /Property id \S* at path|value of parameter \S*(?:EncryptionSetId|source\.id) is invalid/iu,
    words: [
      [
        "Property id <> at path 'properties.storageProfile.<>.source.id' is invalid. Expect fully qualified resource Id that start with '/subscriptions/<>' or '/providers/<>/'",
        "troubleshooting",
      ],
      [
        "The value of parameter galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption.dataDiskImages.diskEncryptionSetId is invalid",
        "troubleshooting",
      ],
      [
        "The value of parameter galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption.osDiskImage.diskEncryptionSetId is invalid",
        "troubleshooting",
      ],
    ],
    code: "InvalidResourceId",
    remediation:
      "Write the id as /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/{type}/{name}.",
  },

  // Source against definition.
  {
    arm: UNFIT,
    says: /\bOS state\b/iu,
    words: [
      [
        "The resource with id '<>' has a different OS state ['<>'] than the parent gallery image OS state ['<>'].",
        "notGeneralized",
      ],
      [
        "Cannot create Gallery Image Version from: <> since the OS State in the parent gallery image (<>) is not <>",
        "troubleshooting",
      ],
    ],
    code: "OsStateMismatch",
    remediation: "Use an image definition of the source's OS state, or another source.",
  },
  {
    arm: UNFIT,
    says: /\bOS type\b/iu,
    words: [
      [
        "The resource with id '<>' has a different OS type ['<>'] than the parent gallery image OS type generation ['<>']",
        "troubleshooting",
      ],
    ],
    code: "OsTypeMismatch",
    remediation: "Use an image definition of the source's OS type, or another source.",
  },
  {
    arm: UNFIT,
    says: /hyper(?:-v|visor) generation/iu,
    words: [
      [
        "The resource with id '<>' has a different Hypervisor generation ['<>'] than the parent gallery image Hypervisor generation ['<>']",
        "troubleshooting",
      ],
    ],
    code: "HyperVGenerationMismatch",
    remediation: "Use an image definition of the source's Hyper-V generation, or another source.",
  },
  {
    arm: UNFIT,
    says: /different plan\b/iu,
    words: [
      [
        "The resource with id <> has a different plan ['<>'] than the parent gallery image plan ['<>'].",
        "troubleshooting",
      ],
    ],
    code: "PurchasePlanMismatch",
    remediation:
      "Use an image definition with the purchase plan that Azure names, which cannot be changed later.",
  },
  {
    arm: UNFIT,
    says: /different architecture|\barchitecture '/iu,
    code: "ArchitectureMismatch",
    remediation: "Use an image definition of the source's architecture, or another source.",
  },
  {
    arm: UNFIT,
    says: /\bsecurity type\b/iu,
    words: [
      [
        "The security type '<>' is not supported for the source id '<>'. Currently only Vhd Blob, User Image and Gallery Image Version sources are supported for '<>' images.",
        "trustedLaunchSources",
      ],
      [
        "Confidential VM is not supported for the source id '<>'. Currently Snapshot, Disk and VM sources are supported for the Confidential VM security type.",
        "confidentialSources",
      ],
    ],
    code: "SecurityTypeMismatch",
    remediation: "Use an image definition of the source's security type, or another source.",
  },

  // Source.
  {
    arm: UNFIT,
    says: /\bsource .* (?:is in region|is not replicated to region)/iu,
    code: "SourceInOtherRegion",
    remediation: "Use a source in the version's location, or the source's region as location.",
  },
  {
    arm: UNFIT,
    says: /cannot contain an ephemeral OS disk/iu,
    words: [["Source virtual machine <> cannot contain an ephemeral OS disk", "troubleshooting"]],
    code: "EphemeralOsDisk",
    remediation: "Use a virtual machine whose OS disk is a managed disk in storage.",
  },
  {
    arm: UNFIT,
    says: /stored in an UltraSSD account type/iu,
    words: [
      [
        "Source virtual machine <> cannot contain disk ['<>'] stored in an UltraSSD account type",
        "troubleshooting",
      ],
    ],
    code: "UltraDisk",
    remediation: "Use a source whose disks are Premium SSD, Standard SSD or Standard HDD.",
  },
  {
    arm: [...UNFIT, "ReplicationFailed", "InternalOperationError"],
    says: /Snapshots of PremiumV2_LRS disks are not supported/iu,
    words: [
      [
        "Replication failed in this region due to 'Snapshots of PremiumV2_LRS disks are not supported.'.",
        "premiumV2",
      ],
    ],
    code: "PremiumV2Disk",
    remediation: "Use a source whose disks are Premium SSD, Standard SSD or Standard HDD.",
  },
  {
    arm: UNFIT,
    says: /must be created from Managed Disks/iu,
    words: [["Source virtual machine <> must be created from Managed Disks", "troubleshooting"]],
    code: "UnmanagedDisk",
    remediation: "Convert the machine's disks first: az vm convert.",
  },
  {
    arm: ["TooManyRequests", "OperationNotAllowed"],
    says: /Too many requests on source/iu,
    words: [
      [
        "Too many requests on source '<>'. Please reduce the number of requests on the source or wait some time before retrying",
        "troubleshooting",
      ],
    ],
    code: "SourceThrottled",
    unforeseen: "it depends on other users of the source at that moment",
    remediation: "Send the request again later.",
  },
  {
    arm: [...UNFIT, "ReplicationFailed", "InternalOperationError"],
    says: /Data model DiskEncryptionSetId '' does not match/iu,
    words: [
      [
        "Replication failed in this region due to 'Contract.Assert failed: Data model DiskEncryptionSetId '' does not match DiskRP returned DiskEncryptionSetId '<>'",
        "trustedLaunchKeys",
      ],
    ],
    code: "TrustedLaunchWithCustomerKeys",
    remediation:
      "Publish from snapshots of the machine's disks: a plan of the same request has the commands and the storageProfile.",
  },
  {
    arm: [...UNFIT, "ReplicationFailed", "InternalOperationError"],
    says: /source resource size \d+ exceeds the max size/iu,
    words: [
      [
        "Replication failed in this region due to 'The GalleryImageVersion source resource size <> exceeds the max size <> supported",
        "troubleshooting",
      ],
    ],
    code: "SourceDiskTooLarge",
    remediation: "Use a source with smaller disks, or replicationMode Shallow for up to 32 TB.",
  },
  {
    arm: ["InvalidBeginGetAccessForGalleryImageVersionSnapshotResponseFromPIR"],
    words: [
      [
        "The response from pir.BeginGetAccessForGalleryImageVersionSnapshot is invalid.",
        "snapshotAccess",
      ],
    ],
    code: "InvalidBeginGetAccessForGalleryImageVersionSnapshotResponseFromPIR",
    unforeseen: "it is Azure's own fault",
    remediation: "Delete the failed version, and publish it again.",
  },
  // Nobody has recorded the code that Azure uses here.
  {
    arm: ["ValidationError", "InternalOperationError", "Conflict"],
    says: /Gallery replication jobs failed/iu,
    words: [
      [
        "Gallery replication jobs failed in one or more regions. The failing regions' details are as follows: '<>'. If retry does not work, then please do an update by removing the failed regions and update again by adding them back.",
        "replicationJobs",
      ],
    ],
    code: "ReplicationJobsFailed",
    unforeseen: "a copy can fail at any time",
    remediation: "Retry the failed regions: POST …/retry removes each and adds it back.",
  },
  {
    arm: ABSENT,
    says: /storageProfile\.source\.\w+: .*Microsoft\.Compute\/disks\/[^/']+' under/iu,
    code: "SourceDiskNotFound",
    remediation: "Use a virtual machine that has all its disks, or publish from snapshots of them.",
  },
  {
    arm: ABSENT,
    says: /storageProfile\S*: .*not found|\bSource (?:was not found|\S+ is not found)|Microsoft\.Compute\/(?:images|disks|snapshots|virtualMachines)\/[^/']+' under/iu,
    words: [
      ["Source was not found: <>. Please make sure the source exists", "troubleshooting"],
      [
        "Source <> is not found. Please check source exists, and is in the same region as gallery image version being created",
        "troubleshooting",
      ],
    ],
    code: "SourceNotFound",
    remediation: "Correct the source's id; it must exist, in the version's location.",
  },
  {
    arm: UNFIT,
    says: /Exactly one source must be given|One and only one source type|Required parameter '\S*(?:storageProfile|source(?:\.\w+)?)' is missing/iu,
    words: [
      [
        "The gallery artifact version source can only be specified either directly under storageProfile or within individual OS or data disks. One and only one source type (user image, snapshot, disk, virtual machine) can be provided",
        "troubleshooting",
      ],
    ],
    code: "MissingSource",
    remediation:
      "Set exactly one source: source.id, source.virtualMachineId, source.communityGalleryImageId, or a source for osDiskImage and each of dataDiskImages.",
  },
  {
    arm: UNFIT,
    says: /invalid lun \[/iu,
    words: [
      [
        "An invalid lun [<>] was specified in encryption.dataDiskImages. The lun must be one of the following values ['<>']",
        "troubleshooting",
      ],
    ],
    code: "LunNotInSource",
    remediation: "Correct the LUN to one that the source has.",
  },
  {
    arm: UNFIT,
    says: /Duplicated source ids are found|cannot point to same blob/iu,
    words: [
      [
        "Duplicated source ids are found in the input disks. Source id should be unique for each disk",
        "troubleshooting",
      ],
      ["OSDiskImage and DataDiskImage cannot point to same blob <>", "troubleshooting"],
    ],
    code: "DuplicateSource",
    remediation: "Use a different source for each disk.",
  },
  {
    arm: UNFIT,
    says: /Duplicated? luns? /iu,
    words: [
      [
        "Duplicated lun numbers have been detected in the input data disks. Lun number must be unique for each data disk",
        "troubleshooting",
      ],
      [
        "Duplicate luns '<>' were specified in target region '<>' encryption.dataDiskImages",
        "troubleshooting",
      ],
    ],
    code: "DuplicateLun",
    remediation: "Keep one entry for each LUN.",
  },

  // Any other ResourceNotFound is about the version's parents.
  {
    arm: ABSENT,
    says: /Microsoft\.Compute\/galleries\/[^/']+\/images\/[^/']+' under/iu,
    code: "ImageDefinitionNotFound",
    remediation: "Create the image definition first, or correct its name in the URL.",
  },
  {
    arm: ABSENT,
    says: /Microsoft\.Compute\/galleries\/[^/']+' under/iu,
    code: "GalleryNotFound",
    remediation: "Create the gallery first, or correct its name in the URL.",
  },
];

const MOST_TEXT = 2_000;

/** Finds the row for a refusal. If none matches, it keeps ARM's own code and has no remediation. */
export function knownRefusal({ code, message, target }: ArmRefusal): KnownRefusal {
  // Azure quotes the request in its message. Match only its start, which matters most, to bound the
  // work of the expression.
  const text = `${target ?? ""}: ${message}`.slice(0, MOST_TEXT);
  const row = REFUSALS.find(({ arm, says }) => arm.includes(code) && (says?.test(text) ?? true));
  return row === undefined ? { code } : { code: row.code, remediation: row.remediation };
}
