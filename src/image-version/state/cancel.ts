/**
 * An operation that is canceled leaves the fold: nothing more is written for it. What Azure has accepted of it stays, and is told.
 * Pure. Invariants:
 *  1. A version whose creation was sent is left out of latest.
 *  2. What was sent to delete or restore may be carried out all the same: the operation ends once that is known.
 */
import { cancel, TOGETHER } from "../../operation/canceling.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { Requester } from "../../operation/records.js";
import { leftState } from "./deletion.js";
import { openRequests, requestsOf } from "./fold.js";
import { endDecided, endLater, keepingProtection } from "./ends.js";
import { untilQuiet } from "./follow.js";
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
import { goingOn } from "./write.js";

/**
 * Begins the end of an operation that has begun; undefined where nothing is left to see to: it ends at once. `why` is a sentence that
 * is told, too.
 */
export function beginCancel(
  given: ImageVersionPair,
  operationId: string,
  by: Requester,
  context: TransitionContext,
  why = "",
): ImageVersionPair | undefined {
  const pair = keepingProtection(given, operationId);
  const { record } = pair;
  const request = record.requests[operationId];
  if (isFinal(record.state) || request === undefined) return undefined;
  if (request.decided !== undefined) return given;
  const decided = {
    kind: "canceled",
    by,
    time: context.now.toISOString(),
  } as const;
  const { appliedTime: _, ...unapplied } = request;
  const later = (left: VersionRequest, consequence: string) =>
    endLater(
      pair,
      operationId,
      { ...left, decided },
      `Canceled. ${consequence}`,
      record.state === "Deleting"
        ? { waitMs: context.pace.pollInitialMs }
        : untilQuiet(record, context),
      context,
    );
  if (record.state === "Restoring") return later(request, RESTORE_SENT);
  const { deletion } = request;
  if (deletion !== undefined) {
    if (record.write?.deletes === true) return later(request, DELETE_SENT);
    return deletion.before === undefined
      ? endsNow(
          { ...pair, record: { ...record, state: leftState(pair) } },
          operationId,
          by,
          context,
          saying(why, NOTHING_DELETED),
        )
      : later(
          {
            ...unapplied,
            release: { kind: "set", release: deletion.before },
          },
          "It ends once the version is in latest again as it was.",
        );
  }
  if (isToBeExcluded(record, operationId, request))
    return later(
      {
        ...unapplied,
        patch: {},
        release: { kind: "exclude", by: "cancel" },
      },
      "It ends once the version is excluded from latest.",
    );
  const ended = endDecided(pair, operationId, decided, context);
  const consequence = saying(why, consequenceOf(record, request));
  return ended.record.requests[operationId]?.decided === undefined
    ? endsNow(pair, operationId, by, context, consequence)
    : ended;
}

/** Invariant 1. */
function isToBeExcluded(
  record: ImageVersionRecord,
  operationId: string,
  request: VersionRequest,
): boolean {
  return (
    request.creates === true &&
    request.sent === true &&
    !isTakenOver(record, operationId) &&
    isCreating(record, request)
  );
}

/** Another operation says since where the version is in latest. */
function isTakenOver(record: ImageVersionRecord, operationId: string): boolean {
  return openRequests(record).some(
    ([id, { release }]) => id !== operationId && release !== undefined,
  );
}

/** The creation itself is this operation's: not an update of what was there. */
function isCreating(
  { write, status, publishedDate }: ImageVersionRecord,
  { life }: VersionRequest,
): boolean {
  return (
    write?.creates === true ||
    (status !== undefined && (life === undefined || life === publishedDate))
  );
}

/** What ARM has refused for now is not under way. */
function consequenceOf(
  { status, write, members }: ImageVersionRecord,
  { sent }: VersionRequest,
): string {
  if (sent !== true || (status ?? write) === undefined) return NOTHING_SENT;
  return members.length === 0 ? GOES_ON : TOGETHER;
}

function saying(why: string, consequence: string): string {
  return why === "" ? consequence : `${why} ${consequence}`;
}

function endsNow(
  pair: ImageVersionPair,
  operationId: string,
  by: Requester,
  context: TransitionContext,
  consequence: string,
): ImageVersionPair {
  const without = withRequest(pair, operationId, undefined);
  return goingOn(
    cancel(without, operationId, by, context, consequence),
    context,
  );
}

/** Operations whose cancel waits for Azure. */
export function cancelingIds(record: ImageVersionRecord): readonly string[] {
  return requestsOf(record).flatMap(([id, { decided }]) =>
    decided?.kind === "canceled" ? [id] : [],
  );
}
