/**
 * Deletes a version by hand, or by its retention policy. Whatever protects, blocks or needs the
 * version is answered at once; the deletion itself waits for the rest (steps/delete.ts).
 */
import { ServiceError, type Finding } from "../../errors.js";
import { operationIn, type OperationRecord } from "../../operation/records.js";
import { formatImageVersionId, type ImageVersionId, imageIdOf } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { NoLatest } from "../preflight/latest.js";
import { mustBeSoftDeletable } from "../preflight/soft-deletable.js";
import { isGuarded } from "../preflight/use.js";
import { deletedVersion, softDeleteOf } from "../queries/deleted-versions.js";
import { notFound } from "../queries/not-found.js";
import type { Look, SoftDeleteRecord } from "../resources.js";
import { openDeletionIn, softDeleteIn } from "../state/deletion.js";
import { isProtected, latestToBe, releaseToBe } from "../state/fold.js";
import { isOtherLife } from "../state/confirmed.js";
import type { VersionRequest } from "../state/record.js";
import { isFinal, isToBeShown } from "../state/states.js";
import { acceptByHand, type ByHand, type Subject } from "./acceptance.js";
import { conflict, keptByAzure, type Command } from "./command.js";

interface DeleteImageVersion extends Command, NoLatest {
  /** Permanently, even if the gallery has soft delete. */
  readonly bypassSoftDelete?: boolean;
  /** Even if it is, or may be, in use. */
  readonly ignoreUse?: boolean;
}

/**
 * Returns the operation that deletes the version; an existing one if it is deleted or being
 * deleted. The DELETE is sent once ARM is idle, before anything else. Throws ServiceError NotFound
 * for a version that Azure does not have and nobody requested, and ImageVersionConflict if its
 * retention policy is deleting it.
 */
export async function deleteImageVersion(
  deps: Dependencies,
  command: DeleteImageVersion,
): Promise<OperationRecord> {
  return acceptByHand(deps, command, await deletionBy(deps, command));
}

export async function deletionBy(deps: Dependencies, command: DeleteImageVersion): Promise<ByHand> {
  const { id, bypassSoftDelete = false } = command;
  const softDelete = bypassSoftDelete
    ? { isSoftDeleteEnabled: false }
    : await softDeleteOf(deps, imageIdOf(id));
  const kind = "DeleteImageVersion";
  return {
    kind,
    detail: SAID.filter((name) => command[name] === true),
    decide: (subject) => {
      const { stored } = subject;
      const same = deletionBefore(subject);
      if (stored !== undefined && same !== undefined) {
        mustDoWhatIsAsked(command, stored, same);
        return same;
      }
      mustBeDeletable(command, subject, deps.now());
      return {
        asks: {
          kind,
          request: requestOf(command, subject, isGuarded(deps)),
          detail: softDelete,
          warnings: finalityOf(softDelete, id, bypassSoftDelete),
        },
      };
    },
    ask: async ({ look, stored }) => {
      if (look === undefined) await mustNotBeKept(deps, id, stored);
      else mustBeSoftDeletable(id, look, softDelete);
      return [];
    },
  };
}

/** The options that distinguish one deletion from another. */
const SAID = ["bypassSoftDelete", "ignoreUse", "allowNoLatest"] as const;

/** Warns that the deletion is final, that it may be, or what Azure bills until then. */
function finalityOf(
  { isSoftDeleteEnabled }: SoftDeleteRecord,
  { galleryName, versionName }: ImageVersionId,
  bypassed: boolean,
): readonly Finding[] {
  if (isSoftDeleteEnabled === true) return [oneReplicaKept(versionName)];
  return [
    {
      code: "DeletionIsFinal",
      pointer: "",
      message:
        isSoftDeleteEnabled === undefined
          ? `The gallery ${galleryName} could not be read. If it has no soft delete, the deletion cannot be undone.`
          : bypassed
            ? "The deletion bypasses soft delete, so it cannot be undone."
            : `The gallery ${galleryName} has no soft delete, so the deletion cannot be undone.`,
      severity: "warning",
    },
  ];
}

function oneReplicaKept(versionName: string): Finding {
  return {
    code: "OneReplicaKept",
    pointer: "",
    message:
      "Azure keeps and bills one replica in each region for seven days, until softDelete.hardDeletionTargetTime.",
    severity: "warning",
    remediation: `To end that earlier, ask an Admin to delete it for good: DELETE …/deleted-versions/${versionName}.`,
  };
}

