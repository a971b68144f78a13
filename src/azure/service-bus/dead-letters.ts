import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import type { DeadLetterLook, DeadLetters } from "../../messaging/dead-letters.js";
import {
  connect,
  REQUESTS_QUEUE,
  translateErrors,
  WORK_QUEUES,
  type ServiceBusNamespace,
} from "./namespace.js";

/**
 * How many messages of a dead-letter queue are read, and how many at a time: a message may have 256
 * KB.
 */
const MOST_COUNTED = 1_000;
const PORTION = 50;
/**
 * How long to wait for messages. Dead letters are in the queue already, so a longer wait finds no
 * more.
 */
const WAIT_MS = 2_000;
const LONGEST_REASON = 200;
const MOST_REASONS = 10;

/** The dead-letter queues of all queues that Sigil receives from. */
export function createDeadLetters(namespace: ServiceBusNamespace): DeadLetters {
  /**
   * Runs with a new client: a client remembers how far it has peeked, and each read must begin at
   * the first message.
   */
  const withReceiver = <T>(
    queue: string,
    use: (receiver: ServiceBusReceiver) => Promise<T>,
  ): Promise<T> =>
    translateErrors(async () => {
      const client = connect(namespace);
      try {
        return await use(
          client.createReceiver(queue, {
            subQueueType: "deadLetter",
            skipParsingBodyAsJson: true,
            maxAutoLockRenewalDurationInMs: 0,
          }),
        );
      } finally {
        await client.close();
      }
    });
  return {
    queues: [REQUESTS_QUEUE, ...WORK_QUEUES],
    look: (queue, before) => withReceiver(queue, (receiver) => look(receiver, queue, before)),
    end: (queue, before, most) => withReceiver(queue, (receiver) => end(receiver, before, most)),
  };
}

async function look(
  receiver: ServiceBusReceiver,
  queue: string,
  before: Date,
): Promise<DeadLetterLook> {
  let count = 0;
  let old = 0;
  let oldest: Date | undefined;
  let [first, last] = ["", ""];
  let messages: ServiceBusReceivedMessage[];
  const reasons = new Map<string, number>();
  do {
    messages = await receiver.peekMessages(PORTION);
    for (const message of messages) {
      const { enqueuedTimeUtc, sequenceNumber, deadLetterReason } = message;
      count += 1;
      if (isOlder(message, before)) old += 1;
      if (oldest === undefined || isOlder(message, oldest)) oldest = enqueuedTimeUtc;
      last = String(sequenceNumber);
      first ||= last;
      const reason = (deadLetterReason ?? "none").slice(0, LONGEST_REASON);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  } while (messages.length > 0 && count < MOST_COUNTED);
  return {
    queue,
    count,
    more: messages.length > 0,
    old,
    oldestTime: oldest?.toISOString(),
    reasons: [...reasons]
      .map(([reason, times]) => ({ reason, count: times }))
      .sort((a, b) => b.count - a.count)
      .slice(0, MOST_REASONS),
    mark: `${count} ${first} ${last}`,
  };
}

/**
 * Deletes old messages. They arrive in the order of their numbers, so the first portion without an
 * old one is the last.
 */
async function end(receiver: ServiceBusReceiver, before: Date, most: number): Promise<number> {
  let ended = 0;
  while (ended < most) {
    const messages = await receiver.receiveMessages(Math.min(PORTION, most - ended), {
      maxWaitTimeInMs: WAIT_MS,
    });
    const old = messages.filter((message) => isOlder(message, before));
    for (const message of messages)
      // A dead-letter queue has no maximum delivery count, so an abandoned message stays.
      await (isOlder(message, before)
        ? receiver.completeMessage(message)
        : receiver.abandonMessage(message));
    if (old.length === 0) break;
    ended += old.length;
  }
  return ended;
}

function isOlder({ enqueuedTimeUtc }: ServiceBusReceivedMessage, than: Date): boolean {
  return enqueuedTimeUtc !== undefined && enqueuedTimeUtc < than;
}
