/**
 * A request that cannot be taken now is sent again for later, and its message completed: of ten deliveries in a row, each of
 * which fails, the last would put it into the dead-letter queue, where nobody looks. Invariants:
 *  1. The later message is sent before the earlier is completed, under an id that names its turn: whoever dies in between
 *     sends it again, and duplicate detection drops that.
 *  2. The wait doubles with each turn, up to the longest; a request is given up by nobody but its sender's time to live.
 */
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
}

/** Most failures have passed when the message comes again at once. */
const DELIVERIES_AT_ONCE = 3;
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;

const TURNS = "sigilPostponements";
const FIRST_ID = "sigilMessageId";

/** The message under the id that its sender gave it. */
export function asSent(message: IncomingMessage): IncomingMessage {
  const first = message.applicationProperties[FIRST_ID];
  return typeof first === "string" ? { ...message, messageId: first } : message;
}

/** How the request is to be sent again; undefined where its message is to come again at once. */
export function postponementOf(
  message: IncomingMessage,
  retryAfterMs: number,
  now: Date,
): PostponedRequest | undefined {
  const { messageId, deliveryCount } = asSent(message);
  if (deliveryCount < DELIVERIES_AT_ONCE || messageId === undefined)
    return undefined;
  const told = Number(message.applicationProperties[TURNS] ?? 0);
  const turn = (Number.isSafeInteger(told) && told > 0 ? told : 0) + 1;
  const waitMs = Math.max(
    retryAfterMs,
    Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(turn - 1, 30)),
  );
  return {
    id: `${messageId.slice(0, 100)}.${turn}`,
    original: message,
    properties: { [TURNS]: turn, [FIRST_ID]: messageId },
    enqueueTime: new Date(now.getTime() + waitMs).toISOString(),
  };
}
