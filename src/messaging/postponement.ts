/**
 * A request or step that cannot be taken now is sent again for later, and its message completed.
 * Otherwise ten failed deliveries in a row would put it into the dead-letter queue. Invariants:
 *  1. The later message is sent before the earlier is completed, with an id from the request, its
 *     message and its turn. If the process dies in between, it is sent again, and duplicate
 *     detection drops only that.
 *  2. The wait grows by half with each turn, up to a maximum: about half of the time that the
 *     failure has lasted. Only the sender's time to live ends a request, and the later message
 *     keeps it.
 */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { EventReference } from "../operation/records.js";
import { MAX_BODY_BYTES } from "../json/parse-json.js";
import type { IncomingMessage } from "./incoming-message.js";

/** A request to send to its own queue again. */
export interface PostponedRequest {
  /** MessageId, the same for every delivery of a turn. */
  readonly id: string;
  readonly original: IncomingMessage;
  /** Application properties in addition to the original's. */
  readonly properties: Readonly<Record<string, string | number>>;
  /** RFC 3339; no receiver sees it before. */
  readonly enqueueTime: string;
  /** From then until the original's time to live ends, at least 1; undefined: unlimited. */
  readonly timeToLiveMs: number | undefined;
}

/** Most failures are over when the message comes again at once. */
const DELIVERIES_AT_ONCE = 3;
const FIRST_WAIT_MS = 15_000;
const GROWTH = 1.5;
const LONGEST_WAIT_MS = 15 * 60_000;

const TURNS = "sigilPostponements";
const FIRST_ID = "sigilMessageId";
/** Service Bus accepts no longer one, so a longer property was not set here. */
const LONGEST_MESSAGE_ID = 128;
/** Set to `gzip` if the body would not fit next to the properties of a postponed message. */
export const ENCODING = "sigilEncoding";

/** The message as its sender sent it: its body, and its id, if any. */
export function asSent(message: IncomingMessage): IncomingMessage {
  const {
    [TURNS]: turns,
    [FIRST_ID]: firstId,
    [ENCODING]: encoding,
    ...applicationProperties
  } = message.applicationProperties;
  if (turns === undefined) return message;
  return {
    ...message,
    applicationProperties,
    messageId:
      typeof firstId === "string" && firstId.length <= LONGEST_MESSAGE_ID ? firstId : undefined,
    bytes: encoding === "gzip" ? unzipped(message.bytes) : message.bytes,
  };
}

/**
 * A body that is not gzip, or too large, was not compressed here. It stays unchanged, to be
 * refused.
 */
function unzipped(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES });
  } catch {
    return bytes;
  }
}

/**
 * How to send the request again; undefined: its message comes again at once; "expired": its time to
 * live ends before its next turn. `message` is as delivered.
 */
export function postponementOf(
  message: IncomingMessage,
  request: EventReference | undefined,
  retryAfterMs: number,
  now: Date,
): PostponedRequest | "expired" | undefined {
  if (message.deliveryCount < DELIVERIES_AT_ONCE) return undefined;
  const original = asSent(message);
  const told = Number(message.applicationProperties[TURNS] ?? 0);
  const turn = (Number.isSafeInteger(told) && told > 0 ? told : 0) + 1;
  const waitMs = Math.max(
    retryAfterMs,
    Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * GROWTH ** Math.min(turn - 1, 30)),
  );
  const enqueueMs = now.getTime() + waitMs;
  const timeToLiveMs =
    message.expiresTime === undefined ? undefined : Date.parse(message.expiresTime) - enqueueMs;
  if (timeToLiveMs !== undefined && timeToLiveMs < 1) return "expired";
  return {
    id: idOf(message, original, request, turn),
    original,
    properties: {
      [TURNS]: turn,
      ...(original.messageId !== undefined && {
        [FIRST_ID]: original.messageId,
      }),
    },
    enqueueTime: new Date(enqueueMs).toISOString(),
    timeToLiveMs,
  };
}

/**
 * Derived from everything that identifies the message, unshortened: the request's name, the ids
 * from sender and broker, and the body. So two messages with one name are each postponed.
 */
function idOf(
  { sequenceNumber }: IncomingMessage,
  { messageId, bytes }: IncomingMessage,
  request: EventReference | undefined,
  turn: number,
): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([request?.source, request?.id, messageId, sequenceNumber, turn]))
    .update(bytes)
    .digest("hex");
  return `postponed/${hash}`;
}
