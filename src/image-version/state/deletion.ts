/**
 * The deletion of a version, next to other work on it. Pure. ARM is asked once it is idle; a
 * guarded version leaves latest first, and must not be in use. Example:
 *
 *   DeletionRequested ──▶ Updating, Replicating   it leaves latest, as by a demotion, and the delay passes
 *                     ──▶ Deleting                nobody needs it: the DELETE is sent, and accepted
 *                     ──▶ Deleted                 look after look shows it gone, and the list lacks it
 *                         or Failed               it is in latest again as before
 *
 * Invariants:
 *  1. Operations that have begun end in the commit that notes that ARM accepted the DELETE, and not
 *     before.
 *  2. A DELETE is sent only after a confirmed look of the same step shows the life to delete, and
 *     no write is open.
 *  3. The outcome of a DELETE is determined as for any write (confirmed.ts). One that ARM has
 *     accepted is not sent again, nor one that is canceled.
 */
import { omit } from "../../objects.js";
import type { OperationFailure, OperationRecord } from "../../operation/records.js";
import type { Release } from "../latest/release.js";
import { isBusy, type SoftDeleteRecord } from "../resources.js";
import { gone, isOfOtherLife, isOtherLife, type Time } from "./confirmed.js";
import { NOT_DELETED, refusedBy, type OperationReason } from "./failures.js";
import { requestsOf } from "./fold.js";
import { BUSY, whyNothingYet, type Decision } from "./reconcile.js";
import { decidedEnd, endOf, ended } from "./ending.js";
import { forEach, inTurn, type Outcome } from "./happened.js";
import type { DeletionRequest, ImageVersionRecord, VersionRequest } from "./record.js";
import { sendingTaken } from "./sending.js";

export interface Deletion {
  readonly id: string;
  readonly request: VersionRequest & { readonly deletion: DeletionRequest };
}

/** The deletion whose turn it is: a guarded one only when the version is out of latest, or gone. */
export function deletionIn(record: ImageVersionRecord): Deletion | undefined {
  const { status } = record;
  for (const [id, request] of requestsOf(record)) {
    const { deletion, release, appliedTime } = request;
    // A version that others created under the number does not leave latest: the one to be deleted
    // is gone.
    const isToLeaveLatest =
      release !== undefined &&
      appliedTime === undefined &&
      status !== undefined &&
      !isOfOtherLife(request, status);
    if (deletion !== undefined && !isToLeaveLatest)
      return { id, request: { ...request, deletion } };
  }
  return undefined;
}

/** Only look again. */
export interface Poll {
  readonly kind: "poll";
  readonly why: string;
  readonly waitMs?: number;
}

export type DeletionDecision =
  | Poll
  /** Check who needs the version; then the DELETE may be sent. */
  | ({ readonly kind: "delete" } & Deletion)
  | { readonly kind: "deleted"; readonly id: string; readonly message: string }
  | Extract<Decision, { kind: "failed" }>;

/**
 * The next thing to do. Invariants 2 and 3. `refused`: ARM's reason why an accepted DELETE failed,
 * if it gives one.
 */
export function decideDeletion(
  record: ImageVersionRecord,
  { id, request }: Deletion,
  refused: OperationReason | undefined,
  delayMs: number,
  time: Time,
): DeletionDecision {
  const { status, write } = record;
  const fails = (failure: OperationFailure): DeletionDecision => ({
    kind: "failed",
    ids: [id],
    failure,
  });
  if (write?.deletes && write.answer === "accepted" && refused !== undefined)
    return fails(refusedBy(refused, "deleted"));
  const why = whyNothingYet(record);
  if (why !== undefined)
    return {
      kind: "poll",
      why,
      ...(write?.deletes && untilGone(record, time)),
    };
  if (status === undefined)
    return { kind: "deleted", id, message: "Azure does not have the version." };
  if (isOfOtherLife(request, status))
    return {
      kind: "deleted",
      id,
      message: `The version to delete is gone. Azure now has another version under the number, published ${status.publishedDate}, which Sigil did not change.`,
    };
  if (request.ending !== undefined) return fails(NOT_DELETED);
  if (isBusy(status)) return { kind: "poll", why: BUSY };
  const { guarded, appliedTime = "" } = request;
  const dueMs = Date.parse(appliedTime) + delayMs - time.now.getTime();
  return guarded === true && dueMs > 0
    ? {
        kind: "poll",
        why: "Azure Resource Graph may not show every user of the version yet. Sigil waits before it asks.",
        waitMs: dueMs,
      }
    : { kind: "delete", id, request };
}

