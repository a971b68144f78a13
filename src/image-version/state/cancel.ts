/** What is left to do when an operation is canceled that has begun. Pure. */
import { isDeepStrictEqual } from "node:util";
import { advance, withEntry, written } from "../../operation/advance.js";
import { cancel, cancellation } from "../../operation/canceling.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationRecord, Requester } from "../../operation/records.js";
import { deletionIn, withoutDeletion } from "./deleting.js";
import {
  DELETE_SENT,
  GOES_ON,
  isFinal,
  isRestoring,
  NOTHING_DELETED,
  NOTHING_SENT,
  RESTORE_SENT,
  VERSION_STATES,
} from "./states.js";
import { withApplied } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import {
  attemptsIn,
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
  type QueuedRequest,
  type VersionRequest,
} from "./record.js";
import {
  keptOf,
  openRequests,
  ruleAskedBy,
  ruleOf,
  withProtection,
} from "./wanted.js";
import { untilQuiet } from "./accepting.js";
import { includedAgain, withRuleAgain } from "./guarding.js";

/**
 * An operation that has begun is canceled. Where nothing is left undone, or others see to it, it ends at once. Else its end
 * comes when the version is as it should be: a region that was taken away is added back, the permission to remove
 * regions is taken back, and a version that was being made is excluded from latest, whoever else works on it. `why` is a sentence
 * that is told, too.
 */
export function beginCancel(
  given: ImageVersionPair,
  operationId: string,
  by: Requester,
  context: TransitionContext,
  why = "",
): ImageVersionPair | undefined {
  const { record: before } = given;
  if (isFinal(before.state)) return undefined;
  const queued = before.queued.find(
    ({ operation: { id } }) => id === operationId,
  );
  const request = queued?.request ?? before.requests[operationId];
  if (request === undefined) return undefined;
  if (request.decided !== undefined) return given;
  // A step that is about to send it finds another in its place.
  const onceKnown = (consequence: string): ImageVersionPair =>
    leavesAsItShouldBe(
      given,
      operationId,
      { ...request, decided: { kind: "canceled", by } },
      by,
      context,
      { message: `Canceled. ${consequence}` },
    );
  if (before.state === "Restoring") return onceKnown(RESTORE_SENT);
  const deletion = deletionIn(given);
  if (deletion?.operation.id === operationId) {
    if (before.state === "Deleting") return onceKnown(DELETE_SENT);
    const ending = cancellation(
      deletion.operation,
      NOTHING_DELETED,
      by,
      context,
    );
    const goesOn = withoutDeletion(given, deletion, ending, context);
    if (goesOn !== undefined) return goesOn;
    const left = includedAgain(request, before);
    return (
      left &&
      leavesAsItShouldBe(
        { ...given, record: withRuleAgain(before, request) },
        operationId,
        decidedBy({ ...request, changes: left }, by),
        by,
        context,
        { patch: { state: "Accepted" } },
      )
    );
  }
  const unruled = withoutRule(given, operationId, request);
  const record = withProtection(unruled.record, request);
  const pair: ImageVersionPair = { ...unruled, record };
  const heir =
    request.created === true || request.heir === true
      ? heirOf(record, operationId)
      : undefined;
  const changes =
    heir === undefined ? leavesUndone(record, request, queued) : undefined;
  if (changes === undefined)
    return cancel(
      without(
        heir === undefined ? pair : leftTo(pair, heir, { heir: true }),
        operationId,
      ),
      operationId,
      by,
      context,
      queued === undefined || request.sent === true
        ? saying(why, consequenceOf(record, operationId, request), record)
        : undefined,
    );
  const decided = decidedBy({ ...request, changes }, by);
  return queued === undefined
    ? leavesAsItShouldBe(pair, operationId, decided, by, context)
    : queuedAs(pair, queued, decided, by, context);
}

/**
 * The promotion rule that it has brought about, and that nothing came of, promotes no more, unless another asks for it: then
 * it is that one's. What it merely repeats was there before it, and stays.
 */
export function withoutRule(
  pair: ImageVersionPair,
  operationId: string,
  request: VersionRequest,
): ImageVersionPair {
  const { record } = pair;
  const { lastApplied } = record;
  const rule = ruleOf(lastApplied);
  const isIts =
    request.hasRule === true ||
    (request.appliedTime !== undefined &&
      isDeepStrictEqual(request.changes[PROMOTION], rule));
  if (lastApplied === undefined || rule === undefined || !isIts) return pair;
  const others = openRequests(record).filter(
    ([id, other]) =>
      id !== operationId && isDeepStrictEqual(ruleAskedBy(other), rule),
  );
  return others.length > 0
    ? others.reduce((one, [id]) => leftTo(one, id, { hasRule: true }), pair)
    : {
        ...pair,
        record: {
          ...record,
          lastApplied: withApplied(lastApplied, { [PROMOTION]: null }),
        },
      };
}

/** What is left of a canceled operation. */
function decidedBy(
  { appliedTime: _, hasRule: __, ...request }: VersionRequest,
  by: Requester,
): VersionRequest {
  return {
    ...request,
    repeats: {},
    creates: false,
    byHand: true,
    retries: [],
    decided: { kind: "canceled", by },
  };
}

