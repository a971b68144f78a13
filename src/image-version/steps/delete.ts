/**
 * What a deletion asks before its DELETE is sent, and what it says once the version is gone. What comes next of it is decided in
 * state/deletion.ts. Invariants:
 *  1. Of a guarded version no DELETE is sent before nobody was seen who needs it, scale sets in Azure Resource Manager itself, nor of
 *     what a retention policy has begun unless that would delete the version still. What could not be seen is no pass.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { SoftDeleteRecord } from "../../operation/records.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { factsIn, latestIn } from "../latest/flags.js";
import { releasedIn } from "../latest/release.js";
import {
  latestFindings,
  lostAtLast,
  wouldLoseLatest,
  type LatestTaking,
} from "../preflight/latest.js";
import { mustBeUnopposed } from "../preflight/objections.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { regionsIn } from "../properties/fields.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import type { Look } from "../resources.js";
import { rollbackTarget } from "../rollback/target.js";
import { deleteTaken, type Deletion } from "../state/deletion.js";
import { writeRefused } from "../state/write.js";
import { postponeOrEnd } from "./postpone.js";
import { sendStored } from "./send.js";

/** The DELETE that `mine` has stored. */
export async function sendDelete(
  deps: Dependencies,
  mine: StoredVersion,
  id: ImageVersionId,
  { id: operationId, request }: Deletion,
): Promise<void> {
  // A rollback that was stored before that commit is seen by the judgement, or now. One that is stored after it is refused.
  if (
    request.machine === true &&
    (await rollbackTarget(deps, imageIdOf(id))) === id.versionName
  )
    return postponeOrEnd(
      deps,
      mine,
      new ServiceError("KeptByRetention", LED_TO),
      { end: writeRefused },
    );
  await sendStored(
    deps,
    mine,
    () =>
      deps.resourceManager.deleteImageVersion(
        id,
        request.deletion.bypassSoftDelete && { bypassSoftDelete: true },
      ),
    {
      accepted: (pair, url, context) =>
        deleteTaken(pair, operationId, url, context),
      refused: writeRefused,
    },
  );
}

/** Throws where it is not to be deleted now; answers what is to be told of the regions that have no latest then. */
export async function mustStillBeDeleted(
  deps: Dependencies,
  id: ImageVersionId,
  deletion: Deletion,
  { resource }: Look,
): Promise<readonly Finding[]> {
  const { machine = false, guarded, allowNoLatest: allows } = deletion.request;
  // What a policy keeps for that it judges itself.
  const allowNoLatest = allows === true || machine;
  const taking = takingBy(id, deletion, resource);
  const lost = await lostAtLast(deps, taking, { allowNoLatest });
  if (guarded === true)
    await mustNotBeNeeded(deps, {
      id,
      latestIn: lost?.map(({ region }) => region),
      pointer: "",
      confirms: true,
    });
  if (lost !== undefined && lost.length > 0 && !allowNoLatest)
    throw wouldLoseLatest(id.versionName, lost);
  if (machine) await mustBeUnopposed(deps, id, { kind: "deleteByPolicy" });
  return latestFindings(lost ?? [], true);
}

/** It is out of latest already where it is guarded: what counts is where it was before. */
function takingBy(
  id: ImageVersionId,
  { request: { deletion } }: Deletion,
  resource: Look["resource"],
): LatestTaking {
  const before =
    deletion.before === undefined
      ? latestIn(resource)
      : releasedIn(deletion.before, regionsIn(factsIn(resource)));
  return { id, before, after: [] };
}

const LED_TO =
  "The retention policy that has begun the deletion keeps the version now: a rollback that is running leads to it.";

/** Until when it can be undone, where Azure says so now: that holds up nothing. */
export async function softDeletionOf(
  deps: Dependencies,
  id: ImageVersionId,
  softDelete: SoftDeleteRecord | undefined,
): Promise<SoftDeleteRecord | undefined> {
  if (softDelete?.isSoftDeleteEnabled === false) return softDelete;
  try {
    const listed = await deletedVersion(deps, id);
    if (listed === undefined) return softDelete;
    const { name: _, location: __, ...times } = listed;
    return { isSoftDeleteEnabled: true, ...times };
  } catch (error) {
    if (error instanceof ServiceError) return softDelete;
    throw error;
  }
}

/** For people: until when it can be undone. */
export function undoOf({
  isSoftDeleteEnabled,
  softDeletedTime,
  consumptionEndTime,
  hardDeletionTargetTime,
}: SoftDeleteRecord = {}): string {
  if (isSoftDeleteEnabled === undefined) return "";
  if (!isSoftDeleteEnabled) return "It cannot be restored.";
  if (softDeletedTime === undefined)
    return "Azure does not list it yet among the deleted versions, from which it can be restored.";
  const until = (time: string | undefined): string =>
    time === undefined ? "" : ` until ${time}`;
  return `It can be restored${until(hardDeletionTargetTime)}; machines can be made of it by its number${until(consumptionEndTime)}.`;
}
