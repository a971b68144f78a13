/**
 * How an operation on a version is accepted: it begins at once, beside all that have. Pure. Invariants:
 *  1. What an operation says settles the conditions of those fields.
 *  2. What holds from acceptance (the end of a rule) is stored with it.
 */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  operationIdOf,
  type Effect,
  type EventReference,
  type OperationRecord,
  type Requester,
  type SoftDeleteRecord,
} from "../../operation/records.js";
import { nextSequence } from "../../operation/sequence.js";
import type { PromotionRule } from "../contract.js";
import { testedRow } from "../listings.js";
import { fieldsOf } from "../properties/fields.js";
import { withApplied } from "../properties/patch.js";
import { PROMOTION } from "../properties/table.js";
import type { Look } from "../resources.js";
import { ruleOf, withoutGone } from "./fold.js";
import { gone, withFact } from "./fact.js";
import {
  emptyRecord,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
  type VersionState,
} from "./record.js";
import { isFinal } from "./states.js";
import { deletedOutside, settled, telling } from "./told.js";
import { unseen } from "./write.js";
import { withoutOvertaken } from "./overtaking.js";
import { untilQuiet } from "./observe.js";

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

/** What the look of the acceptance shows is known from then on. */
function firstRecord(
  { key, resourceId, look, request }: Accepting,
  context: TransitionContext,
): ImageVersionRecord {
  const empty = emptyRecord(key, resourceId, context.now.toISOString());
  return look === undefined || request.creates === true
    ? empty
    : withFact(empty, look, context).record;
}

const FIRST_STATES: Readonly<Partial<Record<ImageVersionOperationKind, VersionState>>> = {
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
  const stored = known && asAnew(known, asked, context);
  const previous = stored?.record ?? firstRecord(asked, context);
  const sequence = nextSequence(stored?.record, context.now);
  const operation: OperationRecord = {
    ...operationOf(asked, sequence, context),
    ...(warnings.length > 0 && { warnings }),
  };
  const effects = [
    indexed(operation, context),
    ...heldRow(asked.resourceId, ruleOf(asked.request.patch)),
    acceptedEvent(operation, asked, context),
  ];
  const state = FIRST_STATES[asked.kind] ?? "Accepted";
  const isFirst = stored === undefined || isFinal(stored.record.state);
  const begun = isFirst ? { ...idle(previous), state, sequence } : previous;
  const record = withRequest({ ...begun, lastSequence: sequence }, operation.id, asked, context);
  const own = withRegions(operation, record);
  if (isFirst) {
    const pair = advance({ record, operation: own }, context, {
      patch: { state },
      message: "The request is stored and its work is queued.",
      ...untilQuiet(record, context),
      effects,
    });
    return { ...pair, accepted: pair.operation };
  }
  const member: OperationRecord = {
    ...own,
    history: [
      {
        time: context.now.toISOString(),
        state: "Accepted",
        message: "The request is stored. It goes with the next update of the version.",
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
  const alone = withoutOvertaken(
    pair,
    operation.id,
    asked.request.release,
    asked.look !== undefined,
    context,
  );
  return { ...nextStep(alone, context), accepted: member };
}

/** A creation of a version that is gone begins with nothing of what was achieved before. */
function asAnew(
  stored: ImageVersionPair,
  { look, request }: Accepting,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = stored;
  if (!isFinal(record.state) || look !== undefined || request.creates !== true) return stored;
  const { spec, release: _, ...without } = gone(record, context);
  const isTold = record.status !== undefined && spec !== undefined;
  return telling(
    { ...stored, record: without },
    isTold ? [deletedOutside(stored.operation, undefined, context)] : [],
  );
}

/** The next step comes at once, but where the answer to a PUT or DELETE is awaited, which is a step itself. */
function nextStep(pair: ImageVersionPair, context: TransitionContext): ImageVersionPair {
  const { record } = pair;
  const isUnanswered = record.write?.answer === "none";
  const isDue =
    Date.parse(record.dueTime) <= context.now.getTime() && record.state !== "Replicating";
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
      Object.entries(previous.repairs).flatMap(([name, { removed, lost }]) =>
        removed ? [[name, { attempts: 0, removed, ...(lost && { lost }) }]] : [],
      ),
    ),
    // What was asked for and never sent is not in the version.
    regions:
      previous.status === undefined ? [] : previous.regions.filter(({ attempts }) => attempts > 0),
  };
}

/** Fields that it says, whether or not Azure shows them already. */
function saidBy({ patch, body, adopts }: VersionRequest): readonly string[] {
  return Object.keys({
    ...(adopts === true && body && fieldsOf(body)),
    ...patch,
  });
}

/** Invariants 1 and 2. */
function withRequest(
  record: ImageVersionRecord,
  operationId: string,
  { kind, request, regions, endsRule }: Accepting,
  { now }: TransitionContext,
): ImageVersionRecord {
  const known = record.regions.map(({ name }) => name);
  const retried = kind === "RetryImageVersion" ? regions : [];
  const { spec } = record;
  return {
    ...record,
    ...(spec && endsRule === true && { spec: withApplied(spec, { [PROMOTION]: null }) }),
    // A person's word on latest counts over what had failed until then.
    ...(request.release !== undefined &&
      request.machine !== true &&
      record.rollout && {
        rollout: { ...record.rollout, goTime: now.toISOString() },
      }),
    requests: {
      ...record.requests,
      [operationId]: { ...request, ...(regions.length > 0 && { regions }) },
    },
    conditions: settled(
      record.conditions,
      saidBy(request),
      request.machine !== true && (request.release !== undefined || PROMOTION in request.patch),
    ),
    regions: [
      ...withoutGone(record.regions, request.patch).map(
        // What is asked now is doubted by looks from now on.
        ({ doubt: _, ...region }) =>
          retried.includes(region.name) ? { ...region, state: "Failed" as const } : region,
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

function withRegions(operation: OperationRecord, { regions }: ImageVersionRecord): OperationRecord {
  return {
    ...operation,
    regions: operation.regions.map(
      ({ name }) => regions.find((one) => one.name === name) ?? unseen(name),
    ),
  };
}

/** An operation as it is accepted. */
function operationOf(
  { key, regions, event: request, request: _, look: __, endsRule: ___, ...asked }: Accepting,
  sequence: number,
  { now }: TransitionContext,
): OperationRecord {
  const time = now.toISOString();
  return {
    ...asked,
    ...(request && { request }),
    id: operationIdOf({ key, sequence }),
    status: "NotStarted",
    createdTime: time,
    lastUpdatedTime: time,
    regions: regions.map(unseen),
    history: [],
  };
}

/** A version that has a rule is looked after by src/rollout from the beginning. */
export function heldRow(resourceId: string, rule: PromotionRule | undefined): Effect[] {
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
