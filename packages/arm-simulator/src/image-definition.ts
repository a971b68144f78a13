import { ArmError, conflict, invalidParameter } from "./arm-error.js";
import { STORAGE_PATH, type ImageSource } from "./image-source.js";
import type { PublishingProfile, TargetRegion } from "./image-version-shape.js";
import { canonicalRegion } from "./regions.js";
import { mismatch, securityTypeFeature, suitable, validateSecurityType } from "./security-type.js";
import type { ArmResource } from "./state.js";

export interface DefinitionProperties {
  readonly osType?: string;
  readonly osState?: string;
  readonly hyperVGeneration?: string;
  /** Absent: x64. */
  readonly architecture?: string;
  readonly purchasePlan?: Readonly<Record<string, unknown>>;
  readonly features?: readonly {
    readonly name?: string;
    readonly value?: string;
  }[];
}

const REGIONS_PATH = "galleryImageVersion.properties.publishingProfile.targetRegions";

/**
 * Compares source and definition as Compute does before it accepts a request; a trait that the
 * source does not show is not compared. OS type and state and a machine's plan are documented. That
 * the PUT refuses the architecture, and its code, are guesses. The plan's code was seen when the
 * portal captured a machine.
 */
export function validateAgainstDefinition(definition: ArmResource, source: ImageSource): void {
  const properties = definition.properties as DefinitionProperties;
  const { osType, osState, architecture = "x64" } = properties;
  // Azure/azure-cli#24972.
  if (source.virtualMachineId !== undefined && osState !== undefined && source.osState !== osState)
    throw new ArmError(
      400,
      "BadRequest",
      `The resource with id '${source.id}' has a different OS state ['${source.osState}'] than the parent gallery image OS state ['${osState}'].`,
    );
  for (const [ofSource, ofDefinition, message] of [
    [
      source.osType,
      osType,
      `The resource with id '${source.id}' has a different OS type ['${source.osType}'] than the parent gallery image OS type generation ['${osType}']`,
    ],
    [
      source.osState,
      osState,
      `Cannot create Gallery Image Version from: ${source.id} since the OS State in the parent gallery image (${osState}) is not ${source.osState}`,
    ],
    [
      source.architecture,
      architecture,
      `The resource with id '${source.id}' has a different architecture ['${source.architecture}'] than the parent gallery image architecture ['${architecture}']`,
    ],
  ] as const)
    if (ofSource !== undefined && ofDefinition !== undefined && ofSource !== ofDefinition)
      throw invalidParameter(`${STORAGE_PATH}.source`, message);
  const { purchasePlan } = properties;
  if (
    source.plan !== undefined &&
    ["name", "publisher", "product"].some((name) => source.plan?.[name] !== purchasePlan?.[name])
  )
    throw conflict(
      `The resource with id ${source.id} has a different plan ['${JSON.stringify(source.plan)}'] than the parent gallery image plan ['${JSON.stringify(purchasePlan ?? null)}'].`,
    );
  validateSecurityType(
    { id: definition.id, feature: securityTypeFeature(properties) },
    source,
    `${STORAGE_PATH}.source`,
  );
  const luns = source.dataDisks.map(({ lun }) => lun);
  const twice = luns.find((lun, index) => luns.indexOf(lun) !== index);
  if (twice !== undefined)
    throw invalidParameter(
      `${STORAGE_PATH}.dataDiskImages`,
      "Duplicated lun numbers have been detected in the input data disks. Lun number must be unique for each data disk",
    );
}

