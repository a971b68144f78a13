/** How the operations of a version end, each in its own way, once Azure shows what they ask. Pure. */
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
import {
  sequenceOf,
  type Effect,
  type OperationFailure,
  type OperationRecord,
  type RegionRecord,
} from "../../operation/records.js";
import {
  fieldsOf,
  nameIn,
  pointerTo,
  regionField,
  regionOf,
  regionsIn,
  removedBy,
} from "../properties/fields.js";
import { withApplied, type Patch } from "../properties/patch.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../properties/table.js";
import { isOfOtherLife, madeAgain } from "./adoption.js";
import { overtakeQueued } from "./demoting.js";
import { isGuarding } from "./guarding.js";
import { rolloutAfter } from "./held.js";
import { lossOf, sentence, whyNotRepaired } from "./repairs.js";
import {
  batchOf,
  type Attempt,
  type ImageVersionPair,
  type ImageVersionRecord,
  type Repair,
  type VersionRequest,
} from "./record.js";
import {
  askedAnew,
  awaitedByRule,
  isDecidedByHand,
  isIncludedAsBy,
  isToBePromoted,
  keptOf,
  lastingIn,
  openRequests,
  presentRule,
  protectedBefore,
  ruleAskedBy,
  unmetRequests,
  wantedBy,
  withProtection,
} from "./wanted.js";
import { hasFailed, type Look } from "../resources.js";

/** Azure shows all that the batch asks, at once: that is what is applied from now on. */
export function latch(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const batch = batchOf(record);
  if (batch.length === 0) return pair;
  const time = context.now.toISOString();
  const applied = appliedAfter(record, batch);
  const {
    doubt: _,
    unmanaged,
    excludedByCancel: __,
    overriddenRule,
    ...kept
  } = record;
  const { publishedDate } = record;
  const life = publishedDate !== undefined && { publishedDate };
  const anew = askedAnew(record);
  const overridden =
    overridesRule(record) ||
    anew?.heldBack === true ||
    isIncludedAsBy(presentRule(record), record.observed)
      ? presentRule(record)
      : anew === undefined
        ? overriddenRule
        : undefined;
  const [demotionId, demotion] =
    batch.findLast(
      ([, request]) =>
        isDecidedByHand(request) &&
        request.changes[EXCLUDE_FROM_LATEST] === true,
    ) ?? [];
  const latched: ImageVersionPair = {
    ...pair,
    record: {
      ...kept,
      exists: true,
      rewrites: 0,
      // What is asked to be away is not lost.
      repairs: Object.fromEntries(
        Object.entries(record.repairs).filter(
          ([name, { lost }]) =>
            lost === undefined ||
            !batch.some(([, { changes }]) => removedBy(changes).includes(name)),
        ),
      ),
      // What a caller asks to be open is no longer Sigil's to shut.
      opened: record.opened && wantedBy(record)[ALLOW_DELETION] !== true,
      // In latest, its rule has nothing left to do; held back, it is promoted by hand or by a new rule alone.
      ...(overridden !== undefined && { overriddenRule: overridden }),
      ...rolloutAfter(record),
      ...applied,
      ...(applied.lastApplied === undefined && unmanaged && { unmanaged }),
      requests: Object.fromEntries(
        Object.entries(record.requests).map(([id, request]) => [
          id,
          request.appliedTime === undefined
            ? {
                ...request,
                ...life,
                ...(request.removing && {
                  removing: request.decided ? goneOf(record, request) : [],
                }),
                appliedTime: time,
              }
            : request,
        ]),
      ),
      outbox: [
        ...record.outbox,
        ...batch.flatMap(([id, request]) =>
          removals(
            pair,
            id,
            // What the version never had is not removed.
            [
              ...removedBy(request.changes).filter((name) =>
                record.goneRegions?.includes(name),
              ),
              ...goneOf(record, request),
            ],
            context,
          ),
        ),
      ],
    },
  };
  return demotionId === undefined || demotion === undefined
    ? latched
    : overtakeQueued(latched, demotionId, demotion, context);
}

/** Azure shows what the batch asks: that is applied, and who says next what shall be in latest may say something new. */
function appliedAfter(
  record: ImageVersionRecord,
  batch: ReturnType<typeof batchOf>,
): Pick<
  ImageVersionRecord,
  "lastApplied" | "lastAttempt" | "excludedByCancel"
> {
  const { lastApplied, lastAttempt, excludedByCancel } = record;
  const isAsked = batch.some(
    ([, { byHand, decided }]) => byHand !== true && decided === undefined,
  );
  const asked = isAsked ? lastingIn(record) : {};
  const isHeldBack = batch.some(
    ([, { decided, guard, changes }]) =>
      decided !== undefined &&
      guard === undefined &&
      EXCLUDE_FROM_LATEST in changes,
  );
  const applied = isAsked
    ? withApplied(lastApplied ?? protectedBefore(record), asked)
    : lastApplied;
  return {
    ...(applied && { lastApplied: applied }),
    ...(lastAttempt && { lastAttempt: overtaken(lastAttempt, asked) }),
    ...((isHeldBack ||
      (excludedByCancel === true &&
        !(EXCLUDE_FROM_LATEST in asked) &&
        !batch.some(
          ([, { changes, decided }]) =>
            decided === undefined && EXCLUDE_FROM_LATEST in changes,
        ))) && {
      excludedByCancel: true,
    }),
  };
}

