import type { CloudEvent } from "../events/cloud-event.js";
import type { EventContent } from "../events/operation-event.js";
import type {
  ArmCall,
  Followed,
  IndexRow,
  OperationFailure,
  OperationRecord,
  Pair,
  RegionRecord,
  Requester,
  TrackedRecord,
  WorkMessage,
} from "./records.js";
import type { States } from "./states.js";

/** What an operation changes and that operation: one unit, written by one writer at a time. */
export interface Stored<R extends TrackedRecord> {
  readonly record: R;
  readonly operation: OperationRecord;
  readonly etag: string;
  /** When the store has written it, by its own clock; RFC 3339. Absent of what was not read. */
  readonly writtenTime?: string;
}

/** Durable state. Every write of a record and its operation is atomic and guarded by an ETag. */
export interface StateStore<R extends TrackedRecord> {
  read(key: string): Promise<Stored<R> | undefined>;
  /** The record alone, for those who only show it. */
  readRecord(key: string): Promise<R | undefined>;
  readOperation(operationId: string): Promise<Followed | undefined>;
  /**
   * Writes both, and the operations `beside`, if what is stored is still as it was read (`undefined`: if nothing is stored);
   * else ServiceError StateConflict. An operation that was the current one is kept.
   */
  commit(
    record: R,
    operation: OperationRecord,
    read: Pick<Stored<R>, "operation" | "etag"> | undefined,
    beside?: readonly OperationRecord[],
  ): Promise<Stored<R>>;
  /**
   * Removes an operation of the stored record, if that is still as it was read; else ServiceError StateConflict. Never
   * the current one. One that is gone already is no error.
   */
  forget(stored: Stored<R>, operationId: string): Promise<void>;
}

export interface IndexPage {
  readonly rows: readonly (IndexRow & { readonly writtenTime: string })[];
  readonly continuationToken?: string;
}

/** First come, first kept: a caller's Idempotency-Key and what it was used for. */
export interface IdempotencyKeys {
  /** Stores `value` under `key` unless one is stored already; answers what is stored, since when, and whether by this call. */
  claim(key: string, value: IdempotencyClaim): Promise<IdempotencyClaim>;
  /** Notes the operation that the claim has led to: the first that is noted stays. Of a claim that has ended, nothing. */
  bind(key: string, operationId: string): Promise<void>;
}

export interface IdempotencyClaim {
  readonly resourceKey: string;
  readonly fingerprint: string;
  /** Absent until the request is accepted and that is noted. */
  readonly operationId?: string;
  /** When it was claimed; RFC 3339. Absent in the claims of earlier releases. */
  readonly claimedTime?: string;
  /** True where this very call has made the claim. */
  readonly isNew?: true;
  /** True of a claim of release 0.1.0, which told requests apart by another fingerprint. */
  readonly legacy?: boolean;
}

/** Ordered listings, each scope read page by page without touching the others. Puts and removals are idempotent. */
export interface Index {
  put(rows: readonly IndexRow[]): Promise<void>;
  remove(rows: readonly Omit<IndexRow, "target">[]): Promise<void>;
  /** `after`: of the rows behind that one alone, which need not be there. */
  page(scope: string, top: number, continuationToken?: string, after?: string): Promise<IndexPage>;
}

/** Publishes to the events topic. The event's id is the MessageId, so that duplicate detection makes it once. */
export interface EventPublisher {
  publish(events: readonly CloudEvent[]): Promise<void>;
}

/** Sends the messages that drive operations. */
export interface WorkQueue {
  enqueue(messages: readonly WorkMessage[]): Promise<void>;
  /** Why each message of this step that is in a dead-letter queue was put there; they stay there. */
  findDead(operationId: string, step: number): Promise<readonly string[]>;
}

/** What a step asks of ARM, kept until it is written down with what comes of it. */
export interface CallLog {
  /** Those of the step that runs, in order; none outside a step. */
  noted(): readonly ArmCall[];
  /** The first so many are written down. */
  written(count: number): void;
}

