/**
 * How an operation on a version is accepted: it begins at once, beside all that have. Pure. Invariants:
 *  1. Of two operations about latest the later takes over: what else the earlier asks stays; one that asked nothing else is
 *     Superseded.
 *  2. What an operation says settles the conditions of those fields.
 *  3. What holds from acceptance (the end of a rule) is stored with it.
 */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import { failure as failed } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  newRecord,
  operationIdOf,
  type Effect,
  type EventReference,
  type OperationRecord,
  type Requester,
  type SoftDeleteRecord,
} from "../../operation/records.js";
import type { PromotionRule } from "../contract.js";
import { testedRow } from "../listings.js";
import { fieldsOf } from "../properties/fields.js";
import { withApplied } from "../properties/patch.js";
import { PROMOTION } from "../properties/table.js";
import { released, type ReleaseChange } from "../latest/release.js";
import type { Look } from "../resources.js";
import { openRequests, regionsAfter, ruleOf, withoutGone } from "./fold.js";
import { gone } from "./observe.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
  VersionState,
} from "./record.js";
import { see } from "./see.js";
import { isFinal } from "./states.js";
import { deletedOutside, settled, telling } from "./told.js";
import { unseen } from "./write.js";

export type ImageVersionOperationKind =
  | "CreateImageVersion"
  | "UpdateImageVersion"
  | "RetryImageVersion"
  | "PromoteImageVersion"
  | "DemoteImageVersion"
  | "DeleteImageVersion"
  | "RestoreImageVersion";

/** What is asked of a version, and by whom. */
export interface Accepting {
  readonly kind: ImageVersionOperationKind;
  readonly key: string;
  readonly resourceId: string;
  readonly request: VersionRequest;
  /** Canonical names of the regions that the operation is about. */
  readonly regions: readonly string[];
  readonly fingerprint: string;
  readonly requestedBy: Requester;
  readonly traceparent: string;
  readonly requestKey?: string;
  readonly event?: EventReference;
  /** Of a deletion, whether it can be undone. */
  readonly softDelete?: SoftDeleteRecord;
  /** What Azure shows; absent: no version, or it could not be asked. */
  readonly look?: Look;
  /** True where a person decides where the version is in latest, in other regions than its rule's next: the rule ends. */
  readonly endsRule?: true;
}

/** A version of which nothing is known yet. `time` is RFC 3339. */
export function emptyRecord(
  key: string,
  resourceId: string,
  time: string,
): ImageVersionRecord {
  return {
    ...newRecord({ key, resourceId, state: "Accepted", sequence: 0 }, time),
    lastSequence: 0,
    requests: {},
    repairs: {},
    conditions: [],
    updates: 0,
    encryptionTypes: {},
    dataDiskLuns: [],
  };
}

const FIRST_STATES: Readonly<
  Partial<Record<ImageVersionOperationKind, VersionState>>
> = {
  DeleteImageVersion: "DeletionRequested",
  RestoreImageVersion: "RestoreRequested",
};

/** The operation is stored, and begins: `accepted` is it, the pair's operation the one whose messages drive them all. */
export function accept(
  asked: Accepting,
  known: ImageVersionPair | undefined,
  context: TransitionContext,
  warnings: readonly Finding[] = [],
): ImageVersionPair & { readonly accepted: OperationRecord } {
  const stored = known && asSeen(known, asked, context);
  const previous =
    stored?.record ??
    emptyRecord(asked.key, asked.resourceId, context.now.toISOString());
  const sequence = previous.lastSequence + 1;
  const operation: OperationRecord = {
    ...operationOf(asked, sequence, context),
    ...(warnings.length > 0 && { warnings }),
  };
  const effects = [
    indexed(operation, context),
    ...heldRow(asked.resourceId, ruleOf(asked.request.patch)),
    acceptedEvent(operation, asked, context),
  ];
  const isFirst = stored === undefined || isFinal(stored.record.state);
  if (isFirst) {
    const state = FIRST_STATES[asked.kind] ?? "Accepted";
    const record = withRequest(
      { ...idle(previous), state, sequence, lastSequence: sequence },
      operation.id,
      asked,
      context,
    );
    const pair = advance(
      { record, operation: withRegions(operation, record) },
      context,
      {
        patch: { state },
        message: "The request is stored and its work is queued.",
        ...untilQuiet(record, context),
        effects,
      },
    );
    return { ...pair, accepted: pair.operation };
  }
  const record = withRequest(
    { ...stored.record, lastSequence: sequence },
    operation.id,
    asked,
    context,
  );
  const member: OperationRecord = {
    ...withRegions(operation, record),
    history: [
      {
        time: context.now.toISOString(),
        state: "Accepted",
        message:
          "The request is stored. It goes with the next update of the version.",
      },
    ],
  };
  const pair: ImageVersionPair = {
    ...stored,
    record: {
      ...record,
      members: [...record.members, member],
      outbox: [...record.outbox, ...effects],
    },
    beside: [member],
  };
  const alone = withoutOvertaken(pair, operation.id, asked, context);
  return { ...nextStep(alone, context), accepted: member };
}

