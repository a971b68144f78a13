import type { CloudEvent } from "../events/cloud-event.js";
import type {
  ArmCall,
  IndexRow,
  OperationRecord,
  Pair,
  TrackedRecord,
  WorkMessage,
} from "./records.js";

/** What an operation changes and that operation: one unit, written by one writer at a time. */
export interface Stored<R extends TrackedRecord> {
  readonly record: R;
  readonly operation: OperationRecord;
  readonly etag: string;
}

/** Durable state. Every write of a record and its operation is atomic and guarded by an ETag. */
export interface StateStore<R extends TrackedRecord> {
  read(key: string): Promise<Stored<R> | undefined>;
  readOperation(operationId: string): Promise<OperationRecord | undefined>;
  /**
   * Writes both, and the operations `beside`, if `etag` is still the stored one (`undefined`: if nothing is stored); else
   * ServiceError StateConflict.
   */
  commit(
    record: R,
    operation: OperationRecord,
    etag: string | undefined,
    beside?: readonly OperationRecord[],
  ): Promise<Stored<R>>;
}

export interface IndexPage {
  readonly rows: readonly (IndexRow & { readonly writtenTime: string })[];
  readonly continuationToken?: string;
}

/** Ordered listings, each scope read page by page without touching the others. Puts and removals are idempotent. */
export interface Index {
  put(rows: readonly IndexRow[]): Promise<void>;
  remove(rows: readonly Omit<IndexRow, "target">[]): Promise<void>;
  page(
    scope: string,
    top: number,
    continuationToken?: string,
  ): Promise<IndexPage>;
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
export interface Pace {
  /** First wait between two looks at what ARM works on; doubles up to `pollMaxMs`. */
  readonly pollInitialMs: number;
  readonly pollMaxMs: number;
  /** After this long an unanswered PUT is given up; its outcome is then read, not guessed. */
  readonly putTimeoutMs: number;
  /** After this long without progress a region is told to be stalled. */
  readonly stalledMs: number;
  /** How often a region that failed is repaired by itself, and how long after its failure first; doubles each time. */
  readonly repairAttempts: number;
  readonly repairDelayMs: number;
  /** How late a step may be before the reconciler sends it again. */
  readonly overdueMs: number;
}

/** What every transition needs beside the state. */
export interface Moment {
  readonly now: Date;
  readonly pace: Pace;
  readonly eventSource: string;
}

/** What every kind of operation needs. */
export interface OperationDependencies<R extends TrackedRecord> {
  readonly store: StateStore<R>;
  readonly index: Index;
  readonly events: EventPublisher;
  readonly work: WorkQueue;
  readonly calls: CallLog;
  readonly pace: Pace;
  /** CloudEvents `source`. */
  readonly eventSource: string;
  readonly now: () => Date;
  /** What begins in the very commit that ends an operation: one that waited for it. Pure; absent where none ever waits. */
  afterEnd?(this: void, pair: Pair<R>, moment: Moment): Pair<R>;
}
