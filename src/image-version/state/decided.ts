/**
 * The end of an operation that is decided: ARM refuses it, a fact contradicts it, or its caller cancels it. It ends at once or, where
 * something of it is to be put right, once that is done. Pure. Invariants:
 *  1. The last operation does not end before a region that was taken away for its repair is added back.
 *  2. Where a guarded deletion comes to nothing, the version is in latest again as it was.
 *  3. A version whose creation was sent and is canceled is left out of latest, wherever another version takes over (sparing.ts).
 */
import { advance, withOperations, type Ending } from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { failure as failed } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  operationIn,
  operationsOf,
  type OperationFailure,
  type OperationRecord,
} from "../../operation/records.js";
import { withApplied } from "../properties/patch.js";
import { PROTECTED } from "../properties/table.js";
import { isRepairing, openRequests } from "./fold.js";
import { untilQuiet } from "./observe.js";
import { mustShut } from "./reconcile.js";
import {
  changed,
  withRequest,
  type DecidedEnd,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { lossOf, sentence } from "./repairs.js";
import { OUT } from "./sparing.js";

/** Ends one that has begun; where it is the last, the record's state says how it ended. */
export function endOperation(
  pair: ImageVersionPair,
  operationId: string,
  ending: Ending,
  context: TransitionContext,
): ImageVersionPair {
  const without = withRequest(pair, operationId, undefined);
  if (pair.record.members.length > 0)
    return withoutUnsent(endOne(without, operationId, ending, context));
  return advance(without, context, {
    patch: { state: ending.status },
    ending: () => ending,
  });
}

/** A region that was asked for and never sent is nobody's once its operation has ended. */
function withoutUnsent(pair: ImageVersionPair): ImageVersionPair {
  const { record } = pair;
  const wanted = operationsOf(pair).flatMap(({ regions }) => regions.map(({ name }) => name));
  return changed(pair, {
    regions: record.regions.filter(({ name, attempts }) => attempts > 0 || wanted.includes(name)),
  });
}

/** What is stricter holds from acceptance, whatever becomes of the rest: a protection that was asked stays. */
function keepingProtection(
  record: ImageVersionRecord,
  { patch }: VersionRequest,
): ImageVersionRecord {
  return patch[PROTECTED] === true && record.status !== undefined
    ? { ...record, spec: withApplied(record.spec, { [PROTECTED]: true }) }
    : record;
}

/** `consequence`: what becomes of what it has begun, where it is canceled and ends at once. */
export function endDecided(
  pair: ImageVersionPair,
  operationId: string,
  decided: DecidedEnd,
  context: TransitionContext,
  consequence?: string,
): ImageVersionPair {
  const operation = operationIn(pair, operationId);
  const request = pair.record.requests[operationId];
  if (operation === undefined || request === undefined) return pair;
  const kept = keepingProtection(pair.record, request);
  const { appliedTime: _, release: __, deletion, ...rest } = request;
  const record: ImageVersionRecord = {
    ...kept,
    // What had begun beside a deletion goes on.
    ...(deletion && { state: "Accepted" }),
  };
  const all = bothOf(request, decided);
  const left = leftOf(record, operationId, request, all);
  if (left === undefined)
    return endOperation(
      { ...pair, record },
      operationId,
      decidedEnding(record, operation, all, context, consequence),
      context,
    );
  const { until, ...what } = left;
  return endLater(
    { ...pair, record },
    operationId,
    { ...rest, patch: {}, ...what, decided: all },
    `${all.kind === "canceled" ? "Canceled." : sentence(all.message)} It ends once ${until}.`,
    context,
  );
}

/** These fail, and the others go on. */
export function fails(
  pair: ImageVersionPair,
  ids: readonly string[],
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const decided = { kind: "failed", ...failure } as const;
  const after = ids.reduce(
    (next, id) => endDecided(next, id, decided, context, failure.message),
    pair,
  );
  return goingOn(after, context);
}

/** The message of this step was that of the others, too: they go on by another. */
export function goingOn(pair: ImageVersionPair, context: TransitionContext): ImageVersionPair {
  return Object.keys(pair.record.requests).length === 0
    ? pair
    : advance(pair, context, { patch: {}, waitMs: 0 });
}

/** What is to be put right first, and how that is said. */
function leftOf(
  record: ImageVersionRecord,
  operationId: string,
  request: VersionRequest,
  decided: DecidedEnd,
): (Pick<VersionRequest, "release"> & { readonly until: string }) | undefined {
  const { before } = request.deletion ?? {};
  // What others have said of latest since is theirs.
  const { by } = record.write?.release ?? record.release ?? {};
  if (before !== undefined && by === "deletion")
    return {
      release: { kind: "set", release: before },
      until: "the version is in latest again as it was",
    };
  if (request.decided !== undefined) return undefined;
  if (decided.kind === "canceled" && isToBeExcluded(record, operationId, request))
    return { release: OUT, until: untilOut(request) };
  const isLeft =
    record.status !== undefined &&
    record.members.length === 0 &&
    (isRepairing(record) || mustShut(record));
  return isLeft ? { until: "regions removed for a repair are added back" } : undefined;
}

/** Until when a canceled creation waits. */
export function untilOut({ allowNoLatest }: VersionRequest): string {
  return `the version is excluded from latest${allowNoLatest === true ? "" : " wherever another version takes over"}`;
}

/** Invariant 3: unless another operation says since where the version is in latest, or this was an update of what was there. */
function isToBeExcluded(
  { write, status, publishedDate, ...record }: ImageVersionRecord,
  operationId: string,
  { creates, sent, life }: VersionRequest,
): boolean {
  return (
    creates === true &&
    sent === true &&
    !openRequests(record).some(
      ([id, { release }]) => id !== operationId && release !== undefined,
    ) &&
    (write?.creates === true ||
      (status !== undefined && (life === undefined || life === publishedDate)))
  );
}

/** How an operation ends is decided, and what is left of it is done first. */
export function endLater(
  pair: ImageVersionPair,
  operationId: string,
  request: VersionRequest & { readonly decided: DecidedEnd },
  message: string,
  context: TransitionContext,
): ImageVersionPair {
  const { decided } = request;
  const isCanceled = decided.kind === "canceled";
  const marked = withOperations(withRequest(pair, operationId, request), (one) =>
    isCanceled && one.id === operationId ? { ...one, canceledBy: decided.by } : one,
  );
  return advance(marked, context, {
    patch: {},
    state: isCanceled ? "Canceling" : "Failing",
    message,
    concerns: [operationId],
    ...untilQuiet(pair.record, context),
  });
}

/** What was decided before counts; that what was left to do has failed is said, too. */
function bothOf({ decided: before }: VersionRequest, now: DecidedEnd): DecidedEnd {
  if (before === undefined) return now;
  return before.kind === "failed" && now.kind === "failed" && now.message !== before.message
    ? {
        ...before,
        message: `${sentence(before.message)} The remaining work could not be done: ${now.message}`,
        errors: [...before.errors, ...now.errors],
      }
    : before;
}

export function decidedEnding(
  record: ImageVersionRecord,
  operation: OperationRecord,
  decided: DecidedEnd,
  context: TransitionContext,
  consequence = "Azure keeps the version.",
): Ending {
  const loss = lossOf(record);
  if (decided.kind === "canceled")
    return cancellation(operation, `${sentence(consequence)}${loss}`, decided.by, context);
  const { code, message, errors } = decided;
  return failed(
    operation,
    {
      code,
      message: loss === "" ? message : `${sentence(message)}${loss}`,
      errors,
    },
    record.regions,
    context,
  );
}
