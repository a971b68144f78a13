import type { CloudEvent } from "../events/cloud-event.js";
import type { EventContent } from "../events/operation-event.js";
import type { components } from "../generated/openapi.js";
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

/** A record and its current operation: one unit, written by one writer at a time. */
export interface Stored<R extends TrackedRecord> {
  readonly record: R;
  readonly operation: OperationRecord;
  readonly etag: string;
  /** When the store wrote it, by its own clock; RFC 3339. Absent: it was not read. */
  readonly writtenTime?: string;
}

/** Durable state. Each write of a record with its operation is atomic and guarded by an ETag. */
export interface StateStore<R extends TrackedRecord> {
  read(key: string): Promise<Stored<R> | undefined>;
  /** Only the record, for those who only show it. */
  readRecord(key: string): Promise<R | undefined>;
  readOperation(operationId: string): Promise<Followed | undefined>;
  /**
   * Writes both, and the operations `changedOperations`, if the stored state is still the one read
   * (`undefined`: nothing stored); else ServiceError StateConflict. A former current operation is
   * kept.
   */
  commit(
    record: R,
    operation: OperationRecord,
    read: Pick<Stored<R>, "operation" | "etag"> | undefined,
    changedOperations?: readonly OperationRecord[],
  ): Promise<Stored<R>>;
  /**
   * Removes an operation of the stored record, if that is still the one read; else ServiceError
   * StateConflict. With the current one the record goes. An operation that is already gone is no
   * error.
   */
  forget(stored: Stored<R>, operationId: string): Promise<void>;
}

export interface IndexPage {
  readonly rows: readonly (IndexRow & { readonly writtenTime: string })[];
  readonly continuationToken?: string;
}

/** A caller's Idempotency-Key and what it was used for; the first claim wins. */
export interface IdempotencyKeys {
  /**
   * Stores `value` under `key` unless one is stored. Returns the stored claim, its time, and
   * whether this call stored it.
   */
  claim(key: string, value: IdempotencyClaim): Promise<IdempotencyClaim>;
  /**
   * Binds the claim to an operation; the first one stays. Does nothing if the claim has expired.
   */
  bind(key: string, operationId: string): Promise<void>;
}

export interface IdempotencyClaim {
  readonly resourceKey: string;
  readonly fingerprint: string;
  /** Absent until the request is accepted and the claim bound. */
  readonly operationId?: string;
  /** When it was claimed; RFC 3339. Absent in claims of earlier releases. */
  readonly claimedTime?: string;
  /** True if this call made the claim. */
  readonly isNew?: true;
  /** True for a claim of release 0.1.0, which used another fingerprint. */
  readonly legacy?: boolean;
}

/**
 * Ordered listings. Each scope is read page by page, without reading the others. Puts and removals
 * are idempotent.
 */
export interface Index {
  put(rows: readonly IndexRow[]): Promise<void>;
  remove(rows: readonly Omit<IndexRow, "target">[]): Promise<void>;
  /** `after`: only rows after that one, which need not exist. `withShown`: with what queries show. */
  page(
    scope: string,
    top: number,
    continuationToken?: string,
    after?: string,
    withShown?: boolean,
  ): Promise<IndexPage>;
}

/**
 * Publishes to the events topic. The event's id is the MessageId, so duplicate detection drops
 * repetitions.
 */
export interface EventPublisher {
  publish(events: readonly CloudEvent[]): Promise<void>;
}

/** Sends the messages that drive operations. */
export interface WorkQueue {
  enqueue(messages: readonly WorkMessage[]): Promise<void>;
  /**
   * Why each message of this step in a dead-letter queue was put there. The messages stay there.
   */
  findDead(operationId: string, step: number): Promise<readonly string[]>;
}

/** The calls of a step to ARM, kept until they are stored with their outcome. */
export interface CallLog {
  /** The calls of the running step, in order; empty outside a step. */
  noted(): readonly ArmCall[];
  /** Drops the first `count` calls, which are stored now. */
  written(count: number): void;
}

