/**
 * Soft deletion of image versions (preview; api-version 2024-03-03), in a gallery whose `softDeletePolicy` enables it:
 *
 *   Deleting -> soft-deleted -> unusable -> (none)    at consumptionEndTime, and at hardDeletionTargetTime
 *   soft-deleted, unusable -PUT, PATCH-> Updating -> Succeeded    with `restore: true`, or a PUT of a location and no properties
 *   soft-deleted, unusable -DELETE ?bypassSoftDelete=true, or where it is listed-> (none)
 *
 * Invariants:
 *   1. GET and LIST do not show a soft-deleted version; it is listed at
 *      `…/galleries/{g}/softDeletedArtifactTypes/Images/artifacts/{image}/versions` alone.
 *   2. Its number is not free, and its definition and gallery cannot be deleted.
 *   3. A virtual machine may name it by its number until consumptionEndTime; it is nobody's latest.
 *
 * "After this timeframe, the platform permanently deletes the resources": 7 days, unless the policy says otherwise, and no
 * grace after them unless it gives one. The codes of the refusals are guesses.
 */
import { ArmError, conflict, existsElsewhere } from "./arm-error.js";
import type { ImageVersionBody } from "./image-version-shape.js";
import { isObject } from "./json-shape.js";
import { parentId, parseComputeId, resourceKey } from "./resource-id.js";
import type {
  ArmResource,
  ImageVersionRecord,
  SoftDeletedVersion,
  SoftDeletePeriods,
} from "./state.js";
import type { Store } from "./store.js";

/** The feature without which no gallery may enable it. */
export const SOFT_DELETE_FEATURE = "Microsoft.Compute/SIGSoftDelete";

const DAY_MS = 24 * 60 * 60_000;
const RETENTION_DAYS = 7;

/** Undefined: the gallery deletes permanently. */
export function softDeletePolicyOf({
  properties,
}: Pick<ArmResource, "properties">): SoftDeletePeriods | undefined {
  const policy = properties?.["softDeletePolicy"];
  if (!isObject(policy) || policy["isSoftDeleteEnabled"] !== true) return undefined;
  const days = (name: string, otherwise: number): number =>
    typeof policy[name] === "number" ? policy[name] : otherwise;
  return {
    retentionMs: days("retentionPeriodInDays", RETENTION_DAYS) * DAY_MS,
    graceMs: days("gracePeriodInDays", 0) * DAY_MS,
  };
}

/** "When an image in a Gallery with Soft Delete enabled has a failed provisioning state, it cannot be deleted." */
export function validateSoftDeletion(record: ImageVersionRecord, code: string): void {
  if (record.provisioningState === "Failed")
    throw new ArmError(
      409,
      code,
      `The gallery image version '${record.id}' is in provisioning state 'Failed' and cannot be soft-deleted. Disable soft delete on the gallery, delete the version, and enable it again.`,
    );
}

/** Keeps a deleted version, if its deletion was soft. */
export function softDelete(
  store: Store,
  key: string,
  { softDelete: periods, ...record }: ImageVersionRecord,
  deletedAtMs: number,
): void {
  if (periods === undefined) return;
  const consumptionEndMs = deletedAtMs + periods.retentionMs;
  store.state.softDeleted[key] = {
    record,
    deletedAtMs,
    consumptionEndMs,
    hardDeletionMs: consumptionEndMs + periods.graceMs,
  };
}

/** Undefined when it never was, is restored, or its time is over. */
export function findSoftDeleted(store: Store, key: string): SoftDeletedVersion | undefined {
  const { softDeleted } = store.state;
  const found = softDeleted[key];
  if (found !== undefined && found.hardDeletionMs <= store.now()) delete softDeleted[key];
  return softDeleted[key];
}

/** The soft-deleted versions at a resource and below. */
export function softDeletedWithin(store: Store, id: string): SoftDeletedVersion[] {
  const prefix = `${resourceKey(id)}/`;
  return Object.keys(store.state.softDeleted)
    .filter((key) => key.startsWith(prefix))
    .flatMap((key) => findSoftDeleted(store, key) ?? []);
}

/**
 * Throws for a body that does not restore the version as it was: `restore: true` (the API's
 * reference), or only its home region ("send the following PUT request on the image version to be
 * recovered along with the home region of the image").
 */
export function validateRestoration(
  { record }: SoftDeletedVersion,
  { properties, tags }: ImageVersionBody,
  location: string,
): void {
  const isLocationAlone = properties === undefined && tags === undefined;
  // Invariant 2.
  if (properties?.restore !== true && !isLocationAlone)
    throw conflict(
      `The gallery image version '${record.id}' is soft-deleted. Restore it with 'restore': true, or delete it for good, before another is made with its number.`,
    );
  if (location !== record.location)
    throw existsElsewhere(record.name, parseComputeId(record.id)?.resourceGroup ?? "", {
      is: record.location,
      asked: location,
    });
}

/** One item of the list (GallerySoftDeletedResource). */
export function renderSoftDeleted({
  record,
  deletedAtMs,
  consumptionEndMs,
  hardDeletionMs,
}: SoftDeletedVersion): ArmResource {
  const [gallery, image] = parseComputeId(record.id)?.names ?? [];
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    id: `${parentId(parentId(parentId(record.id)))}/galleries/${gallery}/softDeletedArtifactTypes/Images/artifacts/${image}/versions/${record.name}`,
    name: record.name,
    type: "Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions",
    location: record.location,
    properties: {
      resourceArmId: record.id,
      softDeletedArtifactType: "Images",
      softDeletedTime: time(deletedAtMs),
      consumptionEndTime: time(consumptionEndMs),
      hardDeletionTargetTime: time(hardDeletionMs),
    },
  };
}