/** What is applied later counts over what was sent, though it may be applied without an update. */
function overtaken(sent: Attempt, by: Patch): Attempt {
  const { asked = {}, before } = sent;
  return {
    ...sent,
    asked: Object.fromEntries(
      Object.entries(asked).filter(
        ([name]) =>
          nameIn(by, name) === undefined &&
          by[regionField(regionOf(name) ?? "")] !== null,
      ),
    ),
    ...(before && { before: overtaken(before, by) }),
  };
}

/** The batch decides what is latest: a rule of before promotes the version no more, unless another still asks for one, or one is asked after that. */
function overridesRule(record: ImageVersionRecord): boolean {
  const batch = batchOf(record);
  const lastThat = (is: (request: VersionRequest) => boolean): number =>
    Math.max(0, ...batch.map(([id, one]) => (is(one) ? sequenceOf(id) : 0)));
  const decides = lastThat(
    (request) =>
      isDecidedByHand(request) ||
      (request.changes[EXCLUDE_FROM_LATEST] === true &&
        (request.decided === undefined ||
          !openRequests(record).some(
            ([, other]) => ruleAskedBy(other) !== undefined,
          ))),
  );
  return (
    decides > 0 &&
    decides >= lastThat(({ changes }) => changes[PROMOTION] != null)
  );
}

/** Told of the operation that asks for the removal, or had asked for it before it was canceled, or failed. */
function removals(
  { record, operation }: ImageVersionPair,
  id: string,
  removed: readonly string[],
  context: TransitionContext,
): Effect[] {
  const asks = [operation, ...record.members].find((one) => one.id === id);
  return asks === undefined
    ? []
    : [...new Set(removed)].map((region) =>
        event(
          asks,
          context,
          IMAGE_VERSION_EVENT.regionRemoved,
          `${region}/removed`,
          { region },
        ),
      );
}

/** Regions that Azure has removed, whatever has become of the operation that had asked for it. */
function goneOf(
  { observed }: ImageVersionRecord,
  { removing = [] }: VersionRequest,
): readonly string[] {
  const there =
    observed === undefined ? [] : regionsIn(fieldsOf(observed.resource));
  return removing.filter((name) => !there.includes(name));
}

/** Ends every operation that nothing is to be waited for; the last one ends the record's work. */
export function settle(
  pair: ImageVersionPair,
  look: Look,
  failure: { readonly code: string; readonly message: string } | undefined,
  context: TransitionContext,
): ImageVersionPair {
  let settled = pair;
  for (const operation of [pair.operation, ...pair.record.members]) {
    const ending = endingOf(settled.record, operation, look, failure, context);
    if (ending !== undefined)
      settled = endOperation(settled, operation.id, ending, context);
  }
  return settled;
}

const END_STATES = {
  Succeeded: "Succeeded",
  Failed: "Failed",
  Canceled: "Canceled",
} as const;