/** Waits between steps and the limits of patience, in milliseconds. */
export interface PollingPolicy {
  /** First wait between two looks at what ARM works on; doubles up to `pollMaxMs`. */
  readonly pollInitialMs: number;
  readonly pollMaxMs: number;
  /** After this long an unanswered PUT is given up; its outcome is then read, not guessed. */
  readonly putTimeoutMs: number;
  /** After this long without progress a region is reported as stalled. */
  readonly stalledMs: number;
  /** A region's progress is published by steps of so many percent, and where that was long ago. */
  readonly progressStep: number;
  /** A setback that a poll shows (failed, gone, lost) counts once another poll, at least this much later, shows it too. */
  readonly confirmMs: number;
  /** For so long after a write, a look that shows nothing of it is taken for an older one. */
  readonly staleMs: number;
  /** After waiting this long an operation is reported as stalled. */
  readonly operationStalledMs: number;
  /** How often a region that failed is repaired by itself, and how long after its failure first; doubles each time. */
  readonly repairAttempts: number;
  readonly repairDelayMs: number;
  /** How late a step may be before the reconciler sends it again. */
  readonly overdueMs: number;
}

/** What every transition needs beside the state. */
export interface TransitionContext {
  readonly now: Date;
  readonly pace: PollingPolicy;
  readonly eventSource: string;
  readonly kinds: Kinds;
}

/**
 * A kind of operation: all that this folder knows of it, said in the kind's own folder. Every function is pure.
 */
export interface Kind<R extends TrackedRecord = TrackedRecord> {
  readonly states: States<R["state"]>;
  readonly events: KindEvents;
  /** Places, narrower than its subscription, where operations on the resource are listed. */
  placesOf?(this: void, resourceId: string): readonly string[];
  /** Rows that an operation adds to listings of other things when it is accepted. */
  rowsOf?(this: void, operation: OperationRecord): readonly IndexRow[];
  /** The same, of rows that may come when its first step is taken. */
  laterRowsOf?(this: void, operation: OperationRecord): readonly IndexRow[];
  /** What a listing says of a record once its operations have ended; undefined: none has. */
  endedRow?(this: void, stored: Stored<R>): IndexRow | undefined;
  /** The record as this code stores it, of one that 0.2.0 has stored (schema 4); absent: it is the same. */
  upgrade?(this: void, pair: Pair<R>): R;
  /**
   * Begins to leave what an operation has begun as it should be, so that it ends Canceled once that is done; the same pair
   * where that has begun already; undefined where there is nothing to see to: it ends at once.
   */
  beginCancel?(
    this: void,
    pair: Pair<R>,
    operationId: string,
    canceledBy: Requester,
    context: TransitionContext,
    allowing: Allowing,
  ): Pair<R> | undefined;
}

/** What a cancel may do besides; a kind to which it means nothing ignores it. */
export interface Allowing {
  /** It may leave a region without a latest version. */
  readonly allowNoLatest?: boolean;
}

/** As what a kind tells that which may happen to every operation. */
interface KindEvents {
  failed(this: void, operation: OperationRecord, data: Failed): EventContent;
  canceled(
    this: void,
    operation: OperationRecord,
    data: { readonly canceledBy: Requester; readonly consequence: string },
  ): EventContent;
  /** It has waited too long, since `since`; absent where the kind tells no such thing. Times are RFC 3339. */
  stalled?(
    this: void,
    operation: OperationRecord,
    data: {
      readonly state: string;
      readonly since: string;
      readonly reason: string;
      readonly nextAttemptTime: string;
    },
  ): EventContent;
  /** And goes on. */
  resumed?(this: void, data: { readonly state: string }): EventContent;
  /** The type that tells a region's progress: of those that wait to be told, the latest is enough. */
  readonly progress?: string;
}

interface Failed {
  readonly error: OperationFailure & { readonly errorCount: number };
  /** Absent where it is about none. */
  readonly regions?: readonly Pick<RegionRecord, "name" | "state">[];
}

/** Every kind by its name, as `OperationRecord.kind` has it. */
export type Kinds = Readonly<Record<string, Kind>>;

/** What every kind of operation needs. */
export interface OperationDependencies<R extends TrackedRecord> {
  readonly store: StateStore<R>;
  readonly index: Index;
  readonly idempotencyKeys: IdempotencyKeys;
  readonly events: EventPublisher;
  readonly work: WorkQueue;
  readonly calls: CallLog;
  readonly pace: PollingPolicy;
  /** CloudEvents `source`. */
  readonly eventSource: string;
  readonly now: () => Date;
  readonly kinds: Kinds;
}
