/**
 * A version is deleted by hand, or by its retention policy. What protects it, blocks that, or needs the version is answered at once;
 * the rest is the deletion's own to wait for (steps/delete.ts).
 */
import { ServiceError } from "../../errors.js";
import type { OperationRecord } from "../../operation/records.js";
import {
  formatImageVersionId,
  type ImageVersionId,
  imageIdOf,
} from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { isGuarded, mustNotBeNeeded } from "../preflight/use.js";
import { deletedVersion, softDeleteOf } from "../queries/deleted-versions.js";
import { mustNotBeListed } from "../queries/look-at.js";
import { notFound } from "../queries/not-found.js";
import { latestRegions } from "../queries/use.js";
import type { Look } from "../resources.js";
import { known, lifeOfOthers } from "../state/adoption.js";
import {
  sentLast,
  type ImageVersionRecord,
  type VersionRequest,
} from "../state/record.js";
import { isFinal } from "../state/states.js";
import { isProtected } from "../state/wanted.js";
import {
  acceptByHand,
  isByPolicy,
  takenOver,
  type Subject,
} from "./by-hand.js";
import { listIn, type Command } from "./command.js";
import { sameOperation } from "./same-operation.js";
import { deletedSoftly, finalityOf } from "./soft-delete.js";

export interface DeleteImageVersion extends Command {
  /** For good, also where the gallery has soft delete. */
  readonly bypassSoftDelete?: boolean;
  /** Also where it is in use, or nobody knows. */
  readonly ignoreUse?: boolean;
  /** Its retention policy has just judged it, and who uses it: it is accepted without that, and judged again before it is sent. */
  readonly byPolicy?: true;
  /** The version's last operation, where the caller has judged the version by it: with another one it is refused. */
  readonly ifOperationId?: string;
}

/**
 * The operation that deletes the version; deleted or being deleted already, it is that one. While others run it goes before
 * everything that is queued. Throws ServiceError NotFound for a version that Azure does not have and nobody asked for, and
 * ImageVersionConflict where another than `ifOperationId` was the last.
 */
export async function deleteImageVersion(
  deps: Dependencies,
  command: DeleteImageVersion,
): Promise<OperationRecord> {
  const {
    id,
    ifOperationId,
    bypassSoftDelete = false,
    ignoreUse = false,
    byPolicy,
  } = command;
  const softDelete = bypassSoftDelete
    ? { isSoftDeleteEnabled: false }
    : await softDeleteOf(deps, imageIdOf(id));
  return acceptByHand(
    deps,
    command,
    "DeleteImageVersion",
    [
      ...(bypassSoftDelete ? ["bypassSoftDelete"] : []),
      ...(ignoreUse ? ["ignoreUse"] : []),
    ],
    (subject) => {
      const { look, seen, stored } = subject;
      const same = deletionBefore(subject);
      if (same !== undefined) {
        if (bypassSoftDelete) mustBeForGood(id, same);
        if (ignoreUse) mustNotBeGuarded(id, same, stored);
        if (byPolicy !== undefined || !isByPolicy(stored, same)) return same;
        mustNotBeProtected(id, look, stored);
        return takenOver(stored, command.requestedBy, deps.now());
      }
      if (isOver(subject)) throw notFound(id, stored?.record);
      const guarded = isGuarded(deps) && !ignoreUse && mayBeThere(subject);
      if (guarded && stored !== undefined) mustBeAtRest(id, stored);
      if (stored === undefined && look === undefined && seen)
        throw notFound(id);
      if (ifOperationId !== undefined && ifOperationId !== stored?.operation.id)
        throw new ServiceError(
          "ImageVersionConflict",
          `The last operation on ${formatImageVersionId(id)} is no longer the one that the version was judged by. Read the version again, then decide.`,
          {
            fields: {
              ...(stored && { existingOperationId: stored.operation.id }),
            },
          },
        );
      mustNotBeProtected(id, look, stored);
      if (look !== undefined) mustNotBeBlocked(id, look, deps.now());
      return {
        changes: {},
        repeats: {},
        byHand: true,
        ...(bypassSoftDelete && { bypassSoftDelete }),
        ...(seen && look === undefined && notShown(stored?.record)),
        ...(guarded && { guard: {} }),
        ...(byPolicy && { byPolicy }),
      };
    },
    {
      softDelete,
      warnings: finalityOf(softDelete, id, bypassSoftDelete),
      ask: async (subject) => {
        if (deletionBefore(subject) !== undefined) return [];
        await mustNotBeKept(deps, id, subject, bypassSoftDelete);
        return isGuarded(deps) &&
          !ignoreUse &&
          byPolicy === undefined &&
          mayBeThere(subject)
          ? mustNotBeNeeded(deps, {
              id,
              latestIn: await latestRegions(deps, id),
              pointer: "",
            })
          : [];
      },
    },
  );
}

/** Azure shows no version; where an operation has seen one that others made meanwhile, that one is meant. */
function notShown(
  record: ImageVersionRecord | undefined,
): Pick<VersionRequest, "absent" | "publishedDate"> {
  const publishedDate = record && lifeOfOthers(record);
  return {
    absent: true,
    ...(publishedDate !== undefined && { publishedDate }),
  };
}

