/** A message from a sender; the broker reads only these members from its bytes. */
export interface IncomingMessage {
  /** The encoded message, kept as the sender wrote it. */
  readonly bytes: Buffer;
  readonly messageId: string | undefined;
  readonly sessionId: string | undefined;
  readonly timeToLiveMs: number | undefined;
  readonly scheduledEnqueueTimeMs: number | undefined;
}

/** Application properties that a receiver changed, by name; each value is AMQP-encoded, so that its type survives. */
export type ChangedProperties = ReadonlyMap<string, Buffer>;

/** Everything about a message that outlives a restart. */
export interface MessageRecord {
  readonly sequenceNumber: number;
  /** Its number in the topic it was sent to. */
  readonly enqueuedSequenceNumber: number | undefined;
  readonly enqueuedTimeMs: number;
  readonly bytes: Buffer;
  readonly sessionId: string | undefined;
  readonly timeToLiveMs: number | undefined;
  /** Present as long as the message waits for its time. */
  readonly scheduledEnqueueTimeMs: number | undefined;
  readonly deliveryCount: number;
  readonly deferred: boolean;
  readonly changedProperties: ChangedProperties;
  readonly deadLetterReason: string | undefined;
  readonly deadLetterErrorDescription: string | undefined;
}

/** The state of a message, as a peek shows it. */
export type MessageState = "active" | "deferred" | "scheduled";

/** The state a record speaks of. */
export function stateOf(record: MessageRecord): MessageState {
  if (record.scheduledEnqueueTimeMs !== undefined) return "scheduled";
  return record.deferred ? "deferred" : "active";
}
