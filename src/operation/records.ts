import type { Finding } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";

/** ARM's names for a region's replication state (RegionalReplicationStatus.state). */
export type RegionState = "Unknown" | "Replicating" | "Completed" | "Failed";

/**
 * How long the latest copies to a region took, twenty at most: the median and the 90th percentile.
 */
export interface UsualTime {
  readonly p50Seconds: number;
  readonly p90Seconds: number;
  /** How many copies were measured. */
  readonly ends: number;
}

/** One target region as last seen in ARM. Times are RFC 3339. */
export interface RegionRecord {
  readonly name: string;
  readonly state: RegionState;
  /** Percent, 0 to 100. */
  readonly progress: number;
  readonly attempts: number;
  readonly lastProgressTime?: string;
  /** When it stopped making progress; absent while it does. */
  readonly stalledTime?: string;
  readonly completedTime?: string;
  /**
   * When the present copy was requested, and how long copies there took before; absent: others
   * began it.
   */
  readonly begunTime?: string;
  readonly usual?: UsualTime;
  /** When it should be done; absent: unknown, or done. */
  readonly expectedEndTime?: string;
  readonly details?: string;
  /**
   * A setback (Failed, or no longer Completed) in one look. A later look confirms or withdraws it.
   */
  readonly unconfirmed?: { readonly state: RegionState; readonly since: string };
  /**
   * The last write makes its copy again, and no look has shown it Completed since; `begun`: a look
   * showed ARM working on it.
   */
  readonly recopying?: "sent" | "begun";
  /** The last reported progress, and when. */
  readonly published?: { readonly progress: number; readonly time: string };
  /** How often Sigil begins replication to it before it gives up, and when it does so next. */
  readonly attemptsAllowed?: number;
  readonly nextAttemptTime?: string;
  readonly waitReason?: string;
}

interface HistoryEntry {
  readonly time: string;
  readonly state: string;
  readonly message: string;
}

export interface OperationFailure {
  readonly code: string;
  readonly message: string;
  readonly errors: readonly Finding[];
}

/** One call to Azure Resource Manager. */
export interface ArmCall {
  /** RFC 3339. */
  readonly time: string;
  readonly method: string;
  /** Path of its URL, without the query. */
  readonly path: string;
  /** HTTP status; absent: no answer. */
  readonly status?: number;
  /** ARM's `x-ms-correlation-request-id`, which finds a write in the Activity Log. */
  readonly correlationId?: string;
}

export interface Requester {
  readonly appId?: string;
  readonly objectId?: string;
  readonly name?: string;
  /**
   * The application acts for the person `objectId`; absent: it acts for itself, or 0.2.0 stored
   * this.
   */
  readonly actsForPerson?: true;
  /** CloudEvents `source` of the message that it came by, as set by the sender; not verified. */
  readonly source?: string;
  /**
   * The part of Sigil or Azure that acted by itself. Never set for a caller: neither a token nor a
   * message can claim it.
   */
  readonly policy?: "rollout" | "retention" | "machineTest" | "azure";
}

/**
 * Whether both are the same person, by whatever client, or the same application acting for itself.
 * A sender of messages is neither.
 */
export function samePerson(one: Requester, other: Requester): boolean {
  return one.objectId !== undefined || other.objectId !== undefined
    ? one.objectId === other.objectId
    : one.appId !== undefined && one.appId === other.appId;
}

export type OperationStatus = "NotStarted" | "Running" | "Succeeded" | "Failed" | "Canceled";

/** A CloudEvents 1.0 event, identified by source and id. */
export interface EventReference {
  readonly source: string;
  readonly id: string;
}

/** One accepted request and its progress. */
export interface OperationRecord {
  readonly id: string;
  /** The name of its kind in `Kinds`. */
  readonly kind: string;
  readonly status: OperationStatus;
  readonly resourceId: string;
  /** Digest of the accepted request. */
  readonly fingerprint: string;
  readonly createdTime: string;
  readonly startedTime?: string;
  readonly endTime?: string;
  readonly lastUpdatedTime: string;
  readonly requestedBy: Requester;
  /** Hash of the Idempotency-Key that it was requested with. */
  readonly requestKey?: string;
  /** The operation that requested it, and may cancel it. */
  readonly parent?: string;
  /** The CloudEvent that requested it. */
  readonly request?: EventReference;
  readonly canceledBy?: Requester;
  /** What only its kind knows of it. */
  readonly detail?: unknown;
  /** While it waits: for what, and until when; RFC 3339. */
  readonly waitReason?: string;
  readonly nextAttemptTime?: string;
  /**
   * When the present wait began, without anything in between, and whether it was reported as too
   * long.
   */
  readonly waitingSince?: string;
  readonly stalled?: true;
  readonly traceparent: string;
  readonly regions: readonly RegionRecord[];
  /** Calls to ARM, oldest first. */
  readonly calls?: readonly ArmCall[];
  /** How many reads and writes were dropped from `calls`. */
  readonly omittedReads?: number;
  readonly omittedWrites?: number;
  /** Warnings and information that did not stop it. */
  readonly warnings?: readonly Finding[];
  readonly error?: OperationFailure;
  readonly history: readonly HistoryEntry[];
}

