import type { Finding } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";

/** ARM's own words for a region's replication (RegionalReplicationStatus.state). */
export type RegionState = "Unknown" | "Replicating" | "Completed" | "Failed";

/** How long the last copies to a region took, at most twenty: half of them no longer than `p50Seconds`, nine of ten no longer than `p90Seconds`. */
export interface UsualTime {
  readonly p50Seconds: number;
  readonly p90Seconds: number;
  /** How many there are. */
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
  /** Since when it is known to make no progress; absent while it does. */
  readonly stalledTime?: string;
  readonly completedTime?: string;
  /** When the copy was asked for that Azure makes, and how long one took there until then; absent of what others have begun. */
  readonly begunTime?: string;
  readonly usual?: UsualTime;
  /** When it is expected to be done; absent where that is not known, and once it is. */
  readonly expectedEndTime?: string;
  readonly details?: string;
  /** A step back (it failed, or is no longer Completed) that one look has shown: a later look confirms it or takes it back. */
  readonly doubt?: { readonly state: RegionState; readonly since: string };
  /** Its copy is made again by the last write, and has not been seen Completed since; `begun`: ARM was seen at work on that. */
  readonly recopying?: "sent" | "begun";
  /** The progress that was told last, and when. */
  readonly told?: { readonly progress: number; readonly time: string };
  /** How often replication to it is begun before Sigil gives up, and when it is begun again. */
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
  /** HTTP status; absent where no answer came. */
  readonly status?: number;
  /** As ARM answered it (`x-ms-correlation-request-id`): it finds a write in the Activity Log. */
  readonly correlationId?: string;
}

export interface Requester {
  readonly appId?: string;
  readonly objectId?: string;
  readonly name?: string;
  /** The application acts for the person `objectId`; absent: it acts for itself, or 0.2.0 stored this. */
  readonly actsForPerson?: true;
  /** CloudEvents `source` of the message that it came by: its sender says it, whoever that is. */
  readonly source?: string;
  /** What of Sigil or Azure has done it by itself. No caller has it: neither a token nor a message says it. */
  readonly policy?: "rollout" | "retention" | "machineTest" | "azure";
}

/** Whether both are one person, by whatever client, or one application that acts for nobody. A sender of messages is neither. */
export function samePerson(one: Requester, other: Requester): boolean {
  return one.objectId !== undefined || other.objectId !== undefined
    ? one.objectId === other.objectId
    : one.appId !== undefined && one.appId === other.appId;
}

export type OperationStatus = "NotStarted" | "Running" | "Succeeded" | "Failed" | "Canceled";

/** CloudEvents 1.0: source and id name one event. */
export interface EventReference {
  readonly source: string;
  readonly id: string;
}

/** Whether a deletion can be undone, in ARM's words. Times are RFC 3339; absent where ARM has not said them. */
export interface SoftDeleteRecord {
  /** Absent where that could not be read. */
  readonly isSoftDeleteEnabled?: boolean;
  readonly softDeletedTime?: string;
  /** Until when machines can be made of the version by its number. */
  readonly consumptionEndTime?: string;
  /** Until when it can be restored. */
  readonly hardDeletionTargetTime?: string;
}

/** Version numbers that are the latest before and after a rollback, of the image definition and in each region. */
export interface RollbackRecord {
  readonly from: string;
  readonly to: string;
  readonly regions: readonly {
    readonly name: string;
    readonly from?: string;
    readonly to?: string;
  }[];
}

/**
 * How far the test of one region's machine is; a final result is in `result`. Waiting: for its turn, or for another attempt.
 * Kept: it has failed and is left to be looked at. Gone: nothing is there any more. Left: something could not be deleted.
 */
type RegionTestState =
  "Waiting" | "Creating" | "Starting" | "Proving" | "Kept" | "Deleting" | "Gone" | "Left";

/** Only `failed` speaks against the version. */
export type TestResult = "passed" | "failed" | "inconclusive";

/** A disk that Azure has made of the version. */
export interface TestedDisk {
  readonly id: string;
  /** Absent: the operating system's. */
  readonly lun?: number;
  /** ARM's own word; of a confidential disk its security type. */
  readonly encryptionType: string;
  readonly diskEncryptionSetId?: string;
}

