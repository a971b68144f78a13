import type { InvocationContext } from "@azure/functions";

/** A message holds 64 KB of properties, its sender's and ours: of the sender's, so many can always be sent on. */
export const LARGEST_PROPERTIES_BYTES = 48 * 1024;

/** A message as a Service Bus trigger hands it over. */
export interface IncomingMessage {
  /** The body, byte for byte. */
  readonly bytes: Buffer;
  /** True where the host gave no bytes but what it had made of them, of which `bytes` are the text or JSON. */
  readonly decoded: boolean;
  readonly messageId: string | undefined;
  readonly contentType: string | undefined;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  /** 1 at the first delivery. */
  readonly deliveryCount: number;
  /** The broker's number for it in its queue, the same at each delivery. */
  readonly sequenceNumber: string | undefined;
  /** RFC 3339: when its time to live ends; undefined where it has none. */
  readonly expiresTime: string | undefined;
}

/** The metadata is the broker's: of a body that is bound as bytes the host merges nothing into it (queue-function.ts). */
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

/** `@azure/functions` parses whatever looks like JSON: a MessageId `12` becomes a number, `{}` an object. */
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