/** Refuses confidential encryption in a region of a version whose definition does not know confidential machines. */
export function validateConfidentialRegions(
  definition: ArmResource,
  regions: readonly TargetRegion[],
  location: string,
): void {
  const feature = securityTypeFeature(definition.properties as DefinitionProperties);
  // Azure/azure-cli#22995.
  if (
    feature?.toLowerCase() === "confidentialvm" &&
    regions.some(
      ({ encryption }) =>
        encryption?.osDiskImage?.securityProfile?.confidentialVMEncryptionType === undefined,
    )
  )
    throw invalidParameter(
      REGIONS_PATH,
      "The regional encryption.osDiskImage.securityProfile.type must be specified when the SecurityType of the image definition is ConfidentialVM.",
    );
  if (
    feature?.toLowerCase() === "confidentialvm" &&
    regions.some(({ name = "" }) => canonicalRegion(name) !== location) &&
    regions.some(
      ({ encryption }) =>
        encryption?.osDiskImage?.securityProfile?.confidentialVMEncryptionType !==
        "NonPersistedTPM",
    )
  )
    throw invalidParameter(
      REGIONS_PATH,
      `Only the home region '${location}' can be specified as a target region for Images with the ConfidentialVM feature unless the Confidential VM encryption type is set to 'NonPersistedTPM'.`,
    );
  if (suitable(feature).includes("ConfidentialVM")) return;
  regions.forEach(({ encryption }, index) => {
    const { osDiskImage, dataDiskImages = [] } = encryption ?? {};
    for (const [path, image] of [
      ["osDiskImage", osDiskImage],
      ...dataDiskImages.map((disk, i) => [`dataDiskImages[${i}]`, disk] as const),
    ] as const) {
      const type = image?.securityProfile?.confidentialVMEncryptionType;
      if (type !== undefined)
        throw mismatch(
          definition.id,
          feature,
          `${REGIONS_PATH}[${index}].encryption.${path}.securityProfile.confidentialVMEncryptionType`,
          `the confidential VM encryption type '${type}'`,
        );
    }
  });
}

/** "a maximum image size of 2 TB, but you can use shallow replication to support larger image sizes (up to 32 TB)" */
const LARGEST_IN_GB = { Full: 2048, Shallow: 32_768 };

/**
 * The refusals that arrive only through the operation: a disk too large, a Premium SSD v2 (Azure/azure-cli#29091; seen of a machine's, assumed of one
 * given for itself), a Trusted Launch machine with customer keys (Azure/azure-rest-api-specs#29280), a Hyper-V generation that does not match.
 */
export function lateRefusal(
  definition: ArmResource,
  source: ImageSource,
  { replicationMode }: PublishingProfile = {},
): { code: string; message: string } | undefined {
  const largest = LARGEST_IN_GB[replicationMode === "Shallow" ? "Shallow" : "Full"];
  const disks = [source.osDisk, ...source.dataDisks];
  const size = Math.max(...disks.map(({ sizeInGB }) => sizeInGB));
  // The code is a guess.
  if (size > largest)
    return {
      code: "ReplicationFailed",
      message: `Replication failed in this region due to 'The GalleryImageVersion source resource size ${size} exceeds the max size ${largest} supported'`,
    };
  if (disks.some(({ storageAccountType }) => storageAccountType === "PremiumV2_LRS"))
    return {
      code: "InternalOperationError",
      message:
        "Replication failed in this region due to 'Snapshots of PremiumV2_LRS disks are not supported.'.",
    };
  const set = disks.find(
    ({ diskEncryptionSetId }) => diskEncryptionSetId !== undefined,
  )?.diskEncryptionSetId;
  if (
    set !== undefined &&
    source.virtualMachineId !== undefined &&
    source.securityType === "TrustedLaunch"
  )
    return {
      code: "InternalOperationError",
      message: `Replication failed in this region due to 'Contract.Assert failed: Data model DiskEncryptionSetId '' does not match DiskRP returned DiskEncryptionSetId '${set}'`,
    };
  const wanted = (definition.properties as DefinitionProperties).hyperVGeneration ?? "V1";
  const given = source.hyperVGeneration;
  if (given === undefined || given === wanted) return undefined;
  return {
    code: "Conflict",
    message: `The resource with id '${source.id}' has a different Hypervisor generation ['${given}'] than the parent gallery image Hypervisor generation ['${wanted}']`,
  };
}