/**
 * What others have changed of an idle version before a person's request is no contradiction to it: it was asked of that. To what a
 * machine asks it is: the next step finds it.
 */
function asSeen(
  stored: ImageVersionPair,
  { look, request }: Accepting,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = stored;
  if (!isFinal(record.state) || request.machine === true) return stored;
  if (look !== undefined) return see(stored, look, context).pair;
  if (request.creates !== true) return stored;
  const { spec, release: _, ...without } = gone(record, context);
  const isTold = record.status !== undefined && spec !== undefined;
  return telling(
    { ...stored, record: without },
    isTold ? [deletedOutside(stored.operation, undefined, context)] : [],
  );
}

/** The next step comes at once, but where the answer to a PUT or DELETE is awaited, which is a step itself. */
function nextStep(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const isUnanswered = record.write?.answer === "none";
  const isDue =
    Date.parse(record.dueTime) <= context.now.getTime() &&
    record.state !== "Replicating";
  return isUnanswered || isDue || record.state === "Deleting"
    ? pair
    : advance(pair, context, { patch: {}, ...untilQuiet(record, context) });
}

/** A version as an operation begins on it that nothing works on: what the one before counted is over. */
function idle(previous: ImageVersionRecord): ImageVersionRecord {
  const { window: _, ...record } = previous;
  return {
    ...record,
    members: [],
    requests: {},
    ticks: 0,
    resends: 0,
    // Repairs are counted by operation; what is taken away is still to be added back.
    repairs: Object.fromEntries(
      Object.entries(previous.repairs)
        .filter(([, { removed }]) => removed !== undefined)
        .map(([name, { removed, lost }]) => [
          name,
          { attempts: 0, ...(removed && { removed }), ...(lost && { lost }) },
        ]),
    ),
    // What was asked for and never sent is not in the version.
    regions:
      previous.status === undefined
        ? []
        : previous.regions.filter(({ attempts }) => attempts > 0),
  };
}

/** Fields that it says, whether or not Azure shows them already. */
function saidBy({ patch, body, adopts }: VersionRequest): readonly string[] {
  return Object.keys({
    ...(adopts === true && body && fieldsOf(body)),
    ...patch,
  });
}

/** Invariants 2 and 3. */
function withRequest(
  record: ImageVersionRecord,
  operationId: string,
  { request, regions, endsRule }: Accepting,
  { now }: TransitionContext,
): ImageVersionRecord {
  const known = record.regions.map(({ name }) => name);
  const retried = request.retries ?? [];
  const { spec } = record;
  return {
    ...record,
    ...(spec &&
      endsRule === true && { spec: withApplied(spec, { [PROMOTION]: null }) }),
    // A person's word on latest counts over what had failed until then.
    ...(request.release !== undefined &&
      request.machine !== true &&
      record.rollout && {
        rollout: { ...record.rollout, goTime: now.toISOString() },
      }),
    requests: { ...record.requests, [operationId]: request },
    conditions: settled(
      record.conditions,
      saidBy(request),
      request.machine !== true &&
        (request.release !== undefined || PROMOTION in request.patch),
    ),
    regions: [
      ...withoutGone(record.regions, request.patch).map(
        // What is asked now is doubted by looks from now on.
        ({ doubt: _, ...region }) =>
          retried.includes(region.name)
            ? { ...region, state: "Failed" as const }
            : region,
      ),
      ...regions.filter((name) => !known.includes(name)).map(unseen),
    ],
    repairs: {
      ...record.repairs,
      ...Object.fromEntries(
        retried.map((name) => {
          const { removed } = record.repairs[name] ?? {};
          return [
            name,
            {
              attempts: 0,
              ...(removed ? { removed } : { dueTime: now.toISOString() }),
            },
          ];
        }),
      ),
    },
  };
}

