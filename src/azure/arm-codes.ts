/** What is known of one of ARM's refusals. */
export interface ArmRefusal {
  readonly code: string;
  readonly message: string;
  /** The field, in Compute's spelling, such as `galleryImageVersion.properties.storageProfile.source.id`. */
  readonly target?: string | undefined;
}

/** The same in the vocabulary of the rules; for what no rule can foresee, in words of its own or ARM's. */
export interface KnownRefusal {
  readonly code: string;
  readonly remediation?: string;
}

interface Row {
  /** ARM's codes. */
  readonly arm: readonly string[];
  /** Looked for in `target: message`; absent where the code alone says it. */
  readonly says?: RegExp;
  readonly code: string;
  readonly remediation: string;
}

/** Compute's codes for a value that does not fit; `Conflict` comes through the asynchronous operation. */
const UNFIT = ["InvalidParameter", "BadRequest", "Conflict"];
/** Its codes for what is not there. */
const ABSENT = [
  "ResourceNotFound",
  "NotFound",
  "GalleryImageNotFound",
  ...UNFIT,
];

/**
 * ARM's codes and words, and what they mean; the first row that fits is taken. Words are those of "Troubleshoot images
 * in an Azure Compute Gallery" (Microsoft Learn) and of recorded answers: ARM has few codes for its many refusals.
 */
