import type { CloudEvent } from "../events/cloud-event.js";
import type { Finding } from "../errors.js";
import type { ImageVersionRequest } from "./contract.js";

/** ARM's own words for a region's replication (RegionalReplicationStatus.state). */
export type RegionState = "Unknown" | "Replicating" | "Completed" | "Failed";

/** ARM's words for how a disk is encrypted at rest (EncryptionType), and `Unknown` until its key has been read. */
export type EncryptionType =
  | "EncryptionAtRestWithPlatformKey"
  | "EncryptionAtRestWithCustomerKey"
  | "EncryptionAtRestWithPlatformAndCustomerKeys"
  | "ConfidentialVmEncryptedWithCustomerKey"
  | "Unknown";

/** The states of an image version's current operation; `OPERATION_STATUS` in views.ts maps them to the API's words. */
export type VersionState =
  "Accepted" | "Creating" | "Replicating" | "Succeeded" | "Failed";

/** One target region as last seen in ARM. Times are RFC 3339. */
export interface RegionRecord {
  readonly name: string;
  readonly state: RegionState;
  /** Percent, 0 to 100. */
  readonly progress: number;
  readonly attempts: number;
  readonly lastProgressTime?: string;
  readonly completedTime?: string;
  readonly details?: string;
}

export interface HistoryEntry {
  readonly time: string;
  readonly state: string;
  readonly message: string;
}

export interface OperationFailure {
  readonly code: string;
  readonly message: string;
  readonly errors: readonly Finding[];
}

export interface Requester {
  readonly appId?: string;
  readonly objectId?: string;
  readonly name?: string;
}

export type OperationStatus =
  "NotStarted" | "Running" | "Succeeded" | "Failed" | "Canceled";

/** One accepted request and what became of it. */
export interface OperationRecord {
  readonly id: string;
  readonly kind: "CreateImageVersion";
  readonly status: OperationStatus;
  readonly resourceId: string;
  /** Of the request that was accepted. */
  readonly fingerprint: string;
  readonly createdTime: string;
  readonly startedTime?: string;
  readonly endTime?: string;
  readonly lastUpdatedTime: string;
  readonly requestedBy: Requester;
  readonly traceparent: string;
  readonly regions: readonly RegionRecord[];
  readonly error?: OperationFailure;
  readonly history: readonly HistoryEntry[];
}

/** The queues that drive an image version, one per phase. */
export type WorkQueueName =
  "image-version-creations" | "image-version-replications";

/** "Take step `step` of this operation": a message for any other step than the record's own is stale. */
export interface WorkMessage {
  readonly queue: WorkQueueName;
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
  | { readonly kind: "index"; readonly previousStatus?: OperationStatus }
  | { readonly kind: "event"; readonly event: CloudEvent }
  | { readonly kind: "message"; readonly message: WorkMessage }
  | { readonly kind: "close" };

/** The state of one image version: its desired form, where its current operation stands, and what is still to be told. */
export interface ImageVersionRecord {
  /** `keyOf(resourceId)`. */
  readonly key: string;
  readonly resourceId: string;
  readonly request: ImageVersionRequest;
  readonly fingerprint: string;
  readonly state: VersionState;
  /** Counts the operations of this version; the current one's id is `${key}-${sequence}`. */
  readonly sequence: number;
  /** Grows with every commit of the state machine; names the only message that may take the next step. */
  readonly step: number;
  /** When the message of `step` should have arrived; RFC 3339. */
  readonly dueTime: string;
  /** Consecutive polls or retries without a state change; lengthens the wait for the next. */
  readonly ticks: number;
  /** How often the reconciler had to send a step again since the last one was taken. */
  readonly wakes: number;
  /** Consecutive 404s of a version that was created. */
  readonly absences: number;
  /** URL of ARM's asynchronous operation, read only for the reason of a failure. */
  readonly armOperationUrl?: string;
  readonly regions: readonly RegionRecord[];
  /** Encryption type by disk encryption set id in lower case, as proven before creation. */
  readonly encryptionTypes: Readonly<Record<string, EncryptionType>>;
  /** LUNs of the source's data disks, as found before creation. */
  readonly dataDiskLuns: readonly number[];
  readonly createdTime: string;
  readonly outbox: readonly Effect[];
}

export function operationIdOf(
  version: Pick<ImageVersionRecord, "key" | "sequence">,
): string {
  return `${version.key}-${version.sequence}`;
}

/** The key of the version that an operation id belongs to, or undefined when it is no operation id. */
export function versionKeyOf(operationId: string): string | undefined {
  return /^([0-9a-f]{32})-[1-9]\d{0,8}$/u.exec(operationId)?.[1];
}
