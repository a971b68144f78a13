import type { InvocationContext } from "@azure/functions";

/**
 * A message holds 64 KB of properties, the sender's and ours. With this limit for the sender's, it
 * can always be forwarded.
 */
export const LARGEST_PROPERTIES_BYTES = 48 * 1024;

/** A message from a Service Bus trigger. */
export interface IncomingMessage {
  /** The body, byte for byte. */
  readonly bytes: Buffer;
  /**
   * True if the host passed a decoded value instead of bytes; `bytes` are then its text or JSON.
   */
  readonly decoded: boolean;
  readonly messageId: string | undefined;
  readonly contentType: string | undefined;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  /** 1 at the first delivery. */
  readonly deliveryCount: number;
  /** The broker's number of the message in its queue, the same at each delivery. */
  readonly sequenceNumber: string | undefined;
  /** When its time to live ends; RFC 3339. Undefined: never. */
  readonly expiresTime: string | undefined;
}

/**
 * The metadata comes from the broker: the host merges nothing into it if the body is bound as bytes
 * (queue-function.ts).
 */
export function incomingMessage(body: unknown, context: InvocationContext): IncomingMessage {
  const metadata: Record<string, unknown> = context.triggerMetadata ?? {};
  const properties = metadata["applicationProperties"];
  return {
    ...bytesOf(body),
    messageId: text(metadata["messageId"]),
    contentType: text(metadata["contentType"]),
    applicationProperties:
      typeof properties === "object" && properties !== null ? { ...properties } : {},
    deliveryCount: Number(metadata["deliveryCount"] ?? 1),
    sequenceNumber: text(metadata["sequenceNumber"]),
    expiresTime: expiry(metadata["expiresAtUtc"]),
  };
}

function bytesOf(body: unknown): Pick<IncomingMessage, "bytes" | "decoded"> {
  if (body instanceof Uint8Array) return { bytes: Buffer.from(body), decoded: false };
  const text = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
  return { bytes: Buffer.from(text), decoded: true };
}

/**
 * `@azure/functions` parses what looks like JSON: a MessageId `12` becomes a number, `{}` an
 * object.
 */
function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** .NET writes UTC without a zone, and the end of the year 9999 for "never". */
function expiry(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const zoned = /(?:Z|[+-]\d{2}:\d{2})$/u.test(value) ? value : `${value}Z`;
  const timeMs = Date.parse(zoned);
  return Number.isNaN(timeMs) || zoned.startsWith("9999")
    ? undefined
    : new Date(timeMs).toISOString();
}
