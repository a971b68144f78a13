import type { ServiceBusClient } from "@azure/service-bus";
import Long from "long";
import { REQUESTS_QUEUE, translateErrors, WORK_QUEUES } from "./namespace.js";

/**
 * No function receives a message that waits for longer. Its first delivery may hold it for ten
 * minutes, and counts only once it fails: a lock lasts five minutes (service-bus.bicep), and is
 * renewed for five (host.json).
 */
const RECEIVED_WITHIN_MS = 15 * 60_000;
/**
 * How many of a queue's first messages are read. Scheduled messages may stand before waiting ones,
 * but few do so for long.
 */
const LOOKED_AT = 16;

/**
 * Rejects if messages wait in a queue and no function on any host receives them. Service Bus knows
 * that, so the process keeps no state. A peek needs the permission to receive; the count of a
 * queue's messages would need the permission to manage it.
 */
export async function requireReceivers(
  client: ServiceBusClient,
  now: Date,
  abortSignal: AbortSignal,
): Promise<void> {
  const latest = new Date(now.getTime() - RECEIVED_WITHIN_MS);
  const waiting = await Promise.all(
    [REQUESTS_QUEUE, ...WORK_QUEUES].map(async (queue) => {
      const receiver = client.createReceiver(queue);
      try {
        // "A client remembers how far it has peeked", so begin at the first message each time.
        const messages = await translateErrors(() =>
          receiver.peekMessages(LOOKED_AT, {
            fromSequenceNumber: Long.ONE,
            abortSignal,
          }),
        );
        const oldest = messages.find(
          ({ state, deliveryCount = 0 }) => state === "active" && deliveryCount === 0,
        );
        const since = oldest?.enqueuedTimeUtc;
        return since !== undefined && since < latest
          ? [`${queue} since ${since.toISOString()}`]
          : [];
      } finally {
        // Do not wait: the receiver has no link of its own.
        void receiver.close().catch(() => undefined);
      }
    }),
  );
  if (waiting.flat().length > 0)
    throw new Error(
      `messages are waiting, and no function receives them: ${waiting.flat().join(", ")}`,
    );
}
