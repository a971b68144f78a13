/**
 * How operations go on and end by a fact, each in its own way. Pure. Invariants:
 *  1. An operation is applied once a fact shows all that it asks, for good: from then on its regions alone decide.
 *  2. It is Succeeded only if it is applied, and each of its regions is Completed.
 *  3. Where a fact shows another value than it asks and than was there before, others were there: it ends Failed, and nothing is
 *     written over.
 *  4. An operation is about one life of the version.
 *  5. The last operation does not end before a region that was taken away for its repair is added back.
 */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import {
  advance,
  event,
  regionsOf,
  type Ending,
} from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { failure as failed, outcomes } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import type {
  Effect,
  OperationFailure,
  OperationRecord,
  RegionRecord,
} from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import { factsIn, flagsFor, isFlag, withoutFlags } from "../latest/flags.js";
import { releasedIn } from "../latest/release.js";
import { differs } from "../properties/changes.js";
import {
  fieldsOf,
  isOwn,
  pointerTo,
  regionField,
  regionOf,
  regionsIn,
  removedBy,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import {
  unmetBy,
  withApplied,
  type Patch,
  type Unmet,
} from "../properties/patch.js";
import { PROTECTED } from "../properties/table.js";
import { hasFailed, type Look } from "../resources.js";
import { desired, isRepairing, openRequests, unapplied } from "./fold.js";
import { isOtherLife, type Fact } from "./observe.js";
import { GONE, mustShut } from "./reconcile.js";
import type {
  DecidedEnd,
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "./record.js";
import { lossOf, sentence, whyNotRepaired } from "./repairs.js";
import { lostIn } from "./told.js";

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
  if (fact.life === "begun" && fact.write?.fate !== "shown")
    next = adopting(next);
  next = withApplications(next, context);
  return settle(next, reason, context);
}

/** Of a version of others that is as asked, a creation says nothing of latest. */
function adopting(pair: ImageVersionPair): ImageVersionPair {
  const requests = Object.entries(pair.record.requests).map(([id, request]) => {
    const { creates, release: _, ...adopts } = request;
    return [id, creates === true ? adopts : request] as const;
  });
  return {
    ...pair,
    record: { ...pair.record, requests: Object.fromEntries(requests) },
  };
}

/** Why ARM has given the version up. */
export type OperationReason = {
  readonly code: string;
  readonly message: string;
};

/** The operations that a fact ends, and why. Deletions and restores see to themselves (steps/). */
function failuresBy(
  record: ImageVersionRecord,
  fact: Fact,
): readonly (readonly [string, OperationFailure])[] {
  const { life, others, write } = fact;
  const open = openRequests(record).filter(
    ([, { deletion, release, appliedTime }]) =>
      deletion === undefined ||
      (life === "same" &&
        release !== undefined &&
        appliedTime !== undefined &&
        deletion.sentTime === undefined),
  );
  if (life === "gone") return open.map(([id]) => [id, GONE] as const);
  const { status } = record;
  return open.flatMap(([id, request]) => {
    const failure =
      (status && otherLife(record, request, status, fact)) ??
      overruled(record, request, others) ??
      (write?.fate === "notShown" &&
      write.sentFor.includes(id) &&
      !isApplied(record, request)
        ? notShown(record, request)
        : undefined);
    return failure === undefined ? [] : [[id, failure] as const];
  });
}

/** Invariant 4. */
function otherLife(
  record: ImageVersionRecord,
  request: VersionRequest,
  look: Look,
  { life, write }: Pick<Fact, "life" | "write">,
): OperationFailure | undefined {
  // A number of which nothing was known: others have made the version.
  if (
    life === "begun" &&
    write?.fate !== "shown" &&
    record.write === undefined &&
    request.creates === true
  ) {
    const unmet = unmetBy(factsIn(look.resource), withoutOwn(request.patch));
    return unmet.length === 0
      ? undefined
      : existsOtherwise(record, request, unmet);
  }
  const isAnother =
    life === "replaced" ||
    (request.life !== undefined &&
      isOtherLife({ publishedDate: request.life }, look));
  return isAnother
    ? {
        code: "ReplacedOutside",
        message: `${record.resourceId} was deleted and created again after this request: the version that Azure has under this number now, published ${look.publishedDate}, is another one. It was left as it is. GET it, and send the request again if it is meant for that version.`,
        errors: [],
      }
    : undefined;
}

function existsOtherwise(
  { resourceId }: ImageVersionRecord,
  request: VersionRequest,
  unmet: readonly Unmet[],
): OperationFailure {
  return {
    code: "ImageVersionExists",
    message: `${resourceId} exists in Azure already, was not made by this request, and differs from it. Sigil writes nothing to it. Send the request with If-Match to change it, or use another version name.`,
    errors: unmet.map((one) =>
      differs(one, bodyOf(request), "ReadBackMismatch"),
    ),
  };
}

/** Invariant 3. */
function overruled(
  record: ImageVersionRecord,
  request: VersionRequest,
  others: readonly Unmet[],
): OperationFailure | undefined {
  if (others.length === 0) return undefined;
  const { deletion, appliedTime } = request;
  // A guarded deletion needs the version out of latest until its DELETE is sent.
  const asked =
    deletion === undefined
      ? askedOf(record, request)
      : flagsFor([], regionsHad(record));
  const isDone = appliedTime !== undefined && deletion === undefined;
  const own = regionsOfRequest(request);
  const lost = lostIn(others).filter((name) => own.includes(name));
  const changed = others.filter(({ field, after }) => {
    const region = regionOf(field);
    if (
      isDone &&
      (region === undefined || !own.includes(region) || isFlag(field))
    )
      return false;
    return (
      field in asked &&
      asked[regionField(region ?? "")] !== null &&
      !sameAt(field, asked[field] ?? undefined, after ?? undefined)
    );
  });
  const all = [
    ...changed,
    ...others.filter(
      ({ field }) =>
        lost.includes(regionOf(field) ?? "") &&
        field.endsWith("/name") &&
        !changed.some((one) => one.field === field),
    ),
  ];
  if (all.length === 0) return undefined;
  const errors = all.map(({ field, after }) =>
    differs(
      { field, before: after ?? undefined, after: asked[field] ?? null },
      bodyOf(request),
      "ChangedOutside",
    ),
  );
  return {
    code: "ChangedOutside",
    message: `Somebody else has changed the version in Azure meanwhile: nothing is written over that. ${errors[0]?.message} GET the version, and send the request again if it is still meant.`,
    errors,
  };
}

function notShown(
  record: ImageVersionRecord,
  request: VersionRequest,
): OperationFailure {
  const facts = record.status ? factsIn(record.status.resource) : {};
  const errors = unmetBy(facts, askedOf(record, request)).map((one) =>
    differs(one, bodyOf(request), "NotShown"),
  );
  return {
    code: "NotShown",
    message: `Azure has accepted the request, and does not show it. ${errors[0]?.message ?? ""} A policy, or somebody else, may have changed it back: find out, then send the request again.`,
    errors,
  };
}

function bodyOf({ body }: VersionRequest): ImageVersionRequest {
  return body ?? ({ properties: {} } as ImageVersionRequest);
}

function withoutOwn(patch: Patch): Patch {
  return Object.fromEntries(
    Object.entries(patch).filter(([field]) => !isOwn(field)),
  );
}

/** All that one request asks of Azure, with the flags that it sets. */
function askedOf(
  record: ImageVersionRecord,
  { patch, release }: VersionRequest,
): Patch {
  const own = withoutOwn(patch);
  if (release === undefined) return own;
  const regions = record.status ? regionsHad(record) : regionsIn(patch);
  const wish = desired(record).release ?? record.release;
  return wish === undefined
    ? own
    : { ...own, ...flagsFor(releasedIn(wish, regions), regions) };
}

function regionsHad({ status }: ImageVersionRecord): readonly string[] {
  return status ? regionsIn(factsIn(status.resource)) : [];
}

function isApplied(
  record: ImageVersionRecord,
  request: VersionRequest,
): boolean {
  const { status } = record;
  return (
    status !== undefined &&
    unmetBy(factsIn(status.resource), askedOf(record, request)).length === 0 &&
    (removedBy(request.patch).length === 0 || !mustShut(record))
  );
}

/** Invariant 1. */
function withApplications(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  if (record.status === undefined || record.unconfirmed !== undefined)
    return pair;
  const applied = unapplied(record).filter(([, request]) =>
    isApplied(record, request),
  );
  return applied.reduce(
    (next, [id, request]) => withApplication(next, id, request, context),
    pair,
  );
}

function withApplication(
  pair: ImageVersionPair,
  id: string,
  request: VersionRequest,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const { status, publishedDate, spec } = record;
  const facts = status ? factsIn(status.resource) : {};
  const isKept = request.body !== undefined && request.decided === undefined;
  const release =
    request.release === undefined ? undefined : desired(record).release;
  const gone =
    request.sent === true
      ? removedBy(request.patch).filter(
          (name) => !regionsIn(facts).includes(name),
        )
      : [];
  const appliedTime = context.now.toISOString();
  return {
    ...pair,
    record: {
      ...record,
      ...(isKept && {
        spec: withApplied(spec, {
          ...joining(request, facts),
          ...withoutFlags(request.patch),
        }),
      }),
      ...(release && { release }),
      // What is asked to be away is not lost.
      repairs: Object.fromEntries(
        Object.entries(record.repairs).filter(
          ([name]) => !removedBy(request.patch).includes(name),
        ),
      ),
      requests: {
        ...record.requests,
        [id]: {
          ...request,
          appliedTime,
          ...(publishedDate !== undefined && { life: publishedDate }),
          ...(request.life !== undefined && { life: request.life }),
        },
      },
      outbox: [...record.outbox, ...removals(pair, id, gone, context)],
    },
  };
}

/** What a whole body says, and the fact shows, is Sigil's from now on. */
function joining({ body, adopts }: VersionRequest, facts: Fields): Patch {
  if (body === undefined || adopts !== true) return {};
  return withoutFlags(
    Object.fromEntries(
      Object.entries(fieldsOf(body)).filter(
        ([field, value]) =>
          !isOwn(field) && sameAt(field, valueAt(facts, field), value),
      ),
    ),
  );
}

function removals(
  { record, operation }: ImageVersionPair,
  id: string,
  removed: readonly string[],
  context: TransitionContext,
): Effect[] {
  const asks = [operation, ...record.members].find((one) => one.id === id);
  return asks === undefined
    ? []
    : removed.map((region) =>
        event(
          asks,
          context,
          IMAGE_VERSION_EVENT.regionRemoved,
          `${region}/removed`,
          { region },
        ),
      );
}

/** Ends every operation that nothing is to be waited for; the last one ends the record's work. */
function settle(
  pair: ImageVersionPair,
  reason: OperationReason | undefined,
  context: TransitionContext,
): ImageVersionPair {
  let settled = pair;
  for (const operation of [pair.operation, ...pair.record.members]) {
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
  if (isLast && isRepairing(record)) return undefined; // Invariant 5.
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

/** Regions that a request is about. */
function regionsOfRequest({
  patch,
  body,
  release,
}: VersionRequest): readonly string[] {
  const named = release?.kind === "include" ? (release.regions ?? []) : [];
  return [
    ...regionsIn(body === undefined ? patch : { ...fieldsOf(body), ...patch }),
    ...named,
  ];
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
  const { [operationId]: _, ...requests } = pair.record.requests;
  const without = { ...pair, record: { ...pair.record, requests } };
  if (pair.record.members.length > 0)
    return withoutUnsent(endOne(without, operationId, ending, context));
  return advance(without, context, {
    patch: { state: END_STATES[ending.status] },
    ending: () => ending,
  });
}

/** A region that was asked for and never sent is nobody's once its operation has ended. */
function withoutUnsent(pair: ImageVersionPair): ImageVersionPair {
  const { record, operation } = pair;
  const wanted = [operation, ...record.members].flatMap(({ regions }) =>
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

/** Ends an operation as it is decided, at once or, as the last one, once the version is left as it should be. Invariant 5. */
export function endDecided(
  given: ImageVersionPair,
  operationId: string,
  decided: DecidedEnd,
  context: TransitionContext,
): ImageVersionPair {
  const pair = keepingProtection(given, operationId);
  const { record } = pair;
  const operation = [pair.operation, ...record.members].find(
    ({ id }) => id === operationId,
  );
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
  const isCanceled = decided.kind === "canceled";
  return advance(
    {
      ...pair,
      // The last of the record: it has no other operation.
      operation: {
        ...operation,
        ...(isCanceled && { canceledBy: decided.by }),
      },
      record: {
        ...record,
        requests: {
          ...record.requests,
          [operationId]: { ...kept, patch: {}, decided },
        },
      },
    },
    context,
    {
      patch: {},
      state: isCanceled ? "Canceling" : "Failing",
      message: `${isCanceled ? "Canceled." : sentence(decided.message)} It ends once regions removed for a repair are added back.`,
      concerns: [operationId],
      waitMs: 0,
    },
  );
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
