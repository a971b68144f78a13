/**
 * How operations go on and end by a fact, each in its own way. Pure. Invariants, beside those of applied.ts and failures.ts:
 *  1. An operation is Succeeded only if it is applied, and each of its regions is Completed.
 *  2. The last operation does not end before a region that was taken away for its repair is added back.
 */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import {
  advance,
  event,
  regionsOf,
  withOperations,
  type Advance,
  type Ending,
} from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { failure as failed, outcomes } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  operationIn,
  operationsOf,
  type OperationFailure,
  type OperationRecord,
  type RegionRecord,
} from "../../operation/records.js";
import { pointerTo, regionField } from "../properties/fields.js";
import { withApplied } from "../properties/patch.js";
import { PROMOTION, PROTECTED } from "../properties/table.js";
import { hasFailed, type Look } from "../resources.js";
import { withApplications } from "./applied.js";
import { failuresBy } from "./failures.js";
import { isRepairing } from "./fold.js";
import type { Fact } from "./fact.js";
import { mustShut } from "./reconcile.js";
import {
  withRequest,
  type DecidedEnd,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { withFindings } from "./proven.js";
import { lossOf, sentence, whyNotRepaired } from "./repairs.js";
import { ruleStays, stayingFlags } from "./staying.js";

/** The pair after a fact: those that it ends have ended, those that it shows are applied. */
export function goOnBy(
  pair: ImageVersionPair,
  fact: Fact,
  reason: OperationReason | undefined,
  context: TransitionContext,
): ImageVersionPair {
  let next = pair;
  for (const [id, failure] of failuresBy(pair.record, fact))
    next = endDecided(next, id, { kind: "failed", ...failure }, context);
  const isOwn = pair.record.write !== undefined || fact.write?.fate === "shown";
  if (fact.life === "begun" && !isOwn)
    next = Object.keys(next.record.requests).reduce(adopting, next);
  next = withApplications(next, context);
  return settle(next, reason, context);
}

/** Of a version of others that is as asked, a creation says nothing of latest, and sets no rule: as any PUT of what is there. */
function adopting(pair: ImageVersionPair, id: string): ImageVersionPair {
  const { requests, status } = pair.record;
  const asked = requests[id];
  if (asked?.creates !== true) return pair;
  const { creates: _, release: __, ...request } = asked;
  const { [PROMOTION]: rule, ...patch } = request.patch;
  return withFindings(
    withRequest(pair, id, { ...request, patch }),
    [id],
    [
      ...(request.body && status
        ? stayingFlags(request.body, status.resource)
        : []),
      ...(rule === undefined ? [] : [ruleStays()]),
    ],
  );
}

/** Why ARM has given the version up. */
export type OperationReason = {
  readonly code: string;
  readonly message: string;
};

/** Ends every operation that nothing is to be waited for; the last one ends the record's work. */
function settle(
  pair: ImageVersionPair,
  reason: OperationReason | undefined,
  context: TransitionContext,
): ImageVersionPair {
  let settled = pair;
  for (const operation of operationsOf(pair)) {
    const ending = endingOf(settled, operation, reason, context);
    if (ending !== undefined)
      settled = endOperation(settled, operation.id, ending, context);
  }
  return settled;
}

function endingOf(
  { record, operation: current }: ImageVersionPair,
  operation: OperationRecord,
  reason: OperationReason | undefined,
  context: TransitionContext,
): Ending | undefined {
  const request = record.requests[operation.id];
  const { status } = record;
  if (
    request?.appliedTime === undefined ||
    request.deletion !== undefined ||
    status === undefined
  )
    return undefined;
  const isLast = record.members.length === 0 && current.id === operation.id;
  if (isLast && isRepairing(record)) return undefined; // Invariant 2.
  const own = regionsOf(operation, record.regions);
  if (request.decided !== undefined)
    return decidedEnding(record, operation, request.decided, context);
  if (own.some((region) => isOpen(record, region, status))) return undefined;
  const lost = own.filter(({ state }) => state === "Failed");
  if (lost.length > 0 || isGivenUp(record, own, status))
    return failed(
      operation,
      replicationFailure(record, request, lost, reason),
      record.regions,
      context,
    );
  return success(operation, own, record.regions, context);
}

/** Something is to be waited for in the region: its copy, a second look, or its repair. */
function isOpen(
  { repairs }: ImageVersionRecord,
  { name, state, doubt }: RegionRecord,
  status: Look,
): boolean {
  const { removed, lost, dueTime } = repairs[name] ?? {};
  return (
    (state !== "Completed" && state !== "Failed") ||
    doubt !== undefined ||
    (state === "Completed" && hasFailed(status, name)) ||
    (removed !== undefined && lost !== true) ||
    (state === "Failed" && dueTime !== undefined)
  );
}

/** ARM has given the version up though each of its regions has its copy: nothing would ever come after that. */
function isGivenUp(
  { regions }: ImageVersionRecord,
  own: readonly RegionRecord[],
  status: Look,
): boolean {
  const isOwn = (name: string): boolean => own.some((one) => one.name === name);
  return (
    own.length > 0 &&
    status.provisioningState === "Failed" &&
    (own.length === regions.length ||
      regions.every(({ state }) => state === "Completed")) &&
    // A region that nobody has asked of Sigil has failed.
    !status.regions.some(({ name }) => !isOwn(name) && hasFailed(status, name))
  );
}

const END_STATES = {
  Succeeded: "Succeeded",
  Failed: "Failed",
  Canceled: "Canceled",
} as const;

/** Ends one that has begun; where it is the last, the record's state says how it ended. */
function endOperation(
  pair: ImageVersionPair,
  operationId: string,
  ending: Ending,
  context: TransitionContext,
): ImageVersionPair {
  const without = withRequest(pair, operationId, undefined);
  if (pair.record.members.length > 0)
    return withoutUnsent(endOne(without, operationId, ending, context));
  return advance(without, context, {
    patch: { state: END_STATES[ending.status] },
    ending: () => ending,
  });
}

/** A region that was asked for and never sent is nobody's once its operation has ended. */
function withoutUnsent(pair: ImageVersionPair): ImageVersionPair {
  const { record } = pair;
  const wanted = operationsOf(pair).flatMap(({ regions }) =>
    regions.map(({ name }) => name),
  );
  return {
    ...pair,
    record: {
      ...record,
      regions: record.regions.filter(
        ({ name, attempts }) => attempts > 0 || wanted.includes(name),
      ),
    },
  };
}

/** What is stricter holds from acceptance, whatever becomes of the rest: a protection that was asked stays. */
export function keepingProtection(
  pair: ImageVersionPair,
  operationId: string,
): ImageVersionPair {
  const { record } = pair;
  return record.requests[operationId]?.patch[PROTECTED] === true &&
    record.status !== undefined
    ? {
        ...pair,
        record: {
          ...record,
          spec: withApplied(record.spec, { [PROTECTED]: true }),
        },
      }
    : pair;
}

/** Ends an operation as it is decided, at once or, as the last one, once the version is left as it should be. Invariant 2. */
export function endDecided(
  given: ImageVersionPair,
  operationId: string,
  decided: DecidedEnd,
  context: TransitionContext,
): ImageVersionPair {
  const pair = keepingProtection(given, operationId);
  const { record } = pair;
  const operation = operationIn(pair, operationId);
  const request = record.requests[operationId];
  if (operation === undefined || request === undefined) return pair;
  const isLast = record.members.length === 0;
  const isLeft =
    record.status !== undefined &&
    isLast &&
    (isRepairing(record) || mustShut(record));
  if (!isLeft || request.decided !== undefined)
    return endOperation(
      pair,
      operationId,
      decidedEnding(record, operation, bothOf(request, decided), context),
      context,
    );
  const { appliedTime: _, release: __, ...kept } = request;
  return endLater(
    pair,
    operationId,
    { ...kept, patch: {}, decided },
    `${decided.kind === "canceled" ? "Canceled." : sentence(decided.message)} It ends once regions removed for a repair are added back.`,
    { waitMs: 0 },
    context,
  );
}

/** How an operation ends is decided, and what is left of it is done first. */
export function endLater(
  pair: ImageVersionPair,
  operationId: string,
  request: VersionRequest & { readonly decided: DecidedEnd },
  message: string,
  next: Pick<Advance<ImageVersionRecord>, "waitMs" | "waits">,
  context: TransitionContext,
): ImageVersionPair {
  const { decided } = request;
  const isCanceled = decided.kind === "canceled";
  const marked = withOperations(
    withRequest(pair, operationId, request),
    (one) =>
      isCanceled && one.id === operationId
        ? { ...one, canceledBy: decided.by }
        : one,
  );
  return advance(marked, context, {
    patch: {},
    state: isCanceled ? "Canceling" : "Failing",
    message,
    concerns: [operationId],
    ...next,
  });
}

/** What was decided before counts; that what was left to do has failed is said, too. */
function bothOf(
  { decided: before }: VersionRequest,
  now: DecidedEnd,
): DecidedEnd {
  if (before === undefined) return now;
  return before.kind === "failed" && now.kind === "failed"
    ? {
        ...before,
        message: `${sentence(before.message)} The remaining work could not be done: ${now.message}`,
        errors: [...before.errors, ...now.errors],
      }
    : before;
}

function decidedEnding(
  record: ImageVersionRecord,
  operation: OperationRecord,
  decided: DecidedEnd,
  context: TransitionContext,
): Ending {
  const loss = lossOf(record);
  if (decided.kind === "canceled")
    return cancellation(
      operation,
      `Azure keeps the version. If it was being created, it is excluded from latest: promote it to include it.${loss}`,
      decided.by,
      context,
    );
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

function success(
  operation: OperationRecord,
  own: readonly RegionRecord[],
  all: readonly RegionRecord[],
  context: TransitionContext,
): Ending {
  const done =
    own.length === 0
      ? "Azure shows the version as requested."
      : `The version is usable in ${own.map((region) => region.name).join(", ")}.`;
  const lost = all.filter(({ state }) => state === "Failed");
  return {
    status: "Succeeded",
    message:
      lost.length === 0
        ? done
        : `${done} It is not usable in ${lost.map(({ name }) => name).join(", ")}, which this operation does not name: retry it (POST …/retry), or publish another version where that is refused.`,
    event: event(
      operation,
      context,
      IMAGE_VERSION_EVENT.completed,
      "completed",
      { regions: outcomes(own) },
    ),
  };
}

function replicationFailure(
  record: ImageVersionRecord,
  { body }: VersionRequest,
  lost: readonly RegionRecord[],
  reason: OperationReason | undefined,
): OperationFailure {
  const { repairs } = record;
  const loss = lossOf(record);
  const errors = lost.map((region): Finding => ({
    code: reason?.code ?? "RegionFailed",
    pointer: pointerTo(body ?? {}, regionField(region.name)),
    message: `Replication to ${region.name} failed: ${region.details ?? reason?.message ?? "Azure gave no reason"}`,
  }));
  const refused = lost.flatMap(({ name }) => repairs[name]?.refused ?? []);
  const whys = lost.map(({ name }) => {
    const findings = repairs[name]?.refused;
    return findings ? ` ${whyNotRepaired(name, findings)}` : "";
  });
  if (lost.length === 0 && reason !== undefined)
    errors.push({ code: reason.code, pointer: "", message: reason.message });
  return {
    code: "ReplicationFailed",
    message: `${lost.length === 0 ? "Every region has its copy, but the version's provisioning state is Failed." : `The version is not usable in ${lost.map((region) => region.name).join(", ")}.`}${reason === undefined ? "" : ` Azure Resource Manager says: ${refused.length === 0 ? reason.message : sentence(reason.message)}`}${whys.join("")}${loss}`,
    errors: [...errors, ...refused],
  };
}