const ROWS: readonly Row[] = [
  // Subscription.
  {
    arm: ["MissingSubscriptionRegistration"],
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
    code: "RegionNotOffered",
    remediation:
      "Use a region that the subscription offers: az account list-locations.",
  },
  {
    arm: ["AuthorizationFailed", "LinkedAuthorizationFailed"],
    code: "InsufficientPermission",
    remediation:
      "Give Sigil's identity a role that allows the action on the scope that Azure names.",
  },
  {
    arm: ["RequestDisallowedByPolicy"],
    code: "RequestDisallowedByPolicy",
    remediation:
      "Change the request to comply with the policy that Azure names, or ask its owner for an exemption.",
  },
  {
    arm: ["QuotaExceeded", "ResourceQuotaExceeded"],
    code: "QuotaExceeded",
    remediation:
      "Delete image versions that are no longer used, or ask Azure for a larger quota.",
  },
  {
    arm: ["OperationNotAllowed"],
    says: /quota/iu,
    code: "QuotaExceeded",
    remediation:
      "Delete image versions that are no longer used, or ask Azure for a larger quota.",
  },
  {
    arm: ["ScopeLocked"],
    code: "ScopeLocked",
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
    code: "ImageVersionConflict",
    remediation:
      "Use another version name: this one exists in another location.",
  },
  {
    arm: ["PropertyChangeNotAllowed"],
    code: "ImmutableProperty",
    remediation:
      "Send the value that the version was made with, or publish another version.",
  },
  {
    arm: UNFIT,
    says: /Changing property '[^']+' is not allowed|Cannot specify new data disk image encryption lun|Adding new Data Disks or changing the LUN/iu,
    code: "ImmutableProperty",
    remediation:
      "Send the value that the version was made with, or publish another version.",
  },
  {
    arm: UNFIT,
    says: /^galleryImageVersion\.name:|image version name is invalid/iu,
    code: "InvalidVersionName",
    remediation:
      "Use three integers of at most 2147483647, such as 1.0.0, as the version's name.",
  },

  // Publishing profile.
  {
    arm: UNFIT,
    says: /Duplicate regions|The region '[^']*' is given twice/iu,
    code: "DuplicateRegion",
    remediation:
      'Keep one entry for the region: "East US 2" and "eastus2" are one.',
  },
  {
    arm: UNFIT,
    says: /must (?:include|contain) the location of/iu,
    code: "LocationNotInTargetRegions",
    remediation: "Add the version's own location to the target regions.",
  },
  {
    arm: UNFIT,
    says: /targetRegions\[\d+\]\.name: .* is not a region/iu,
    code: "RegionNotOffered",
    remediation:
      "Use a region that the subscription offers: az account list-locations.",
  },
  {
    arm: UNFIT,
    says: /number of replicas .* exceed|parameter \S*ReplicaCount\S* is out of range/iu,
    code: "TooManyReplicas",
    remediation:
      "Lower the replica counts: Azure allows 100 for a version, all regions together.",
  },
  {
    arm: UNFIT,
    says: /'storageAccountStrategy' cannot be specified along with/iu,
    code: "StorageAccountStrategyConflict",
    remediation: "Give storageAccountStrategy or storageAccountType, not both.",
  },
  {
    arm: UNFIT,
    says: /cannot be created in a shared gallery/iu,
    code: "SharedGalleryWithCustomerKeys",
    remediation:
      "Publish to a gallery that is not shared, or without disk encryption sets.",
  },

  // Encrypted sources, before the sets that they name.
  {
    arm: UNFIT,
    says: /encrypted source(?:: '[^']*' is in a different subscription| must be in the subscription)/iu,
    code: "EncryptedSourceInOtherSubscription",
    remediation:
      "Copy the source to the subscription of the gallery, or publish from the source's own.",
  },
  {
    arm: UNFIT,
    says: /of the source is encrypted with a customer-managed key/iu,
    code: "PlatformKeysForEncryptedSource",
    remediation:
      "Give the disk a disk encryption set in every target region: there is no way back to platform keys.",
  },
  {
    arm: UNFIT,
    says: /is encrypted with customer-managed keys and cannot be used as a source/iu,
    code: "CustomerKeySource",
    remediation:
      "Use the managed image, virtual machine or snapshots that the source version was made from.",
  },

  // Disk encryption sets.
  {
    arm: UNFIT,
    says: /disk encryption set .*(?:must be in the (?:same )?subscription|belongs to subscription)/iu,
    code: "DiskEncryptionSetInOtherSubscription",
    remediation: "Use a disk encryption set of the gallery's subscription.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set .* is in region/iu,
    code: "DiskEncryptionSetInOtherRegion",
    remediation:
      "Use a disk encryption set that is in the region it is given for.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set .* provisioning state/iu,
    code: "DiskEncryptionSetNotReady",
    remediation:
      "Wait until the disk encryption set is Succeeded, or repair it.",
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
    remediation:
      "Give the set an enabled key: az disk-encryption-set update --key-url.",
  },
  {
    arm: ABSENT,
    says: /Microsoft\.Compute\/diskEncryptionSets\/[^/']+' under|disk encryption set .* was not found/iu,
    code: "DiskEncryptionSetNotFound",
    remediation: "Create the disk encryption set first, or correct its id.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set is required for disk|disk encryption set is given for .* in another region/iu,
    code: "DiskEncryptionSetMissing",
    remediation:
      "Give the disk a disk encryption set in every target region, or in none.",
  },
  {
    arm: UNFIT,
    says: /disk encryption set is given for data disks .* but not for the OS disk/iu,
    code: "OsDiskEncryptionSetMissing",
    remediation:
      "Give the OS disk a disk encryption set in that region, or give none to any disk in any region.",
  },
  {
    arm: UNFIT,
    says: /'secureVMDiskEncryptionSetId' must be given exactly when/iu,
    code: "ConfidentialVmSetMismatch",
    remediation:
      "Give secureVMDiskEncryptionSetId exactly where confidentialVMEncryptionType is EncryptedWithCmk.",
  },

  // Ids.
  {
    arm: UNFIT,
    says: /value '\/subscriptions\/[^']+\/providers\/[^/']+\/[^']+' of parameter '[^']*' is not the resource id of|must either be a managed image|must be a managed disk or snapshot/iu,
    code: "WrongResourceType",
    remediation:
      "Name a resource of the type that the field takes, or use the field for its type.",
  },
  {
    arm: ["LinkedInvalidPropertyId"],
    code: "InvalidResourceId",
    remediation:
      "Write the id as /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/{type}/{name}.",
  },
  {
    arm: UNFIT,
    says: /is not the resource id of|value of parameter \S*(?:EncryptionSetId|source\.id) is invalid/iu,
    code: "InvalidResourceId",
    remediation:
      "Write the id as /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/{type}/{name}.",
  },

  // Source against definition.
  {
    arm: UNFIT,
    says: /\bOS state\b/iu,
    code: "OsStateMismatch",
    remediation:
      "Use an image definition of the source's OS state, or another source.",
  },
  {
    arm: UNFIT,
    says: /\bOS type\b/iu,
    code: "OsTypeMismatch",
    remediation:
      "Use an image definition of the source's OS type, or another source.",
  },
  {
    arm: UNFIT,
    says: /hyper(?:-v|visor) generation/iu,
    code: "HyperVGenerationMismatch",
    remediation:
      "Use an image definition of the source's Hyper-V generation, or another source.",
  },
  {
    arm: UNFIT,
    says: /different architecture|\barchitecture '/iu,
    code: "ArchitectureMismatch",
    remediation:
      "Use an image definition of the source's architecture, or another source.",
  },
  {
    arm: UNFIT,
    says: /\bsecurity type\b/iu,
    code: "SecurityTypeMismatch",
    remediation:
      "Use an image definition of the source's security type, or another source.",
  },

  // Source.
  {
    arm: UNFIT,
    says: /\bsource .* (?:is in region|is not replicated to region)/iu,
    code: "SourceInOtherRegion",
    remediation:
      "Use a source in the version's location, or the source's region as location.",
  },
  {
    arm: UNFIT,
    says: /storageProfile\S*: .*provisioning state|\bsource .*provisioning state/iu,
    code: "SourceNotReady",
    remediation: "Wait until the source is Succeeded, or use another.",
  },
  {
    arm: ABSENT,
    says: /storageProfile\.source\.\w+: .*Microsoft\.Compute\/disks\/[^/']+' under/iu,
    code: "SourceDiskNotFound",
    remediation:
      "Use a virtual machine that has all its disks, or publish from snapshots of them.",
  },
  {
    arm: ABSENT,
    says: /storageProfile\S*: .*not found|\bSource (?:was not found|\S+ is not found)|Microsoft\.Compute\/(?:images|disks|snapshots|virtualMachines)\/[^/']+' under/iu,
    code: "SourceNotFound",
    remediation:
      "Correct the source's id; it must exist, in the version's location.",
  },
  {
    arm: UNFIT,
    says: /Exactly one source must be given|One and only one source type|Required parameter '\S*(?:storageProfile|source(?:\.\w+)?)' is missing/iu,
    code: "MissingSource",
    remediation:
      "Give exactly one source: source.id, source.virtualMachineId, source.communityGalleryImageId, or a source for osDiskImage and each of dataDiskImages.",
  },
  {
    arm: UNFIT,
    says: /LUN \d+ does not match a data disk of the source|invalid lun \[/iu,
    code: "LunNotInSource",
    remediation: "Correct the LUN to one that the source has.",
  },
  {
    arm: UNFIT,
    says: /LUN \d+ is given twice|Duplicated? luns? /iu,
    code: "DuplicateLun",
    remediation: "Keep one entry for each LUN.",
  },

  // What is left of ResourceNotFound are the version's parents.
  {
    arm: ABSENT,
    says: /Microsoft\.Compute\/galleries\/[^/']+\/images\/[^/']+' under/iu,
    code: "ImageDefinitionNotFound",
    remediation:
      "Create the image definition first, or correct its name in the URL.",
  },
  {
    arm: ABSENT,
    says: /Microsoft\.Compute\/galleries\/[^/']+' under/iu,
    code: "GalleryNotFound",
    remediation: "Create the gallery first, or correct its name in the URL.",
  },
];

/** ARM's own code, without a remediation, for what the table does not know. */
export function knownRefusal({
  code,
  message,
  target,
}: ArmRefusal): KnownRefusal {
  const text = `${target ?? ""}: ${message}`;
  const row = ROWS.find(
    ({ arm, says }) => arm.includes(code) && (says?.test(text) ?? true),
  );
  return row === undefined
    ? { code }
    : { code: row.code, remediation: row.remediation };
}