/** One look that shows no version may be of a replica that is behind, or ahead: what Sigil knows of may be there. */
function mayBeThere({ look, seen, stored }: Subject): boolean {
  return (
    look !== undefined ||
    !seen ||
    stored?.record.exists === true ||
    (stored !== undefined && lifeOfOthers(stored.record) !== undefined)
  );
}

/** A look shows none, and what Sigil knew of has ended: none that was asked for is on its way. */
function isOver({ look, stored }: Subject): boolean {
  if (look !== undefined || stored === undefined) return false;
  const { record } = stored;
  return (
    isFinal(record.state) &&
    !record.exists &&
    (record.state === "Deleted" || record.deletedLife !== undefined) &&
    sentLast(record)?.outcome !== "unknown"
  );
}

/**
 * Throws where Azure shows none, and keeps what was deleted: Microsoft does not say what a DELETE does to that; or lists the
 * version of which Sigil knows the end alone: others have made or restored it.
 */
async function mustNotBeKept(
  deps: Dependencies,
  id: ImageVersionId,
  subject: Subject,
  bypassSoftDelete: boolean,
): Promise<void> {
  const { look, stored } = subject;
  if (look !== undefined || stored === undefined) return;
  if (!bypassSoftDelete && !isFinal(stored.record.state)) return;
  const deleted = await deletedVersion(deps, id);
  if (deleted !== undefined) throw deletedSoftly(id, deleted);
  if (isOver(subject)) await mustNotBeListed(id, listIn(deps));
}

/** Throws where the deletion that is there, or has been, can be undone. */
function mustBeForGood(
  id: ImageVersionId,
  { id: operationId, softDelete }: OperationRecord,
): void {
  if (softDelete?.isSoftDeleteEnabled === false) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operationId} deletes ${formatImageVersionId(id)}, or has deleted it, so that it can be restored: of that, nothing is deleted for good before its time is over. Restore the version first, or use the Azure portal.`,
    { fields: { existingOperationId: operationId } },
  );
}

/** Who uses it can be asked of a version that is at rest alone: what is being done with it may make it the latest. */
function mustBeAtRest(
  id: ImageVersionId,
  { record, operation }: StoredVersion,
): void {
  if (isFinal(record.state)) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operation.id} is working on ${formatImageVersionId(id)}: who uses it is asked once that has ended. Wait, or cancel it; or an Admin confirms by ignoreUse=true.`,
    { fields: { existingOperationId: operation.id } },
  );
}

/** Throws where the deletion that is under way waits to see who uses the version. */
function mustNotBeGuarded(
  id: ImageVersionId,
  { id: operationId }: OperationRecord,
  stored: StoredVersion | undefined,
): void {
  const { requests = {}, state } = stored?.record ?? {};
  if (requests[operationId]?.guard === undefined || state === "Deleting")
    return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operationId} deletes ${formatImageVersionId(id)}, and waits to see who uses it. Cancel it, then send this request again.`,
    { fields: { existingOperationId: operationId } },
  );
}

/** The operation that deletes the version, or has deleted it. */
function deletionBefore({
  look,
  seen,
  stored,
}: Subject): OperationRecord | undefined {
  const same = sameOperation(
    stored,
    look,
    ({ kind }) => kind === "DeleteImageVersion",
  );
  if (same !== undefined) return same;
  return stored?.record.state === "Deleted" &&
    stored.record.deletedOutside !== true &&
    !(seen && look !== undefined)
    ? stored.operation
    : undefined;
}

/** Throws where somebody has asked that nobody deletes it. */
function mustNotBeProtected(
  id: ImageVersionId,
  look: Look | undefined,
  stored: StoredVersion | undefined,
): void {
  if (stored === undefined || !isProtected(known(stored.record, look))) return;
  throw new ServiceError(
    "ImageVersionProtected",
    `${formatImageVersionId(id)} is protected from deletion. An Admin takes that off by a PATCH with {"sigil": {"protected": false}}.`,
  );
}

/** Throws where Azure will not let the version be deleted: what is being done with it goes on. */
function mustNotBeBlocked(
  id: ImageVersionId,
  { resource: { properties } }: Look,
  now: Date,
): void {
  const { endOfLifeDate } = properties.publishingProfile ?? {};
  if (
    properties.safetyProfile?.blockDeletionBeforeEndOfLife !== true ||
    endOfLifeDate === undefined ||
    Date.parse(endOfLifeDate) <= now.getTime()
  )
    return;
  const message = `${formatImageVersionId(id)} blocks its deletion before its end of life, ${endOfLifeDate}: Azure would refuse it.`;
  throw new ServiceError("ImageVersionConflict", message, {
    findings: [
      {
        code: "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
        pointer: "/properties/safetyProfile/blockDeletionBeforeEndOfLife",
        message,
        severity: "error",
        remediation:
          "Set blockDeletionBeforeEndOfLife to false first, or wait for the end of life.",
      },
    ],
  });
}