/** Invariant 1. */
function withoutOvertaken(
  pair: ImageVersionPair,
  by: string,
  { request: { release } }: Accepting,
  context: TransitionContext,
): ImageVersionPair {
  if (release === undefined) return pair;
  let next = pair;
  for (const [id, request] of openRequests(pair.record)) {
    if (id === by) continue;
    if (request.deletion?.before !== undefined) {
      next = withRequestOf(next, id, givingBack(pair.record, request, release));
      continue;
    }
    if (
      request.release === undefined ||
      request.creates === true ||
      request.appliedTime !== undefined ||
      request.deletion !== undefined
    )
      continue;
    const { release: _, ...kept } = request;
    const isEmpty =
      Object.keys(request.patch).length === 0 && request.body === undefined;
    next = withRequestOf(next, id, kept);
    const operation = [next.operation, ...next.record.members].find(
      (one) => one.id === id,
    );
    if (isEmpty && operation !== undefined)
      next = endOne(
        without(next, id),
        id,
        failed(operation, supersededBy(by), [], context),
        context,
      );
  }
  return next;
}

function withRequestOf(
  pair: ImageVersionPair,
  id: string,
  request: VersionRequest,
): ImageVersionPair {
  const { record } = pair;
  const requests = { ...record.requests, [id]: request };
  return { ...pair, record: { ...record, requests } };
}

/** A guarded deletion that comes to nothing gives back what was asked since. */
function givingBack(
  record: ImageVersionRecord,
  { deletion: { before, ...deletion } = {}, ...request }: VersionRequest,
  change: ReleaseChange,
): VersionRequest {
  const after = before && released(before, change, regionsAfter(record, {}));
  return {
    ...request,
    deletion: {
      ...deletion,
      ...(after && after.in !== "none" && { before: after }),
    },
  };
}

function without(pair: ImageVersionPair, id: string): ImageVersionPair {
  const { [id]: _, ...requests } = pair.record.requests;
  return { ...pair, record: { ...pair.record, requests } };
}

function supersededBy(operationId: string) {
  return {
    code: "Superseded",
    message: `Operation ${operationId} says otherwise where the version is in latest: it was accepted later.`,
    errors: [],
  };
}

function withRegions(
  operation: OperationRecord,
  { regions }: ImageVersionRecord,
): OperationRecord {
  return {
    ...operation,
    regions: operation.regions.map(
      ({ name }) => regions.find((one) => one.name === name) ?? unseen(name),
    ),
  };
}

/** An operation as it is accepted. */
function operationOf(
  {
    kind,
    key,
    resourceId,
    regions,
    fingerprint,
    requestedBy,
    traceparent,
    requestKey,
    event: request,
    softDelete,
  }: Accepting,
  sequence: number,
  { now }: TransitionContext,
): OperationRecord {
  const time = now.toISOString();
  return {
    id: operationIdOf({ key, sequence }),
    kind,
    status: "NotStarted",
    resourceId,
    fingerprint,
    createdTime: time,
    lastUpdatedTime: time,
    requestedBy,
    ...(requestKey !== undefined && { requestKey }),
    ...(request !== undefined && { request }),
    ...(softDelete && { softDelete }),
    traceparent,
    regions: regions.map(unseen),
    history: [],
  };
}

/** A version that has a rule is looked after by src/rollout from the beginning. */
export function heldRow(
  resourceId: string,
  rule: PromotionRule | undefined,
): Effect[] {
  return rule === undefined || rule.when === "manual"
    ? []
    : [{ kind: "index", put: [testedRow(resourceId)], remove: [] }];
}

function acceptedEvent(
  operation: OperationRecord,
  { regions, event: request }: Accepting,
  context: TransitionContext,
): Effect {
  return event(operation, context, IMAGE_VERSION_EVENT.accepted, "accepted", {
    kind: operation.kind,
    requestedBy: operation.requestedBy,
    targetRegions: [...regions],
    ...(request !== undefined && { request }),
  });
}

/** Until a PUT without an answer can no longer be under way, and ARM takes the next; and why, where that is still to come. */
export function untilQuiet(
  {
    write,
    throttledUntil,
  }: Pick<ImageVersionRecord, "write" | "throttledUntil">,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): { readonly waitMs: number; readonly waits?: string } {
  const sentMs =
    write?.answer === "none"
      ? Date.parse(write.sentTime) + pace.putTimeoutMs * 2 - now.getTime()
      : 0;
  const throttledMs = Date.parse(throttledUntil ?? "") - now.getTime();
  if (throttledMs > Math.max(0, sentMs))
    return {
      waitMs: throttledMs,
      waits:
        "Azure Resource Manager has asked Sigil to wait before the next request.",
    };
  return sentMs > 0
    ? {
        waitMs: sentMs,
        waits:
          "What an earlier operation sent to Azure Resource Manager may still be under way.",
      }
    : { waitMs: 0 };
}