/** Waits between steps, and time limits; in milliseconds if the name ends in Ms. */
export interface PollingPolicy {
  /** First wait between two polls while ARM works; doubles up to `pollMaxMs`. */
  readonly pollInitialMs: number;
  readonly pollMaxMs: number;
  /** An unanswered PUT is given up after this long. Sigil then reads its outcome. */
  readonly putTimeoutMs: number;
  /** A region without progress for this long is reported as stalled. */
  readonly stalledMs: number;
  /**
   * Percent of progress between two events of a region; an event also goes out if the last one is
   * old.
   */
  readonly progressStep: number;
  /**
   * A setback in a poll (failed, gone, lost) counts once another poll shows it too, at least this
   * much later.
   */
  readonly confirmMs: number;
  /** For this long after a write, a look that shows nothing of it may be older than the write. */
  readonly staleMs: number;
  /** An operation that waits this long is reported as stalled. */
  readonly operationStalledMs: number;
  /**
   * How often Sigil repairs a failed region, and how long after its failure first; doubles each
   * time.
   */
  readonly repairAttempts: number;
  readonly repairDelayMs: number;
  /** How late a step may be before the reconciler sends it again. */
  readonly overdueMs: number;
}

/** What every transition needs, in addition to the state. */
export interface TransitionContext {
  readonly now: Date;
  readonly pace: PollingPolicy;
  readonly eventSource: string;
  readonly kinds: Kinds;
}

/**
 * A kind of operation: everything this folder knows about it, defined in the kind's own folder.
 * Every function is pure.
 */
export interface Kind<R extends TrackedRecord = TrackedRecord> {
  readonly states: States<R["state"]>;
  readonly events: KindEvents;
  /** Places, narrower than its subscription, that list operations on the resource. */
  placesOf?(this: void, resourceId: string): readonly string[];
  /** Rows that an accepted operation adds to listings of other things. */
  rowsOf?(this: void, operation: OperationRecord): readonly IndexRow[];
  /** Such rows that may be written when the first step is taken. */
  laterRowsOf?(this: void, operation: OperationRecord): readonly IndexRow[];
  /** What an answer shows of the operation's detail. `showsOutput`: also what a machine has said. */
  view?(
    this: void,
    operation: OperationRecord,
    showsOutput: boolean,
  ): Partial<components["schemas"]["Operation"]>;
  /** How far its detail is, in parts that count as much as a region; percent. */
  parts?(this: void, operation: OperationRecord): readonly number[];
  /** The listing's row of a record whose operations have ended; undefined: none. */
  endedRow?(this: void, stored: Stored<R>): IndexRow | undefined;
  /** True: a record has one operation, and is removed with it. */
  readonly once?: true;
  /** Upgrades a record of 0.2.0 (schema 4) to the present schema; absent: no change needed. */
  upgrade?(this: void, pair: Pair<R>): R;
  /**
   * Starts the cleanup of what an operation has begun, so that it ends Canceled when that is done.
   * The same pair: the cleanup has begun already. Undefined: there is nothing to clean up, and it
   * ends at once.
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

/** Options of a cancel. A kind ignores those that mean nothing to it. */
export interface Allowing {
  /** The cancel may leave a region without a latest version. */
  readonly allowNoLatest?: boolean;
}

/** The kind's events for what may happen to every operation. */
interface KindEvents {
  failed(this: void, operation: OperationRecord, data: Failed): EventContent;
  canceled(
    this: void,
    operation: OperationRecord,
    data: { readonly canceledBy: Requester; readonly consequence: string },
  ): EventContent;
  /**
   * It has waited too long, since `since`; absent: the kind has no such event. Times are RFC 3339.
   */
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
  /** It continues after a stall. */
  resumed?(this: void, data: { readonly state: string }): EventContent;
  /** The type of a region's progress events; only the latest undelivered one is kept. */
  readonly progress?: string;
}

interface Failed {
  readonly error: OperationFailure & { readonly errorCount: number };
  /** Absent: it is about no region. */
  readonly regions?: readonly Pick<RegionRecord, "name" | "state">[];
}

/** Every kind by its name, as in `OperationRecord.kind`. */
export type Kinds = Readonly<Record<string, Kind>>;

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
  /**
   * Publishes what the state means for other resources. Absent: that stays in the outbox.
   */
  readonly tellOthers?: (stored: Pair<TrackedRecord>) => Promise<void>;
}
