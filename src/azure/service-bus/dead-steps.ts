import type { ServiceBusReceiver } from "@azure/service-bus";
import { connect, translateErrors, WORK_QUEUES, type ServiceBusNamespace } from "./namespace.js";

/** How many messages of a dead-letter queue are searched for one step, and how many at a time. */
const MOST_DEAD = 5_000;
const PORTION = 250;

/** Why messages of that step are dead letters; empty if there are none. */
export async function findDeadStep(
  namespace: ServiceBusNamespace,
  operationId: string,
  step: number,
): Promise<readonly string[]> {
  // A client remembers for each entity how far it has peeked, whichever receiver did it. Only a new
  // client begins at the first message.
  const client = connect(namespace);
  try {
    const reasons = await Promise.all(
      WORK_QUEUES.map((queue) =>
        translateErrors(() =>
          reasonsIn(
            client.createReceiver(queue, { subQueueType: "deadLetter" }),
            operationId,
            step,
          ),
        ),
      ),
    );
    return reasons.flat();
  } finally {
    await client.close();
  }
}

async function reasonsIn(
  receiver: ServiceBusReceiver,
  operationId: string,
  step: number,
): Promise<string[]> {
  const reasons: string[] = [];
  for (let seen = 0; seen < MOST_DEAD;) {
    const messages = await receiver.peekMessages(PORTION);
    for (const { body, deadLetterReason } of messages) {
      const names = body as { operationId?: unknown; step?: unknown } | null | undefined;
      if (names?.operationId === operationId && names.step === step)
        reasons.push(deadLetterReason ?? "no reason given");
    }
    if (messages.length === 0) break;
    seen += messages.length;
  }
  return reasons;
}