/** "Take step `step` of this operation": a message for any other step than the record's own is stale. */
export interface WorkMessage {
  readonly queue: string;
  /** MessageId: the same step sent again has the same one. */
  readonly id: string;
  readonly operationId: string;
  readonly step: number;
  readonly traceparent: string;
  /** RFC 3339; no receiver sees it before. */
  readonly enqueueTime: string;
}

/** What must still happen because of a stored state. Each is safe to repeat. */
export type Effect =
  | {
      readonly kind: "index";
      readonly put: readonly IndexRow[];
      readonly remove: readonly Omit<IndexRow, "target">[];
    }
  | { readonly kind: "event"; readonly event: CloudEvent }
  /** Events of other resources, found once the rows are out (`OperationDependencies.tellOthers`). */
  | { readonly kind: "others" }
  /** Binds the hashed Idempotency-Key to the operation that carries it. */
  | {
      readonly kind: "key";
      readonly requestKey: string;
      readonly operationId: string;
    }
  | { readonly kind: "message"; readonly message: WorkMessage }
  | { readonly kind: "close"; readonly operationId: string };

/** One row of a listing: `row` orders it within its `scope`. */
export interface IndexRow {
  readonly scope: string;
  readonly row: string;
  readonly target: string;
  /** A summary of the listed item, in its kind's format. */
  readonly digest?: string;
  /** What queries show of it, in its kind's format; a page has it only if asked for. */
  readonly shown?: string;
}

/** The record that an operation changes: the fields common to all kinds. */
export interface TrackedRecord {
  /** Schema of the stored record. This code does not touch a newer one. */
  readonly schema: number;
  /** `keyOf(resourceId)`. */
  readonly key: string;
  readonly resourceId: string;
  /** One of its kind's states. */
  readonly state: string;
  /** The current operation's id is `${key}-${sequence}`. */
  readonly sequence: number;
  /** The highest sequence of an accepted operation; absent: the current one's. */
  readonly lastSequence?: number;
  /** Operations that have begun with the current one, which leads them. Each ends on its own. */
  readonly members: readonly OperationRecord[];
  /**
   * Grows with every commit of the state machine. Only the message that names it may take the next
   * step.
   */
  readonly step: number;
  /** When the message of `step` should have arrived; RFC 3339. */
  readonly dueTime: string;
  /**
   * A request stored to be sent. While its answer is `none`, `dueTime` is when Sigil gives it up.
   */
  readonly write?: { readonly answer: string };
  /** Consecutive polls or retries without a state change; more ticks, longer waits. */
  readonly ticks: number;
  /** How often the reconciler sent the present step again. */
  readonly resends: number;
  /** Target regions as last seen; empty for a subscription. */
  readonly regions: readonly RegionRecord[];
  readonly createdTime: string;
  readonly outbox: readonly Effect[];
}

/** The schema that this code writes, and the oldest that it reads. It does not touch any other. */
export const SCHEMA = 5;
export const OLDEST_SCHEMA = 4;

/**
 * A record at the beginning of an operation: no step taken, nothing to report. Times are RFC 3339.
 */
export function newRecord<State extends string>(
  is: Pick<TrackedRecord, "key" | "resourceId" | "sequence"> & {
    readonly state: State;
  },
  time: string,
  createdTime = time,
) {
  return {
    schema: SCHEMA,
    ...is,
    members: [],
    step: 0,
    dueTime: time,
    ticks: 0,
    resends: 0,
    regions: [],
    createdTime,
    outbox: [],
  } satisfies TrackedRecord;
}

/** A record and its current operation, before or after a transition. */
export interface Pair<R extends TrackedRecord> {
  readonly record: R;
  readonly operation: OperationRecord;
  /** Other operations of the record that the transition changed; written with it. */
  readonly changedOperations?: readonly OperationRecord[];
}

/** The operations of a record that have begun, the current one first. */
export function operationsOf({
  operation,
  record,
}: Pair<TrackedRecord>): readonly OperationRecord[] {
  return [operation, ...record.members];
}

export function operationIn(
  pair: Pair<TrackedRecord>,
  operationId: string,
): OperationRecord | undefined {
  return operationsOf(pair).find(({ id }) => id === operationId);
}

export function operationIdOf(record: Pick<TrackedRecord, "key" | "sequence">): string {
  return `${record.key}-${record.sequence}`;
}

/** The key of the record that an operation belongs to; undefined: not an operation id. */
export function recordKeyOf(operationId: string): string | undefined {
  return /^([0-9a-f]{32})-[1-9]\d{0,8}$/u.exec(operationId)?.[1];
}

/** The `sequence` of an operation id. */
export function sequenceOf(operationId: string): number {
  return Number(operationId.slice(operationId.lastIndexOf("-") + 1));
}

/** An operation, and when the next step of its record is due; RFC 3339. */
export interface Followed extends NextStep {
  readonly operation: OperationRecord;
}

interface NextStep {
  /** Absent while a step waits for the answer to a write, which may come at any moment. */
  readonly dueTime?: string;
}

/** An operation with the next step's time from its record. */
export function followedBy(
  record: Parameters<typeof nextStep>[0],
  operation: OperationRecord,
): Followed {
  return { operation, ...nextStep(record) };
}

/** When the next step of a record is due. */
export function nextStep({ dueTime, write }: Pick<TrackedRecord, "dueTime" | "write">): NextStep {
  return write?.answer === "none" ? {} : { dueTime };
}
