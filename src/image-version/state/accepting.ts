/**
 * How an operation on a version is accepted: it begins at once, beside all that have. Pure. Invariants:
 *  1. What an operation says settles the conditions of those fields.
 *  2. What holds from acceptance (the end of a rule) is stored with it.
 */
import {
  operationIdOf,
  type EventReference,
  type Requester,
  type SoftDeleteRecord,
} from "../../operation/records.js";
import { nextSequence } from "../../operation/sequence.js";
import { fieldsOf } from "../properties/fields.js";
import { withApplied, type Patch } from "../properties/patch.js";
import { BUILT_FROM, PROMOTION } from "../properties/table.js";
import type { Look } from "../resources.js";
import { withoutGone } from "./fold.js";
import { gone, withConfirmed, type Time } from "./confirmed.js";
import { inTurn, nothing, type Outcome } from "./happened.js";
import {
  emptyRecord,
  withoutOrigin,
  type ImageVersionRecord,
  type VersionRequest,
  type VersionState,
} from "./record.js";
import { isFinal } from "./states.js";
import { settled } from "./others.js";
import { newRegion } from "./write.js";
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
  time: Time,
): ImageVersionRecord {
  const empty = emptyRecord(key, resourceId, time.now.toISOString());
  return look === undefined || request.creates === true
    ? empty
    : withConfirmed(empty, look, time).record;
}

const FIRST_STATES: Readonly<Partial<Record<ImageVersionOperationKind, VersionState>>> = {
  DeleteImageVersion: "DeletionRequested",
  RestoreImageVersion: "RestoreRequested",
};

/** The record as the operation is accepted, before anything follows from that. It has begun alone where nothing else is open. */
export function begun(
  known: ImageVersionRecord | undefined,
  asked: Accepting,
  time: Time,
): ImageVersionRecord {
  const previous = known ?? firstRecord(asked, time);
  const sequence = nextSequence(known, time.now);
  const isFirst = known === undefined || isFinal(known.state);
  const state = FIRST_STATES[asked.kind] ?? "Accepted";
  const record = isFirst ? { ...idle(previous), state, sequence } : previous;
  const id = operationIdOf({ key: asked.key, sequence });
  return withAsked({ ...record, lastSequence: sequence }, id, asked, time);
}

/** What follows for the others, and when the next step comes. */
export function afterBegun(
  record: ImageVersionRecord,
  id: string,
  { request, look }: Accepting,
  time: Time,
): Outcome {
  return inTurn(
    record,
    (next) => withoutOvertaken(next, id, request.release, look !== undefined),
    (next) => nextStep(next, time),
  );
}

/** A creation of a version that is gone begins with nothing of what was achieved before. */
export function asAnew(
  record: ImageVersionRecord,
  { look, request }: Accepting,
  time: Time,
): Outcome {
  if (!isFinal(record.state) || look !== undefined || request.creates !== true)
    return nothing(record);
  const { spec, release: _, ...without } = withoutOrigin(gone(record, time));
  const isTold = record.status !== undefined && spec !== undefined;
  return {
    record: without,
    happened: isTold ? [{ kind: "deletedOutside", publishedDate: undefined }] : [],
  };
}

/** The next step comes at once, but where the answer to a PUT or DELETE is awaited, which is a step itself. */
function nextStep(record: ImageVersionRecord, time: Time): Outcome {
  const isUnanswered = record.write?.answer === "none";
  const isDue = Date.parse(record.dueTime) <= time.now.getTime() && record.state !== "Replicating";
  return isUnanswered || isDue || record.state === "Deleting"
    ? nothing(record)
    : { ...nothing(record), ...untilQuiet(record, time) };
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

/** A parent has the time of its first declaration. */
function declared(
  { declaredTimes = {} }: ImageVersionRecord,
  patch: Patch,
  now: Date,
): Pick<ImageVersionRecord, "declaredTimes"> {
  const said = Object.keys(patch).filter((field) => field.startsWith(`${BUILT_FROM}/`));
  if (said.length === 0) return {};
  const all = new Map(Object.entries(declaredTimes));
  for (const field of said)
    if (patch[field] === null) all.delete(field);
    else all.set(field, declaredTimes[field] ?? now.toISOString());
  return { declaredTimes: Object.fromEntries(all) };
}

/** Invariants 1 and 2. */
function withAsked(
  record: ImageVersionRecord,
  operationId: string,
  { kind, request, regions, endsRule }: Accepting,
  { now }: Time,
): ImageVersionRecord {
  const known = record.regions.map(({ name }) => name);
  const retried = kind === "RetryImageVersion" ? regions : [];
  const { spec } = record;
  return {
    ...record,
    ...(spec && endsRule === true && { spec: withApplied(spec, { [PROMOTION]: null }) }),
    ...declared(record, request.patch, now),
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
      ...regions.filter((name) => !known.includes(name)).map(newRegion),
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
