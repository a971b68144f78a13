import type { ServiceBusClient } from "@azure/service-bus";
import Long from "long";
import { REQUESTS_QUEUE, translateErrors, WORK_QUEUES } from "./namespace.js";

/**
 * A message that waits for longer is received by nobody. Its first delivery may hold it for ten minutes, and counts once it
 * has failed: a lock lasts for five (service-bus.bicep), and is renewed for five (host.json).
 */
const RECEIVED_WITHIN_MS = 15 * 60_000;
/** So many of a queue's first messages are looked at. Scheduled ones may stand before those that wait: few do so for long. */
const LOOKED_AT = 16;

/**
 * Rejects where messages wait in a queue and no function receives them, on any host. Service Bus knows that; the process
 * keeps nothing. A peek needs the right to receive; the count of a queue's messages would need the right to manage it.
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
        // "A client remembers how far it has peeked": from the first message each time.
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
        // It has no link of its own to wait for.
        void receiver.close().catch(() => undefined);
      }
    }),
  );
  if (waiting.flat().length > 0)
    throw new Error(
      `messages are waiting, and no function receives them: ${waiting.flat().join(", ")}`,
    );
}
