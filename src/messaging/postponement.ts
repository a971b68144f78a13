/**
 * A request that cannot be taken now, or a step, is sent again for later, and its message completed: of ten deliveries in a
 * row, each of which fails, the last would put it into the dead-letter queue. Invariants:
 *  1. The later message is sent before the earlier is completed, under an id that names the request, its message and its
 *     turn: whoever dies in between sends it again, and duplicate detection drops that, and nothing else.
 *  2. The wait grows by half with each turn, up to the longest: it is half of what the failure has lasted, and a little. A request is
 *     given up by nobody but its sender's time to live, which the later message keeps.
 */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { EventReference } from "../operation/records.js";
import { MAX_BODY_BYTES } from "../json/parse-json.js";
import type { IncomingMessage } from "./incoming-message.js";

/** A request to be sent to its own queue again. */
export interface PostponedRequest {
  /** MessageId: the same for every delivery of the same turn. */
  readonly id: string;
  readonly original: IncomingMessage;
  /** Application properties beside the original's. */
  readonly properties: Readonly<Record<string, string | number>>;
  /** RFC 3339; not visible to a receiver before. */
  readonly enqueueTime: string;
  /** From then on, until the original's ends; undefined where it has none. Never less than 1. */
  readonly timeToLiveMs: number | undefined;
}

/** Most failures have passed when the message comes again at once. */
const DELIVERIES_AT_ONCE = 3;
const FIRST_WAIT_MS = 15_000;
const GROWTH = 1.5;
const LONGEST_WAIT_MS = 15 * 60_000;

const TURNS = "sigilPostponements";
const FIRST_ID = "sigilMessageId";
/** Service Bus takes no longer one: such a property was not set here. */
const LONGEST_MESSAGE_ID = 128;
/** Set to `gzip` where the body, with what a postponed message has beside it, would not have fitted otherwise. */
export const ENCODING = "sigilEncoding";

/** The message as its sender sent it: its body, and the id that it had, if it had one. */
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

/** What is no gzip, or is too large, was not zipped here: it stays as it is, to be refused. */
function unzipped(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES });
  } catch {
    return bytes;
  }
}

/**
 * How the request is to be sent again; undefined where its message is to come again at once, and "expired" where its
 * time to live ends before its next turn. `message` is as delivered.
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
 * Of all that tells the message from others, none of it shortened: the request's name, the ids that sender and broker gave,
 * and the body. Two messages that share a name are postponed each by itself.
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
