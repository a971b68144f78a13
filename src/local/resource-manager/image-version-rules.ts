import {
  ArmError,
  invalidParameter,
  propertyChangeNotAllowed,
} from "./arm-error.js";
import { disksOf } from "./image-version-encryption.js";
import type {
  ImageVersionProperties,
  PublishingProfile,
  StorageProfile,
  TargetRegion,
} from "./image-version-shape.js";
import type {
  DefinitionProperties,
  ImageSource,
} from "./image-version-source.js";
import {
  canonicalRegion,
  displayNameOf,
  findRegion,
  REGIONS,
} from "./regions.js";
import { resourceKey } from "./resource-id.js";
import type { ArmResource, ImageVersionRecord } from "./state.js";

const PROFILE = "galleryImageVersion.properties.publishingProfile";
const STORAGE = "galleryImageVersion.properties.storageProfile";
/** "The maximum number of replicas per image version is 100" (Azure Compute Gallery, limits). */
const MOST_REPLICAS = 100;
const VERSION_NAME = /^\d+\.\d+\.\d+$/;
const LARGEST_PART = 2_147_483_647;

/** `Major.Minor.Patch`, each a 32-bit integer. */
export function validateName(name: string): void {
  const fits =
    VERSION_NAME.test(name) &&
    name.split(".").every((part) => Number(part) <= LARGEST_PART);
  if (!fits)
    throw invalidParameter(
      "galleryImageVersion.name",
      `The entity name 'galleryImageVersion.name' is invalid according to its validation rule: ^[0-9]+\\.[0-9]+\\.[0-9]+$. Each part must be at most ${LARGEST_PART}.`,
    );
}

/** The canonical name of a location ARM knows. */
export function validateLocation(location: string | undefined): string {
  if (location === undefined || location === "")
    throw new ArmError(
      400,
      "LocationRequired",
      "The location property is required for this definition.",
    );
  const region = findRegion(location);
  if (region === undefined)
    throw new ArmError(
      400,
      "LocationNotAvailableForResourceType",
      `The provided location '${location}' is not available for resource type 'Microsoft.Compute/galleries/images/versions'. List of available regions for the resource type is '${REGIONS.map(({ name }) => name).join(",")}'.`,
    );
  return region.name;
}

/** Region names, their number of replicas, and what excludes what in a publishing profile. */
export function validateProfile(
  profile: PublishingProfile,
  regions: readonly TargetRegion[],
  location: string,
): void {
  if (
    profile.storageAccountType !== undefined &&
    profile.storageAccountStrategy !== undefined
  )
    throw invalidParameter(
      `${PROFILE}.storageAccountStrategy`,
      "'storageAccountStrategy' cannot be specified along with 'storageAccountType'.",
    );
  validateCount(profile.replicaCount, `${PROFILE}.replicaCount`);

  const seen = new Set<string>();
  let replicas = 0;
  regions.forEach((region, index) => {
    const path = `${PROFILE}.targetRegions[${index}]`;
    const known = findRegion(region.name ?? "");
    if (known === undefined)
      throw invalidParameter(
        `${path}.name`,
        `The value '${region.name ?? ""}' of parameter '${path}.name' is not a region where galleries are available.`,
      );
    if (seen.has(known.name))
      throw invalidParameter(
        `${path}.name`,
        `The region '${known.displayName}' is given twice in the target regions.`,
      );
    seen.add(known.name);
    validateCount(region.regionalReplicaCount, `${path}.regionalReplicaCount`);
    const sets = region.additionalReplicaSets ?? [];
    sets.forEach((set, setIndex) =>
      validateCount(
        set.regionalReplicaCount,
        `${path}.additionalReplicaSets[${setIndex}].regionalReplicaCount`,
      ),
    );
    replicas +=
      (region.regionalReplicaCount ?? profile.replicaCount ?? 1) +
      sets.reduce((sum, set) => sum + (set.regionalReplicaCount ?? 1), 0);
  });
  if (!seen.has(location))
    throw invalidParameter(
      `${PROFILE}.targetRegions`,
      `The target regions must include the location of the gallery image version, '${displayNameOf(location)}'.`,
    );
  if (replicas > MOST_REPLICAS)
    throw invalidParameter(
      `${PROFILE}.targetRegions`,
      `The total number of replicas is ${replicas}. It must not exceed ${MOST_REPLICAS}.`,
    );
}

function validateCount(count: number | undefined, path: string): void {
  if (count !== undefined && (count < 1 || count > MOST_REPLICAS))
    throw invalidParameter(
      path,
      `The value '${count}' of parameter '${path}' is out of range. It must be between 1 and ${MOST_REPLICAS}.`,
    );
}

/** What Compute compares of source and definition before it accepts the request. */
export function validateAgainstDefinition(
  definition: ArmResource,
  source: ImageSource,
): void {
  const { osType, osState } = definition.properties as DefinitionProperties;
  for (const [what, ofSource, ofDefinition] of [
    ["OS type", source.osType, osType],
    ["OS state", source.osState, osState],
  ] as const)
    if (
      ofSource !== undefined &&
      ofDefinition !== undefined &&
      ofSource !== ofDefinition
    )
      throw invalidParameter(
        `${STORAGE}.source`,
        `The ${what} '${ofSource}' of the source does not match the ${what} '${ofDefinition}' of the gallery image '${definition.id}'.`,
      );
  const luns = source.dataDisks.map(({ lun }) => lun);
  const twice = luns.find((lun, index) => luns.indexOf(lun) !== index);
  if (twice !== undefined)
    throw invalidParameter(
      `${STORAGE}.dataDiskImages`,
      `The LUN ${twice} is given twice.`,
    );
}

