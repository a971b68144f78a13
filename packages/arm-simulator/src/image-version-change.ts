import { ArmError, invalidParameter, propertyChangeNotAllowed } from "./arm-error.js";
import { STORAGE_PATH } from "./image-source.js";
import { disksOf } from "./image-version-encryption.js";
import type {
  ImageVersionProperties,
  StorageProfile,
  TargetRegion,
} from "./image-version-shape.js";
import { canonicalRegion, displayNameOf } from "./regions.js";
import { resourceKey } from "./resource-id.js";
import type { ImageVersionRecord } from "./state.js";

const PROFILE = "galleryImageVersion.properties.publishingProfile";

/** Throws for what cannot change after creation; absent in `after` means unchanged. */
export function validateChange(
  record: ImageVersionRecord,
  after: ImageVersionProperties,
  regions: readonly TargetRegion[],
): void {
  const before = record.properties;
  validateStorageUnchanged(before.storageProfile ?? {}, after.storageProfile);
  for (const name of ["replicationMode", "storageAccountType", "storageAccountStrategy"] as const) {
    const value = after.publishingProfile?.[name];
    if (value !== undefined && value !== before.publishingProfile?.[name])
      throw propertyChangeNotAllowed(`${PROFILE}.${name}`);
  }

  const beforeRegions = before.publishingProfile?.targetRegions ?? [];
  validateStorageOfRegions(beforeRegions, after.publishingProfile?.storageAccountType, regions);
  for (const old of beforeRegions) {
    const name = canonicalRegion(old.name ?? "");
    const index = regions.findIndex((region) => canonicalRegion(region.name ?? "") === name);
    const now = regions[index];
    if (now === undefined) {
      requireDeletionAllowed(after, old.name ?? "");
      continue;
    }
    const path = `${PROFILE}.targetRegions[${index}]`;
    if (now.storageAccountType !== undefined && now.storageAccountType !== old.storageAccountType)
      throw propertyChangeNotAllowed(`${path}.storageAccountType`);
    const kept = disksOf(now.encryption);
    // Once own keys are used there is no way back to platform keys.
    if (disksOf(old.encryption).some((disk) => !kept.includes(disk)))
      throw propertyChangeNotAllowed(`${path}.encryption`);
  }
}

/**
 * Azure/azure-powershell#9911, which does not record the code: a region without a type has the
 * version's.
 */
function validateStorageOfRegions(
  had: readonly TargetRegion[],
  ofAll: string | undefined,
  regions: readonly TargetRegion[],
): void {
  for (const { name = "", storageAccountType } of regions) {
    const is = had.find(
      (region) => canonicalRegion(region.name ?? "") === canonicalRegion(name),
    )?.storageAccountType;
    if (ofAll !== undefined && storageAccountType === undefined && is !== undefined && is !== ofAll)
      throw invalidParameter(
        `${PROFILE}.storageAccountType`,
        `Global storage account type does not match the storage account type in the existing TargetRegion: '${displayNameOf(name)}'. Please specify '${is}' as the storage account type for this region.`,
      );
  }
}

/**
 * "allowDeletionOfReplicatedLocations: Indicates whether or not removing this Gallery Image Version from replicated
 * regions is allowed." The error code is not documented; InvalidParameter is what Compute gives for the property.
 */
function requireDeletionAllowed(after: ImageVersionProperties, region: string): void {
  if (after.safetyProfile?.allowDeletionOfReplicatedLocations === true) return;
  throw invalidParameter(
    `${PROFILE}.targetRegions`,
    `The gallery image version is replicated to region '${region}', which is not among the target regions. Removing it is allowed only when 'galleryImageVersion.properties.safetyProfile.allowDeletionOfReplicatedLocations' is true.`,
  );
}

function validateStorageUnchanged(before: StorageProfile, after: StorageProfile | undefined): void {
  if (after === undefined) return;
  const ids = (profile: StorageProfile): Record<string, string | undefined> => ({
    [`${STORAGE_PATH}.source.id`]: profile.source?.id,
    [`${STORAGE_PATH}.source.virtualMachineId`]: profile.source?.virtualMachineId,
    [`${STORAGE_PATH}.osDiskImage.source.id`]: profile.osDiskImage?.source?.id,
    [`${STORAGE_PATH}.osDiskImage.source.uri`]: profile.osDiskImage?.source?.uri,
    ...Object.fromEntries(
      (profile.dataDiskImages ?? []).flatMap(({ lun, source }) => [
        [`${STORAGE_PATH}.dataDiskImages[lun ${lun}].source.id`, source?.id],
        [`${STORAGE_PATH}.dataDiskImages[lun ${lun}].source.uri`, source?.uri],
      ]),
    ),
  });
  const old = ids(before);
  for (const [path, id] of Object.entries(ids(after)))
    if (id !== undefined && resourceKey(id) !== resourceKey(old[path] ?? ""))
      throw propertyChangeNotAllowed(path);
  const luns = new Set((before.dataDiskImages ?? []).map(({ lun }) => lun));
  for (const { lun } of after.dataDiskImages ?? [])
    if (!luns.has(lun)) throw propertyChangeNotAllowed(`${STORAGE_PATH}.dataDiskImages`);
}

/** A version may forbid its own deletion until its end of life. */
export function validateDeletion(record: ImageVersionRecord, nowMs: number): void {
  const { safetyProfile, publishingProfile } = record.properties;
  const endOfLife = publishingProfile?.endOfLifeDate;
  if (
    safetyProfile?.blockDeletionBeforeEndOfLife === true &&
    endOfLife !== undefined &&
    Date.parse(endOfLife) > nowMs
  )
    throw new ArmError(
      409,
      "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
      `The gallery image version '${record.id}' cannot be deleted before its end of life, ${endOfLife}, because 'blockDeletionBeforeEndOfLife' is true.`,
    );
}