/** After a look without the version, polls come in short steps. */
function untilGone(
  { unconfirmed }: ImageVersionRecord,
  { pace }: Time,
): { readonly waitMs?: number } {
  return unconfirmed === undefined ? {} : { waitMs: pace.pollInitialMs };
}

export interface OpenDeletion {
  readonly id: string;
  /** Its policy judges it again before the DELETE is sent. */
  readonly isByPolicy: boolean;
}

/**
 * The operation that deletes the version, whether or not its turn has come; undefined: none, or
 * canceled.
 */
export function openDeletionIn(record: ImageVersionRecord): OpenDeletion | undefined {
  const found = requestsOf(record).find(
    ([, { deletion, ending }]) => deletion !== undefined && ending === undefined,
  );
  return (
    found && {
      id: found[0],
      isByPolicy: found[1].machine === true && record.write?.deletes !== true,
    }
  );
}

/**
 * The release before a guarded deletion excluded the version, which is restored if the deletion
 * fails; undefined: there is none.
 */
export function releaseBeforeDeletion(record: ImageVersionRecord): Release | undefined {
  return record.release?.by === "deletion"
    ? requestsOf(record).find(([, { deletion }]) => deletion?.before)?.[1].deletion?.before
    : undefined;
}

/** ARM accepted the DELETE. Invariant 1. */
export function deleteTaken(
  record: ImageVersionRecord,
  id: string,
  armOperationUrl: string | undefined,
  time: Time,
): Outcome {
  return inTurn(
    record,
    (next) => endAllBut(next, id),
    (next) => sendingTaken(next, "Deleting", armOperationUrl, time),
  );
}

function endAllBut(record: ImageVersionRecord, by: string): Outcome {
  const [first, ...others] = Object.keys(record.requests);
  // The leading operation last: after its end the deletion leads.
  const all = [...others, ...(first === undefined ? [] : [first])].filter((id) => id !== by);
  return forEach(record, all, (next, id) => {
    const message = `Operation ${by} deletes the version`;
    const {
      ending = {
        kind: "failed",
        code: "Superseded",
        message: `${message}: its regions are no longer followed.`,
        errors: [],
      } as const,
    } = next.requests[id] ?? {};
    return ended(next, decidedEnd({ ...endOf(next, id), lost: [] }, ending, message));
  });
}

/** Whether a deletion can be undone; undefined: the operation is none, or nobody knows yet. */
export function softDeleteIn({
  detail,
}: Pick<OperationRecord, "detail">): SoftDeleteRecord | undefined {
  return detail as SoftDeleteRecord | undefined; // Only deletions have a detail.
}

/**
 * The version is gone, whoever deleted it, and `spec` belongs to the life that ended. `softDelete`:
 * whether it can be undone.
 */
export function deleted(
  before: ImageVersionRecord,
  id: string,
  message: string,
  softDelete: SoftDeleteRecord | undefined,
  time: Time,
): Outcome {
  const { status, publishedDate = "", requests } = before;
  const life = requests[id]?.life ?? publishedDate;
  const isAnotherThere = status !== undefined && isOtherLife({ publishedDate: life }, status);
  const { record: alone, happened } = endAllBut(before, id);
  const record = omit(gone(alone, time), "spec", "release", "rollout");
  return {
    record: {
      ...record,
      ...(isAnotherThere && { status }),
      state: "Deleted",
      requests: {},
      updates: 0,
    },
    happened: [...happened, { kind: "deleted", ids: [id], message, softDelete }],
  };
}
