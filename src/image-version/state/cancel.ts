/**
 * An operation that is canceled leaves the fold: nothing more is written for it. What Azure has accepted of it stays, and is told.
 * Pure. Invariant: what was sent to delete or restore may be carried out all the same; the operation ends once that is known.
 */
import { TOGETHER } from "../../operation/canceling.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { Requester } from "../../operation/records.js";
import { endDecided, endLater, goingOn } from "./decided.js";
import { requestsOf } from "./fold.js";
import {
  DELETE_SENT,
  GOES_ON,
  isFinal,
  NOTHING_DELETED,
  NOTHING_SENT,
  RESTORE_SENT,
} from "./states.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "./record.js";

/** Undefined where nothing of it is to be ended. `why` is a sentence that is told, too. */
export function beginCancel(
  pair: ImageVersionPair,
  operationId: string,
  by: Requester,
  context: TransitionContext,
  why = "",
): ImageVersionPair | undefined {
  const { record } = pair;
  const request = record.requests[operationId];
  if (isFinal(record.state) || request === undefined) return undefined;
  if (request.decided !== undefined) return pair;
  const time = context.now.toISOString();
  const decided = { kind: "canceled", by, time } as const;
  const sent = sentAlready(record, request);
  if (sent !== undefined)
    return endLater(
      pair,
      operationId,
      { ...request, decided },
      `Canceled. ${sent}`,
      context,
    );
  const consequence = consequenceOf(record, request);
  const after = endDecided(
    pair,
    operationId,
    decided,
    context,
    why === "" ? consequence : `${why} ${consequence}`,
  );
  return operationId in after.record.requests ? after : goingOn(after, context);
}

function sentAlready(
  { write }: ImageVersionRecord,
  { deletion }: VersionRequest,
): string | undefined {
  if (write?.restores === true) return RESTORE_SENT;
  return deletion && write?.deletes ? DELETE_SENT : undefined;
}

/** What ARM has refused for now is not under way. */
function consequenceOf(
  { status, write, members }: ImageVersionRecord,
  { sent, deletion }: VersionRequest,
): string {
  if (deletion !== undefined) return NOTHING_DELETED;
  if (sent !== true || (status ?? write) === undefined) return NOTHING_SENT;
  return members.length === 0 ? GOES_ON : TOGETHER;
}

/** Operations whose cancel waits for Azure. */
export function cancelingIds(record: ImageVersionRecord): readonly string[] {
  return requestsOf(record).flatMap(([id, { decided }]) =>
    decided?.kind === "canceled" ? [id] : [],
  );
}