/** The machine that proves an image version in one region, and what it has shown. Times are RFC 3339. */
export interface RegionTestRecord {
  /** Canonical region. */
  readonly name: string;
  readonly state: RegionTestState;
  readonly result?: TestResult;
  /** Why the result, or the attempt before, is not passed. */
  readonly reason?: { readonly code: string; readonly message: string };
  /** Machines that were asked for, one after the other, and how many may be. */
  readonly attempts: number;
  readonly attemptsAllowed: number;
  /** While it is Waiting: when the next attempt begins. While it is Kept: until when. */
  readonly nextAttemptTime?: string;
  readonly machineSize: string;
  readonly machineId?: string;
  /** Until when the present machine must be gone. */
  readonly deadline?: string;
  /** When Azure accepted it, when it was provisioned, when its start was proven, and when nothing of it was left. */
  readonly createdTime?: string;
  readonly startedTime?: string;
  readonly provenTime?: string;
  readonly deletedTime?: string;
  readonly agentVersion?: string;
  readonly disks?: readonly TestedDisk[];
  /** The last 4 KB of what the proof has shown. */
  readonly output?: string;
  /** Ids of what could not be deleted. */
  readonly left?: readonly string[];
  readonly work: RegionTestWork;
}

/** What a test of a region does next, and what it knows of its calls: shown to nobody. Times are RFC 3339. */
export interface RegionTestWork {
  /** What is to be asked of Azure once this is stored. */
  readonly todo?: "create" | "prove" | "delete" | "deleteParts";
  /** When the present attempt began. */
  readonly begunTime?: string;
  /** When the last PUT of the machine was stored to be sent; until it is `answered` it may be under way. */
  readonly sentTime?: string;
  readonly answered?: true;
  /** PUTs of this attempt, and those of them that Azure put off. */
  readonly sends: number;
  readonly delays: number;
  /** No PUT before that. */
  readonly notBefore?: string;
  /** Since when the machine, once seen, is not shown. */
  readonly missingSince?: string;
  /** DELETEs of the machine that Azure has answered, of all that were sent, and when the last one was sent. */
  readonly deletions: number;
  readonly deletionsSent: number;
  readonly deletionTime?: string;
  readonly interfaceIds?: readonly string[];
  /** Ids of what its deletion has left. */
  readonly parts?: readonly string[];
  /** Another attempt follows once the machine is gone. */
  readonly again?: true;
  /** When there was a result, and whether it stands among the version's test results. */
  readonly resultTime?: string;
  readonly reported?: true;
}

/** One accepted request and what became of it. */
export interface OperationRecord {
  readonly id: string;
  /** Names its kind among `Kinds`. */
  readonly kind: string;
  readonly status: OperationStatus;
  readonly resourceId: string;
  /** Of the request that was accepted. */
  readonly fingerprint: string;
  readonly createdTime: string;
  readonly startedTime?: string;
  readonly endTime?: string;
  readonly lastUpdatedTime: string;
  readonly requestedBy: Requester;
  /** Of the Idempotency-Key that it was requested with, hashed. */
  readonly requestKey?: string;
  /** The CloudEvent that requested it. */
  readonly request?: EventReference;
  readonly canceledBy?: Requester;
  /** What a rollback leads from and to. */
  readonly rollback?: RollbackRecord;
  /** Of a deletion, whether it can be undone. */
  readonly softDelete?: SoftDeleteRecord;
  /** While it waits: for what, and when it goes on; RFC 3339. */
  readonly waitReason?: string;
  readonly nextAttemptTime?: string;
  /** Since when it has waited without anything else between, and whether that was told to last too long. */
  readonly waitingSince?: string;
  readonly stalled?: true;
  readonly traceparent: string;
  readonly regions: readonly RegionRecord[];
  /** What was asked of ARM, oldest first. */
  readonly calls?: readonly ArmCall[];
  /** How many reads and writes are no longer among `calls`. */
  readonly omittedReads?: number;
  readonly omittedWrites?: number;
  /** What a subscription's preparation registers, by name, and its state in ARM's words. */
  readonly registrations?: readonly {
    readonly name: string;
    readonly state: string;
  }[];
  /** The machines that test an image version, a region each. */
  readonly tests?: readonly RegionTestRecord[];
  /** Warnings and information that stopped nothing. */
  readonly warnings?: readonly Finding[];
  readonly error?: OperationFailure;
  readonly history: readonly HistoryEntry[];
}