/** Ends one that has begun; where it is the last, the record's state says how it ended. */
export function endOperation(
  pair: ImageVersionPair,
  operationId: string,
  ending: Ending,
  context: TransitionContext,
): ImageVersionPair {
  const { [operationId]: request, ...requests } = pair.record.requests;
  const record = withProtection(pair.record, request);
  // Nobody has stayed to see all that it had asked.
  const removed =
    request === undefined || request.appliedTime !== undefined
      ? []
      : goneOf(record, request);
  const without = {
    ...pair,
    record: {
      ...record,
      ...keptOf(record, operationId),
      requests,
      outbox: [
        ...record.outbox,
        ...removals(pair, operationId, removed, context),
      ],
    },
  };
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

function endingOf(
  record: ImageVersionRecord,
  operation: OperationRecord,
  look: Look,
  failure: { readonly code: string; readonly message: string } | undefined,
  context: TransitionContext,
): Ending | undefined {
  const request = record.requests[operation.id];
  if (request?.appliedTime === undefined || isGuarding(request))
    return undefined;
  const own = regionsOf(operation, record.regions);
  const isAway = ({ removed }: Repair): boolean => removed !== undefined;
  if (request.decided !== undefined)
    return decidedEnding(operation, request, own, context);
  if (isOfOtherLife(record, request, look))
    return failed(operation, madeAgain(record, look), record.regions, context);
  const open = own.filter(
    ({ name, state, doubt }) =>
      (state !== "Completed" && state !== "Failed") ||
      doubt !== undefined ||
      record.repairs[name]?.removed !== undefined ||
      (state === "Failed" && record.repairs[name]?.dueTime !== undefined),
  );
  if (open.length > 0) return undefined;
  // Once the second look shows it, this operation tells it.
  if (
    record.regions.some(
      ({ name, doubt }) => doubt?.state === "Failed" && hasFailed(look, name),
    )
  )
    return undefined;
  // Nobody else would see to it that it is added back.
  if (record.members.length === 0 && Object.values(record.repairs).some(isAway))
    return undefined;
  const lost = own.filter(({ state }) => state === "Failed");
  if (lost.length > 0)
    return failed(
      operation,
      replicationFailure(request, lost, failure, record.repairs),
      record.regions,
      context,
    );
  if (
    own.length > 0 &&
    look.provisioningState === "Failed" &&
    isWhole(record, own, look)
  )
    return failed(
      operation,
      replicationFailure(request, [], failure),
      record.regions,
      context,
    );
  if (ruleAskedBy(request) === undefined)
    return success(operation, own, record.regions, context);
  // The version was excluded for one that was canceled, or somebody decides by hand, and may take that back.
  if (
    isToBePromoted(record, look) ||
    unmetRequests(record).some(isDecidedByHand)
  )
    return undefined;
  const rule = awaitedByRule(record, look);
  if (rule.awaited.length > 0) return undefined;
  return rule.lost.length > 0
    ? failed(operation, ruleFailure(rule.lost), record.regions, context)
    : success(operation, own, record.regions, context);
}

/** ARM has given the version up though each of its regions has its copy: nothing would ever come after that. */
function isWhole(
  { regions }: ImageVersionRecord,
  own: readonly RegionRecord[],
  look: Look,
): boolean {
  const isOwn = (name: string): boolean => own.some((one) => one.name === name);
  return (
    (own.length === regions.length ||
      regions.every(({ state }) => state === "Completed")) &&
    // A region that nobody has asked of Sigil has failed.
    !look.regions.some(({ name }) => !isOwn(name) && hasFailed(look, name))
  );
}

/** How an operation ends whose end is decided already. */
export function decidedEnding(
  operation: OperationRecord,
  { decided, removing = [] }: VersionRequest,
  own: readonly RegionRecord[],
  context: TransitionContext,
): Ending | undefined {
  if (decided === undefined) return undefined;
  if (decided.kind === "canceled")
    return cancellation(
      operation,
      `${
        removing.length > 0
          ? `Azure keeps the version, and had removed ${removing.join(", ")} before: a PUT that names a region adds it again.`
          : "Azure keeps the version. If it was being created, it is excluded from latest: promote it to include it."
      }${lossOf(decided)}`,
      decided.by,
      context,
    );
  const { code, message: reason, errors } = decided;
  const loss = lossOf(decided);
  const message = loss === "" ? reason : `${sentence(reason)}${loss}`;
  return failed(operation, { code, message, errors }, own, context);
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
      {
        regions: outcomes(own),
      },
    ),
  };
}

/** The operation's own regions are ready; others that its rule waits for never will be. */
function ruleFailure(lost: readonly string[]): OperationFailure {
  const names = lost.join(", ");
  const message = `The promotion rule waits for ${names}, where the version is not usable: it stays excluded from latest. Promote it by hand, or retry ${names}: once it is ready there, the rule includes it.`;
  return {
    code: "ReplicationFailed",
    message,
    errors: [{ code: "RegionFailed", pointer: PROMOTION, message }],
  };
}

function replicationFailure(
  { body }: VersionRequest,
  lost: readonly RegionRecord[],
  failure: { readonly code: string; readonly message: string } | undefined,
  repairs: ImageVersionRecord["repairs"] = {},
): OperationFailure {
  const errors = lost.map((region): Finding => ({
    code: failure?.code ?? "RegionFailed",
    pointer: pointerTo(body ?? {}, regionField(region.name)),
    message: `Replication to ${region.name} failed: ${region.details ?? failure?.message ?? "Azure gave no reason"}`,
  }));
  const refused = lost.flatMap(({ name }) => repairs[name]?.refused ?? []);
  const whys = lost.map(({ name }) => {
    const findings = repairs[name]?.refused;
    return findings ? ` ${whyNotRepaired(name, findings)}` : "";
  });
  if (lost.length === 0 && failure !== undefined)
    errors.push({ code: failure.code, pointer: "", message: failure.message });
  return {
    code: "ReplicationFailed",
    message: `${lost.length === 0 ? "Every region has its copy, but the version's provisioning state is Failed." : `The version is not usable in ${lost.map((region) => region.name).join(", ")}.`}${failure === undefined ? "" : ` Azure Resource Manager says: ${refused.length === 0 ? failure.message : sentence(failure.message)}`}${whys.join("")}`,
    errors: [...errors, ...refused],
  };
}
