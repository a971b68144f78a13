/**
 * What comes next of a deletion. Pure. Invariants:
 *  1. A DELETE is sent only after a fact of that very step shows the life that is to be deleted, and no write is open.
 *  2. A DELETE that ARM has accepted is not sent again. Canceled, none is sent.
 */
import type { OperationFailure } from "../../operation/records.js";
import { isBusy } from "../resources.js";
import { whyUnconfirmed } from "./observe.js";
import type { OperationReason } from "./ends.js";
import { isOfOtherLife, mayArrive, sinceMs, type Time } from "./fact.js";
import type { ImageVersionRecord, Write } from "./record.js";
import type { Deletion } from "./deletion.js";

type DeletionDecision =
  | { readonly kind: "wait"; readonly why: string; readonly waitMs?: number }
  /** It is to be asked who needs the version, then the DELETE may be sent. */
  | { readonly kind: "send" }
  /** ARM is seen to delete it, though it has not answered. */
  | { readonly kind: "taken" }
  | { readonly kind: "deleted"; readonly message: string }
  | { readonly kind: "inVain"; readonly failure: OperationFailure };

/** What a step has read, beside the look. */
interface Read {
  /** The look shows no version, and Azure lists none. */
  readonly isAbsent: boolean;
  /** Why what ARM has accepted has come to nothing, where ARM says so. */
  readonly reason: OperationReason | undefined;
}

/** What comes next, after a look of this very step. */
export function decideDeletion(
  record: ImageVersionRecord,
  { request }: Deletion,
  { isAbsent, reason }: Read,
  delayMs: number,
  time: Time,
): DeletionDecision {
  const { status, write, unconfirmed } = record;
  const sent = write?.deletes === true ? write : undefined;
  const isDecided = request.decided !== undefined;
  if (status !== undefined && isOfOtherLife(request, status))
    return {
      kind: "deleted",
      message: `Azure has another version under the number now, published ${status.publishedDate}: the one that was to be deleted is gone, and the other is left as it is.`,
    };
  if (status === undefined && write === undefined && isAbsent)
    return { kind: "deleted", message: "Azure does not have the version." };
  if (sent !== undefined)
    return isAbsent
      ? whileAbsent(record, time)
      : whileSent(record, sent, { isDecided, reason }, time);
  if (unconfirmed !== undefined)
    return { kind: "wait", why: whyUnconfirmed(record) };
  if (isDecided) return { kind: "inVain", failure: NOT_DELETED };
  if (write !== undefined || status === undefined)
    return {
      kind: "wait",
      why: "What was sent to Azure Resource Manager before may still be under way.",
    };
  return isBusy(status)
    ? {
        kind: "wait",
        why: "Azure Resource Manager is working on the version: it is deleted once that has ended.",
      }
    : onceIdle(request, delayMs, time);
}

/** Invariant 1. */
function onceIdle(
  { guarded, appliedTime = "" }: Deletion["request"],
  delayMs: number,
  { now }: Time,
): DeletionDecision {
  const dueMs =
    guarded === true ? Date.parse(appliedTime) + delayMs - now.getTime() : 0;
  return dueMs > 0
    ? {
        kind: "wait",
        why: "Azure Resource Graph may not show yet who uses the version: it is asked once that has passed.",
        waitMs: dueMs,
      }
    : { kind: "send" };
}

function whileAbsent(
  { unconfirmed }: ImageVersionRecord,
  time: Time,
): DeletionDecision {
  return unconfirmed !== undefined &&
    sinceMs(unconfirmed.since, time) >= time.pace.pollInitialMs * 2
    ? {
        kind: "deleted",
        message:
          "Azure Resource Manager has answered, time after time, that the version does not exist.",
      }
    : {
        kind: "wait",
        why: "Azure Resource Manager does not show the version: further polls check it again.",
        waitMs: time.pace.pollInitialMs,
      };
}

/** Invariant 2. */
function whileSent(
  { status }: ImageVersionRecord,
  { sentTime, answer }: Write,
  { isDecided, reason }: Pick<Read, "reason"> & { readonly isDecided: boolean },
  time: Time,
): DeletionDecision {
  if (reason !== undefined)
    return { kind: "inVain", failure: refusedBy(reason) };
  const isAccepted = answer === "accepted";
  if (status?.provisioningState === "Deleting")
    return isAccepted
      ? {
          kind: "wait",
          why: "Azure Resource Manager is deleting the version.",
        }
      : { kind: "taken" };
  if (mayArrive(sentTime, isAccepted, time))
    return {
      kind: "wait",
      why: isAccepted
        ? "Azure Resource Manager has accepted the delete request, but does not show the deletion yet."
        : "The delete request that was sent has no answer: whether Azure carries it out is not known yet.",
    };
  if (isAccepted || isDecided) return { kind: "inVain", failure: NOT_DELETED };
  return status !== undefined && isBusy(status)
    ? { kind: "wait", why: "Azure Resource Manager is working on the version." }
    : { kind: "send" };
}

function refusedBy({ code, message }: OperationReason): OperationFailure {
  return {
    code,
    message: `Azure has not deleted the version. It says: ${message}`,
    errors: [{ code, pointer: "", message }],
  };
}

const NOT_DELETED: OperationFailure = {
  code: "NotDeleted",
  message: "Azure has not deleted the version, and shows it at rest.",
  errors: [],
};
