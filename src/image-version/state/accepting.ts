/**
 * Accepts an operation on a version. It begins at once, together with all that have begun. Pure.
 * Invariants:
 *  1. The fields that an operation sets settle the conditions of those fields.
 *  2. What takes effect on acceptance (the end of a rule) is stored with it.
 */
import { omit } from "../../objects.js";
import { operationIdOf, type EventReference, type Requester } from "../../operation/records.js";
import { nextSequence } from "../../operation/sequence.js";
import { fieldsOf } from "../properties/fields.js";
import { withApplied, type Patch } from "../properties/patch.js";
import { BUILT_FROM, PROMOTION } from "../properties/table.js";
import type { Look, SoftDeleteRecord } from "../resources.js";
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

/** A requested operation and its requester. */
export interface Accepting {
  readonly kind: ImageVersionOperationKind;
  readonly key: string;
  readonly resourceId: string;
  readonly request: VersionRequest;
  /** Canonical regions of the operation. */
  readonly regions: readonly string[];
  readonly fingerprint: string;
  readonly requestedBy: Requester;
  readonly traceparent: string;
  readonly requestKey?: string;
  readonly parent?: string;
  readonly event?: EventReference;
  /** For a deletion: whether it can be undone. */
  readonly detail?: SoftDeleteRecord;
  /** The acceptance's look; absent: no version, or Azure could not be asked. */
  readonly look?: Look;
  /**
   * True if a person sets the release for other regions than its rule's next, which ends the rule.
   */
  readonly endsRule?: true;
}

/** The first record of a version. The acceptance's look counts as known. */
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

/** The record as the operation is accepted, before any consequences. */
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

/** The consequences for other operations, and the time of the next step. */
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

/** A creation of a version that is gone begins without what was achieved before. */
export function asAnew(
  record: ImageVersionRecord,
  { look, request }: Accepting,
  time: Time,
): Outcome {
  if (!isFinal(record.state) || look !== undefined || request.creates !== true)
    return nothing(record);
  const isTold = record.status !== undefined && record.spec !== undefined;
  return {
    record: omit(withoutOrigin(gone(record, time)), "spec", "release"),
    happened: isTold ? [{ kind: "deletedOutside", publishedDate: undefined }] : [],
  };
}

/**
 * The next step comes at once, except while a PUT or DELETE has no answer, because its step is
 * still running.
 */
function nextStep(record: ImageVersionRecord, time: Time): Outcome {
  const isUnanswered = record.write?.answer === "none";
  const isDue = Date.parse(record.dueTime) <= time.now.getTime() && record.state !== "Replicating";
  return isUnanswered || isDue || record.state === "Deleting"
    ? nothing(record)
    : { ...nothing(record), ...untilQuiet(record, time) };
}

/** A version on which nothing works: drops what the previous operation counted. */
function idle(previous: ImageVersionRecord): ImageVersionRecord {
  const record = omit(previous, "window");
  return {
    ...record,
    members: [],
    requests: {},
    ticks: 0,
    resends: 0,
    // Each operation counts its own repairs. What a repair removed must still be added back.
    repairs: Object.fromEntries(
      Object.entries(previous.repairs).flatMap(([name, { removed, lost }]) =>
        removed ? [[name, { attempts: 0, removed, ...(lost && { lost }) }]] : [],
      ),
    ),
    // Regions that were requested and never sent are not in the version.
    regions:
      previous.status === undefined ? [] : previous.regions.filter(({ attempts }) => attempts > 0),
  };
}

/** Fields that the request sets, whether or not Azure shows them already. */
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
    // A person's request about latest counts over earlier failures.
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
        // Doubts from looks before this request do not count.
        (region) => ({
          ...omit(region, "unconfirmed"),
          ...(retried.includes(region.name) && { state: "Failed" as const }),
        }),
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