/** "Take step `step` of this operation": a message for any other step than the record's own is stale. */
export interface WorkMessage {
  readonly queue: string;
  /** MessageId: the same step sent again is the same message. */
  readonly id: string;
  readonly operationId: string;
  readonly step: number;
  readonly traceparent: string;
  /** RFC 3339; not visible to a receiver before. */
  readonly enqueueTime: string;
}

/** What must still happen because of a state that is already stored. Each is safe to repeat. */
export type Effect =
  | {
      readonly kind: "index";
      readonly put: readonly IndexRow[];
      readonly remove: readonly Omit<IndexRow, "target">[];
    }
  | { readonly kind: "event"; readonly event: CloudEvent }
  /** The Idempotency-Key, hashed, that has led to the operation. */
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
  /** What the row says of what it lists, in the form of its kind. */
  readonly digest?: string;
}

/** What an operation changes, as its state machine keeps it: what all kinds of it have in common. */
export interface TrackedRecord {
  /** Of the shape in which it is stored: one that is newer than the code is not touched. */
  readonly schema: number;
  /** `keyOf(resourceId)`. */
  readonly key: string;
  readonly resourceId: string;
  /** One of its kind's. */
  readonly state: string;
  /** The current operation's id is `${key}-${sequence}`. */
  readonly sequence: number;
  /** The highest sequence of an operation that was accepted; absent where that is the current one's. */
  readonly lastSequence?: number;
  /** Operations that have begun, beside the current one, which leads them: each ends in its own way. */
  readonly members: readonly OperationRecord[];
  /** Grows with every commit of the state machine; names the only message that may take the next step. */
  readonly step: number;
  /** When the message of `step` should have arrived; RFC 3339. */
  readonly dueTime: string;
  /** A request that was stored to be sent. While its answer is `none`, `dueTime` is when that is given up. */
  readonly write?: { readonly answer: string };
  /** Consecutive polls or retries without a state change; lengthens the wait for the next. */
  readonly ticks: number;
  /** How often the reconciler had to send a step again since the last one was taken. */
  readonly resends: number;
  /** Target regions as last seen; a subscription has none. */
  readonly regions: readonly RegionRecord[];
  readonly createdTime: string;
  readonly outbox: readonly Effect[];
}

/** The shape in which this code stores records, and the oldest that it reads. One of another shape is not touched. */
export const SCHEMA = 5;
export const OLDEST_SCHEMA = 4;

/** A record as an operation begins it: no step taken, nothing to tell. Times are RFC 3339. */
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
  /** Other operations of the record that the transition has changed: written with it. */
  readonly beside?: readonly OperationRecord[];
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

/** The key of the record that an operation id belongs to, or undefined when it is no operation id. */
export function recordKeyOf(operationId: string): string | undefined {
  return /^([0-9a-f]{32})-[1-9]\d{0,8}$/u.exec(operationId)?.[1];
}

/** The `sequence` of an operation, by its id. */
export function sequenceOf(operationId: string): number {
  return Number(operationId.slice(operationId.lastIndexOf("-") + 1));
}

/** An operation, and when the next step of what it changes is due; RFC 3339. */
export interface Followed {
  readonly operation: OperationRecord;
  /** Absent while a step waits for the answer to a request: it may come at any moment. */
  readonly dueTime?: string;
}

/** An operation with what its record says of the next step. */
export function followedBy(
  { dueTime, write }: Pick<TrackedRecord, "dueTime" | "write">,
  operation: OperationRecord,
): Followed {
  return { operation, ...(write?.answer !== "none" && { dueTime }) };
}
