/**
 * What a deletion asks before its DELETE is sent, and what it says once the version is gone. What comes next of it is decided in
 * state/deletion.ts. Invariants:
 *  1. Of a guarded version no DELETE is sent before nobody was seen who needs it, scale sets in Azure Resource Manager itself, nor of
 *     what a retention policy has begun unless that would delete the version still. What could not be seen is no pass.
 */
import { orNone, ServiceError, type Finding } from "../../errors.js";
import { omit } from "../../objects.js";
import type { OperationRecord } from "../../operation/records.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { latestIn } from "../latest/flags.js";
import { latestFindings, lostAtLast } from "../preflight/latest.js";
import { mustBeUnopposed } from "../preflight/objections.js";
import { mustBeSoftDeletable } from "../preflight/soft-deletable.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { latestBeforeDeletion } from "../queries/as-asked.js";
import { deletedVersion, softDeleteOf } from "../queries/deleted-versions.js";
import type { Look, SoftDeleteRecord } from "../resources.js";
import { rollbackTarget } from "../rollback/target.js";
import { softDeleteIn, type Deletion } from "../state/deletion.js";
import type { ImageVersionRecord } from "../state/record.js";

/**
 * A rollback stored before the DELETE is seen by the judgement, or here. A later one is refused.
 */
export async function mustNotBeLedTo(
  deps: Dependencies,
  id: ImageVersionId,
  { request }: Deletion,
): Promise<void> {
  if (request.machine === true && (await rollbackTarget(deps, imageIdOf(id))) === id.versionName)
    throw new ServiceError(
      "KeptByRetention",
      "The retention policy that began the deletion now keeps the version, because a running rollback leads to it.",
    );
}

/**
 * Throws if it must not be deleted now. Returns warnings about regions that have no latest version
 * then.
 */
export async function mustStillBeDeleted(
  deps: Dependencies,
  id: ImageVersionId,
  { request }: Deletion,
  record: ImageVersionRecord,
  look: Look,
): Promise<readonly Finding[]> {
  const { machine = false, guarded, allowNoLatest: allows, deletion } = request;
  const { resource, provisioningState } = look;
  // Reads the gallery again, because its owner may have switched soft delete since.
  if (provisioningState === "Failed" && deletion.bypassSoftDelete !== true)
    mustBeSoftDeletable(id, look, await softDeleteOf(deps, imageIdOf(id)));
  // A policy's own judgement covers that.
  const allowNoLatest = allows === true || machine;
  // A guarded version is out of latest already, so its earlier regions count.
  const before = latestBeforeDeletion(record) ?? latestIn(resource);
  const taking = { id, before, after: [] };
  const lost = await lostAtLast(deps, taking, { allowNoLatest });
  if (guarded === true)
    await mustNotBeNeeded(deps, {
      id,
      latestIn: lost?.map(({ region }) => region),
      pointer: "",
      confirms: true,
    });
  if (machine) await mustBeUnopposed(deps, id, { kind: "deleteByPolicy" });
  return latestFindings(lost ?? [], true);
}

/** Until when it can be undone, if Azure returns it now. A failed read holds up nothing. */
export async function softDeletionOf(
  deps: Dependencies,
  id: ImageVersionId,
  operation: OperationRecord | undefined,
): Promise<SoftDeleteRecord | undefined> {
  const softDelete = operation && softDeleteIn(operation);
  if (softDelete?.isSoftDeleteEnabled === false) return softDelete;
  const listed = await orNone(deletedVersion(deps, id));
  if (listed === undefined) return softDelete;
  const times = omit(listed, "name", "location");
  return { isSoftDeleteEnabled: true, ...times };
}

/** A sentence for people: until when it can be undone. */
export function undoOf({
  isSoftDeleteEnabled,
  softDeletedTime,
  consumptionEndTime,
  hardDeletionTargetTime,
}: SoftDeleteRecord = {}): string {
  if (isSoftDeleteEnabled === undefined) return "";
  if (!isSoftDeleteEnabled) return "It cannot be restored.";
  if (softDeletedTime === undefined) return "Once Azure lists it as deleted, it can be restored.";
  const until = (time: string | undefined): string => (time === undefined ? "" : ` until ${time}`);
  return `It can be restored${until(hardDeletionTargetTime)}; machines can be created from it by its number${until(consumptionEndTime)}.`;
}
