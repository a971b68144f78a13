/**
 * An operation that is canceled leaves the fold: nothing more is written for it. What Azure has accepted of it stays, and is told.
 * Pure. Invariant: what was sent to delete or restore may be carried out all the same; the operation ends once that is known.
 */
import { TOGETHER } from "../../operation/canceling.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { Requester } from "../../operation/records.js";
import { endDecided, endLater, goingOn, untilOut } from "./decided.js";
import { requestsOf } from "./fold.js";
import {
  DELETE_SENT,
  GOES_ON,
  isFinal,
  NOTHING_DELETED,
  NOTHING_SENT,
  RESTORE_SENT,
} from "./states.js";
import {
  withRequest,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { leavesLatest, OUT } from "./sparing.js";

/**
 * Undefined where nothing of it is to be ended. `why` is a sentence that is told, too. `allowNoLatest`: a canceled creation leaves
 * latest everywhere.
 */
export function beginCancel(
  pair: ImageVersionPair,
  operationId: string,
  by: Requester,
  context: TransitionContext,
  {
    why = "",
    allowNoLatest = false,
  }: { readonly why?: string; readonly allowNoLatest?: boolean } = {},
): ImageVersionPair | undefined {
  const { record } = pair;
  const asked = record.requests[operationId];
  if (isFinal(record.state) || asked === undefined) return undefined;
  // What its own request allows is not said of the cancel.
  const { allowNoLatest: isAllowed = false, ...rest } = asked;
  const request = { ...rest, ...(allowNoLatest && { allowNoLatest }) };
  if (request.decided !== undefined)
    return allowNoLatest && !isAllowed && leavesLatest(request)
      ? outEverywhere(pair, operationId, request, context)
      : pair;
  const time = context.now.toISOString();
  const decided = { kind: "canceled", by, time } as const;
  const sent = sentAlready(record, request);
  if (sent !== undefined)
    return endLater(pair, operationId, { ...request, decided }, `Canceled. ${sent}`, context);
  const consequence = consequenceOf(record, request);
  const after = endDecided(
    withRequest(pair, operationId, request),
    operationId,
    decided,
    context,
    why === "" ? consequence : `${why} ${consequence}`,
  );
  return operationId in after.record.requests ? after : goingOn(after, context);
}

/** Canceled again: regions that it has spared are spared no longer. */
function outEverywhere(
  pair: ImageVersionPair,
  operationId: string,
  { appliedTime: _, decided, ...request }: VersionRequest,
  context: TransitionContext,
): ImageVersionPair {
  return decided === undefined
    ? pair
    : endLater(
        pair,
        operationId,
        { ...request, release: OUT, decided },
        `Canceled. It ends once ${untilOut(request)}.`,
        context,
      );
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
