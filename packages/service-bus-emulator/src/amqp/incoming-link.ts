import type { IncomingMessage } from "../broker/message.js";
import type { Queue } from "../broker/queue.js";
import type { Store } from "../broker/store.js";
import { answer } from "./dispositions.js";
import { CONDITION, SESSION_REFUSED } from "./errors.js";
import { readIncomingMessage } from "./properties.js";
import type { MessageContext } from "./rhea.js";
import { BATCH_FORMAT, readParts } from "./sections.js";

/** The largest message taken, as in the standard tier; clients learn it from the attach. */
export const MAX_MESSAGE_SIZE = 262_144;

/** Takes what a client sends to a queue or topic and accepts it once it is stored. */
export function receiveMessage(
  { receiver, delivery, message, format }: MessageContext,
  queue: Queue,
  store: Store,
): void {
  if (message.length > MAX_MESSAGE_SIZE) {
    const description = `The message has ${message.length} bytes; at most ${MAX_MESSAGE_SIZE} are accepted.`;
    answer(receiver, delivery, {
      kind: "rejected",
      error: { condition: CONDITION.messageSizeExceeded, description },
    });
    return;
  }
  let messages: IncomingMessage[];
  try {
    messages =
      format === BATCH_FORMAT
        ? readParts(message).data.map(readIncomingMessage)
        : [readIncomingMessage(message)];
  } catch (error) {
    const description = error instanceof Error ? error.message : String(error);
    answer(receiver, delivery, {
      kind: "rejected",
      error: { condition: CONDITION.decodeError, description },
    });
    return;
  }
  if (lacksSession(queue, messages)) {
    answer(receiver, delivery, {
      kind: "rejected",
      error: SESSION_REFUSED.noSessionId,
    });
    return;
  }
  queue.send(messages);
  store.afterCommit(() => answer(receiver, delivery, { kind: "accepted" }));
}

/** Whether a queue that requires sessions would be sent a message without one. */
export function lacksSession(queue: Queue, messages: readonly IncomingMessage[]): boolean {
  return queue.requiresSession && messages.some(({ sessionId }) => sessionId === undefined);
}