/** Throws if the existing deletion does less than the request asks. */
function mustDoWhatIsAsked(
  { id, bypassSoftDelete, ignoreUse }: DeleteImageVersion,
  stored: StoredVersion,
  operation: OperationRecord,
): void {
  const { record } = stored;
  const { id: operationId } = operation;
  const does = `Operation ${operationId} deletes ${formatImageVersionId(id)}`;
  if (openDeletionIn(record)?.isByPolicy) {
    mustNotBeProtected(id, stored, undefined);
    throw conflict(
      `${does}, unless its retention policy keeps it by then. To delete it in any case, cancel that operation, wait until it has ended, then delete the version.`,
      operationId,
    );
  }
  if (bypassSoftDelete && softDeleteIn(operation)?.isSoftDeleteEnabled !== false)
    throw conflict(
      `${does}, or has soft-deleted it. Once Azure lists it as deleted, ask an Admin to delete it for good: DELETE …/deleted-versions/${id.versionName}.`,
      operationId,
    );
  if (ignoreUse && record.requests[operationId]?.guarded && !record.write?.deletes)
    throw conflict(
      `${does}, and is checking who uses it. Cancel it, then delete the version again.`,
      operationId,
    );
}

/** Throws if there is nothing to delete, or protection or Azure forbids it. */
function mustBeDeletable({ id }: DeleteImageVersion, { look, stored }: Subject, now: Date): void {
  if (look === undefined && stored === undefined) throw notFound(id);
  // A version that is gone is not checked.
  if (look !== undefined || (stored && isToBeShown(stored.record)))
    mustNotBeProtected(id, stored, look);
  if (look !== undefined) mustNotBeBlocked(id, look, now);
}

function requestOf(
  { bypassSoftDelete, ignoreUse, allowNoLatest }: DeleteImageVersion,
  { look, stored }: Subject,
  guards: boolean,
): VersionRequest {
  const asked = { patch: {}, ...(allowNoLatest && { allowNoLatest }) };
  const deletion = bypassSoftDelete ? { bypassSoftDelete } : {};
  if (!guards || ignoreUse || look === undefined) return { ...asked, deletion };
  const { resource } = look;
  const before = releaseToBe(stored?.record, resource);
  const isInLatest = latestToBe(stored?.record, resource).length > 0;
  return {
    ...asked,
    deletion: { ...deletion, ...(isInLatest && { before }) },
    guarded: true,
    release: { kind: "exclude", by: "deletion" },
  };
}

/**
 * Throws if Azure shows no version, and also if it keeps a soft-deleted one: Microsoft does not
 * document what a DELETE does to that.
 */
async function mustNotBeKept(
  deps: Dependencies,
  id: ImageVersionId,
  stored: StoredVersion | undefined,
): Promise<void> {
  if (stored === undefined) return;
  const deleted = await deletedVersion(deps, id);
  if (deleted !== undefined)
    throw keptByAzure(
      id,
      deleted,
      `Restore it with POST …/restore, or ask an Admin to delete it for good: DELETE …/deleted-versions/${id.versionName}.`,
    );
  const { state, status, write } = stored.record;
  // The known version is gone, and no requested one is on its way.
  if (isFinal(state) && status === undefined && write === undefined)
    throw notFound(id, stored.record);
}

/** The operation that deletes or deleted the version. */
function deletionBefore({ look, stored }: Subject): OperationRecord | undefined {
  if (stored === undefined) return undefined;
  const { record, operation } = stored;
  const open = openDeletionIn(record);
  if (open !== undefined) return operationIn(stored, open.id);
  return record.state === "Deleted" &&
    operation.kind === "DeleteImageVersion" &&
    operation.status === "Succeeded" &&
    look === undefined
    ? operation
    : undefined;
}

/** Throws if the version is protected from deletion. */
function mustNotBeProtected(
  id: ImageVersionId,
  stored: StoredVersion | undefined,
  look: Look | undefined,
): void {
  if (
    stored === undefined ||
    !isProtected(stored.record) ||
    (look !== undefined && isOtherLife(stored.record, look))
  )
    return;
  throw new ServiceError(
    "ImageVersionProtected",
    `${formatImageVersionId(id)} is protected from deletion. Ask an Admin to remove the protection with a PATCH: {"sigil": {"protected": false}}.`,
  );
}

/** Throws if Azure would refuse the deletion; running operations continue. */
function mustNotBeBlocked(id: ImageVersionId, { resource: { properties } }: Look, now: Date): void {
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
