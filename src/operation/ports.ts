import type { CloudEvent } from "../events/cloud-event.js";
import type { OperationRecord, TrackedRecord, WorkMessage } from "./records.js";

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
  /** Writes both if `etag` is still the stored one (`undefined`: if nothing is stored); else ServiceError StateConflict. */
  commit(
    record: R,
    operation: OperationRecord,
    etag: string | undefined,
  ): Promise<Stored<R>>;
}

/** One row of a listing: `row` orders it within its `scope`. */
export interface IndexRow {
  readonly scope: string;
  readonly row: string;
  readonly target: string;
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

/** What every kind of operation needs. */
export interface OperationDependencies<R extends TrackedRecord> {
  readonly store: StateStore<R>;
  readonly index: Index;
  readonly events: EventPublisher;
  readonly work: WorkQueue;
  readonly pace: Pace;
  /** CloudEvents `source`. */
  readonly eventSource: string;
  readonly now: () => Date;
}
