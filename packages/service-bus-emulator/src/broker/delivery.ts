import type { ChangedProperties, MessageRecord } from "./message.js";

export interface QueueSettings {
  readonly lockDurationMs: number;
  /** Infinity in a dead-letter queue. */
  readonly maxDeliveryCount: number;
  readonly defaultTimeToLiveMs: number | undefined;
  readonly deadLetteringOnExpiration: boolean;
  /** Undefined: duplicates are not detected. */
  readonly duplicateWindowMs: number | undefined;
  readonly requiresSession: boolean;
}

export interface MessageLock {
  readonly token: string;
  readonly untilMs: number;
}

/** A message handed to a receiver; without a lock it is already gone from the queue. */
export interface Delivery {
  readonly record: MessageRecord;
  readonly lock: MessageLock | undefined;
}

/** The result of a settlement. */
export type Settled = "settled" | "lock-lost" | "session-lock-lost" | "not-allowed";

export interface DeadLettering {
  readonly reason: string | undefined;
  readonly errorDescription: string | undefined;
  readonly changedProperties: ChangedProperties;
}

export interface MessageCounts {
  readonly active: number;
  readonly scheduled: number;
  readonly deadLetter: number;
  readonly deferred: number;
}
