import type { CloudEvent } from "../events/cloud-event.js";
import type { ImageVersionRequest } from "./contract.js";
import type { ImageVersionId } from "./resource-id.js";
import type {
  EncryptionType,
  ImageVersionRecord,
  OperationRecord,
  RegionState,
  WorkMessage,
} from "./records.js";

/** An image version and its current operation: one unit, written by one writer at a time. */
export interface Stored {
  readonly version: ImageVersionRecord;
  readonly operation: OperationRecord;
  readonly etag: string;
}

/** Durable state of image versions. Every write of a version and its operation is atomic and guarded by an ETag. */
export interface ImageVersionStore {
  read(key: string): Promise<Stored | undefined>;
  readOperation(operationId: string): Promise<OperationRecord | undefined>;
  /** Writes both if `etag` is still the stored one (`undefined`: if nothing is stored); else ServiceError StateConflict. */
  commit(
    version: ImageVersionRecord,
    operation: OperationRecord,
    etag: string | undefined,
  ): Promise<Stored>;
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

/** First come, first kept: a caller's Idempotency-Key and what it was used for. */
export interface IdempotencyKeys {
  /** Stores `value` under `key` unless one is stored already; answers what is stored. */
  claim(key: string, value: IdempotencyClaim): Promise<IdempotencyClaim>;
}

export interface IdempotencyClaim {
  readonly resourceKey: string;
  readonly fingerprint: string;
  readonly operationId: string;
}

/** Publishes to the events topic. The event's id is the MessageId, so that duplicate detection makes it once. */
export interface EventPublisher {
  publish(events: readonly CloudEvent[]): Promise<void>;
}

/** Sends the messages that drive image versions. */
export interface WorkQueue {
  enqueue(messages: readonly WorkMessage[]): Promise<void>;
  /** Why each message of this step that is in a dead-letter queue was put there; they stay there. */
  findDead(operationId: string, step: number): Promise<readonly string[]>;
}

/** A disk encryption set as ARM shows it. */
export interface DiskEncryptionSet {
  readonly id: string;
  /** Canonical region. */
  readonly region: string;
  readonly provisioningState: string;
  readonly encryptionType: EncryptionType;
}

/** Where an image version comes from; `dataDiskLuns` is absent where the resource is one disk. */
export interface ImageSource {
  readonly id: string;
  readonly dataDiskLuns?: readonly number[];
}

/** An image version as ARM shows it, in the wire's form, with each region's replication. */
export interface ObservedImageVersion {
  readonly provisioningState: string;
  readonly request: ImageVersionRequest;
  readonly regions: readonly {
    /** Canonical region. */
    readonly name: string;
    readonly state: RegionState;
    readonly progress: number;
    readonly details?: string;
  }[];
}

/**
 * Azure Resource Manager. Reads answer undefined for 404. Every other failure is a ServiceError: terminal, or
 * retryable with the time ARM asked for. No call is retried inside: each is one request on the wire.
 */
export interface ResourceManager {
  getImageVersion(
    id: ImageVersionId,
  ): Promise<ObservedImageVersion | undefined>;
  /** Sends one PUT and does not wait for what it starts; answers the URL of ARM's asynchronous operation, if any. */
  putImageVersion(
    id: ImageVersionId,
    request: ImageVersionRequest,
  ): Promise<string | undefined>;
  /** Why the asynchronous operation failed, if it says so. */
  getOperationError(
    url: string,
  ): Promise<{ code: string; message: string } | undefined>;
  getDiskEncryptionSet(id: string): Promise<DiskEncryptionSet | undefined>;
  /** A managed image, virtual machine, disk, snapshot or image version. */
  getSource(id: string): Promise<ImageSource | undefined>;
}

/** Waits between steps and the limits of patience, in milliseconds. */
export interface Pace {
  /** First wait between two looks at a replicating version; doubles up to `pollMaxMs`. */
  readonly pollInitialMs: number;
  readonly pollMaxMs: number;
  /** After this long an unanswered PUT is given up; its outcome is then read, not guessed. */
  readonly putTimeoutMs: number;
  /** How late a step may be before the reconciler sends it again. */
  readonly overdueMs: number;
}

/** What the use cases need. */
export interface Dependencies {
  readonly store: ImageVersionStore;
  readonly index: Index;
  readonly idempotencyKeys: IdempotencyKeys;
  readonly events: EventPublisher;
  readonly work: WorkQueue;
  readonly resourceManager: ResourceManager;
  readonly pace: Pace;
  /** CloudEvents `source`. */
  readonly eventSource: string;
  readonly now: () => Date;
}