/** The refusal that arrives only through the operation: a Hyper-V generation that does not match. */
export function lateRefusal(
  definition: ArmResource,
  source: ImageSource,
): { code: string; message: string } | undefined {
  const wanted =
    (definition.properties as DefinitionProperties).hyperVGeneration ?? "V1";
  const given = source.hyperVGeneration;
  if (given === undefined || given === wanted) return undefined;
  return {
    code: "Conflict",
    message: `The Hyper-V generation '${given}' of the source does not match the Hyper-V generation '${wanted}' of the gallery image '${definition.id}'.`,
  };
}

/** A version with own keys cannot be shared, so a shared gallery cannot hold one. */
export function validateGallery(gallery: ArmResource): void {
  const permissions = (
    gallery.properties?.["sharingProfile"] as
      { permissions?: string } | undefined
  )?.permissions;
  if (permissions !== undefined && permissions !== "Private")
    throw invalidParameter(
      `${PROFILE}.targetRegions`,
      `The gallery '${gallery.id}' is shared ('${permissions}'). A gallery image version that is encrypted with customer-managed keys cannot be created in a shared gallery.`,
    );
}

/** Throws for what cannot change after creation; absent in `after` means unchanged. */
export function validateChange(
  record: ImageVersionRecord,
  after: ImageVersionProperties,
  regions: readonly TargetRegion[],
): void {
  const before = record.properties;
  validateStorageUnchanged(before.storageProfile ?? {}, after.storageProfile);
  for (const name of [
    "replicationMode",
    "storageAccountType",
    "storageAccountStrategy",
  ] as const) {
    const value = after.publishingProfile?.[name];
    if (value !== undefined && value !== before.publishingProfile?.[name])
      throw propertyChangeNotAllowed(`${PROFILE}.${name}`);
  }

  const beforeRegions = before.publishingProfile?.targetRegions ?? [];
  for (const old of beforeRegions) {
    const name = canonicalRegion(old.name ?? "");
    const index = regions.findIndex(
      (region) => canonicalRegion(region.name ?? "") === name,
    );
    const now = regions[index];
    if (now === undefined) {
      requireDeletionAllowed(after, old.name ?? "");
      continue;
    }
    const path = `${PROFILE}.targetRegions[${index}]`;
    if (
      now.storageAccountType !== undefined &&
      now.storageAccountType !== old.storageAccountType
    )
      throw propertyChangeNotAllowed(`${path}.storageAccountType`);
    const kept = disksOf(now.encryption);
    // Once own keys are used there is no way back to platform keys.
    if (disksOf(old.encryption).some((disk) => !kept.includes(disk)))
      throw propertyChangeNotAllowed(`${path}.encryption`);
  }
}

/**
 * "allowDeletionOfReplicatedLocations: Indicates whether or not removing this Gallery Image Version from replicated
 * regions is allowed." The error code is not documented; InvalidParameter is what Compute gives for the property.
 */
function requireDeletionAllowed(
  after: ImageVersionProperties,
  region: string,
): void {
  if (after.safetyProfile?.allowDeletionOfReplicatedLocations === true) return;
  throw invalidParameter(
    `${PROFILE}.targetRegions`,
    `The gallery image version is replicated to region '${region}', which is not among the target regions. Removing it is allowed only when 'galleryImageVersion.properties.safetyProfile.allowDeletionOfReplicatedLocations' is true.`,
  );
}

function validateStorageUnchanged(
  before: StorageProfile,
  after: StorageProfile | undefined,
): void {
  if (after === undefined) return;
  const ids = (
    profile: StorageProfile,
  ): Record<string, string | undefined> => ({
    [`${STORAGE}.source.id`]: profile.source?.id,
    [`${STORAGE}.source.virtualMachineId`]: profile.source?.virtualMachineId,
    [`${STORAGE}.osDiskImage.source.id`]: profile.osDiskImage?.source?.id,
    [`${STORAGE}.osDiskImage.source.uri`]: profile.osDiskImage?.source?.uri,
    ...Object.fromEntries(
      (profile.dataDiskImages ?? []).flatMap(({ lun, source }) => [
        [`${STORAGE}.dataDiskImages[lun ${lun}].source.id`, source?.id],
        [`${STORAGE}.dataDiskImages[lun ${lun}].source.uri`, source?.uri],
      ]),
    ),
  });
  const old = ids(before);
  for (const [path, id] of Object.entries(ids(after)))
    if (id !== undefined && resourceKey(id) !== resourceKey(old[path] ?? ""))
      throw propertyChangeNotAllowed(path);
  const luns = new Set((before.dataDiskImages ?? []).map(({ lun }) => lun));
  for (const { lun } of after.dataDiskImages ?? [])
    if (!luns.has(lun))
      throw propertyChangeNotAllowed(`${STORAGE}.dataDiskImages`);
}