function leavesAsItShouldBe(
  pair: ImageVersionPair,
  operationId: string,
  decided: VersionRequest,
  by: Requester,
  context: TransitionContext,
  {
    patch = {},
    message = "Canceled: it ends once Azure has finished what was sent, regions removed for a repair are added back and an unfinished version is excluded from latest.",
  }: {
    readonly patch?: Pick<Partial<ImageVersionRecord>, "state">;
    readonly message?: string;
  } = {},
): ImageVersionPair {
  const { record } = pair;
  const canceled = (one: OperationRecord): OperationRecord =>
    one.id === operationId ? { ...one, canceledBy: by } : one;
  return advance(
    {
      ...pair,
      operation: canceled(pair.operation),
      record: {
        ...record,
        members: record.members.map(canceled),
        requests: { ...record.requests, [operationId]: decided },
      },
    },
    context,
    {
      patch,
      state: "Canceling",
      message,
      concerns: [operationId],
      ...untilQuiet(record, context),
    },
  );
}

/** What is queued keeps its turn, to leave the version as it should be. */
function queuedAs(
  pair: ImageVersionPair,
  { operation }: QueuedRequest,
  request: VersionRequest,
  by: Requester,
  { now }: TransitionContext,
): ImageVersionPair {
  const time = now.toISOString();
  const canceled: OperationRecord = {
    ...operation,
    canceledBy: by,
    lastUpdatedTime: time,
    history: withEntry(operation.history, {
      time,
      state: "Canceling",
      message:
        "Canceled: it ends once the version is excluded from latest, because the operation that was creating it was canceled too.",
    }),
  };
  return {
    ...pair,
    record: {
      ...pair.record,
      queued: pair.record.queued.map((one) =>
        one.operation.id === operation.id
          ? { operation: canceled, request }
          : one,
      ),
    },
    ...written(pair, [canceled]),
  };
}

function without(
  pair: ImageVersionPair,
  operationId: string,
): ImageVersionPair {
  const { [operationId]: _, ...requests } = pair.record.requests;
  const kept = keptOf(pair.record, operationId);
  return { ...pair, record: { ...pair.record, ...kept, requests } };
}

/** What is to be sent before the operation may end; undefined where nothing is. */
function leavesUndone(
  record: ImageVersionRecord,
  request: VersionRequest,
  queued: QueuedRequest | undefined,
): VersionRequest["changes"] | undefined {
  const { created, refused, heir, removing = [] } = request;
  const again = includedAgain(request, record);
  if (request.sent === true && again !== undefined) return again;
  if (
    ((created === true && refused !== true) || heir === true) &&
    (record.exists || sentLast(record) !== undefined)
  )
    return { [EXCLUDE_FROM_LATEST]: true };
  if (queued !== undefined) return undefined;
  // Azure may have carried them out: that is told.
  if (removing.length > 0) return {};
  if (record.members.length > 0) return undefined;
  const away = Object.values(record.repairs).some(
    ({ removed }) => removed !== undefined,
  );
  return away || record.opened ? {} : undefined;
}

/** Another operation that says in so many words that the version shall be in latest. */
function heirOf(
  record: ImageVersionRecord,
  operationId: string,
): string | undefined {
  return openRequests(record).find(
    ([id, { changes, creates, body }]) =>
      id !== operationId &&
      (changes[EXCLUDE_FROM_LATEST] === false ||
        // The body of a change says also what its caller has only seen.
        (creates === true &&
          body?.properties.publishingProfile?.excludeFromLatest === false)),
  )?.[0];
}

/** What another has to see to from now on. */
function leftTo(
  pair: ImageVersionPair,
  heir: string,
  what: Pick<VersionRequest, "heir" | "hasRule">,
): ImageVersionPair {
  const { record } = pair;
  const request = record.requests[heir];
  return {
    ...pair,
    record: {
      ...record,
      ...(request && {
        requests: { ...record.requests, [heir]: { ...request, ...what } },
      }),
      queued: record.queued.map((one) =>
        one.operation.id === heir
          ? { ...one, request: { ...one.request, ...what } }
          : one,
      ),
    },
  };
}

const REFUSED =
  "Azure has refused what was sent for it, and nothing more will be sent.";

const UNANSWERED =
  "The update that was sent for it and for other operations has no answer yet: Azure may carry it out. Sigil no longer reports on it.";

function saying(
  why: string,
  consequence: string | undefined,
  { state }: ImageVersionRecord,
): string | undefined {
  if (why === "") return consequence;
  const known = VERSION_STATES[state];
  const otherwise = "ifCanceled" in known ? known.ifCanceled : NOTHING_SENT;
  return `${why} ${consequence ?? otherwise}`;
}

/** What Azure has got of an operation; undefined where its state says so, as of what release 0.1.0 has sent. */
function consequenceOf(
  record: ImageVersionRecord,
  operationId: string,
  { appliedTime, sent }: VersionRequest,
): string | undefined {
  const { lastAttempt, members, state } = record;
  if (isRestoring(state)) return undefined;
  const goesOn = members.length > 0 ? undefined : GOES_ON;
  if (appliedTime !== undefined) return goesOn;
  if (lastAttempt === undefined) return NOTHING_SENT;
  if (lastAttempt.sentFor === undefined) return undefined;
  const attempt = attemptsIn(record).findLast(({ sentFor = [] }) =>
    sentFor.includes(operationId),
  );
  if (attempt === undefined) return sent === true ? REFUSED : NOTHING_SENT;
  if (attempt.outcome !== "unknown") return goesOn;
  return members.length > 0 ? UNANSWERED : undefined;
}
