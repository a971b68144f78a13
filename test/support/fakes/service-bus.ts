/**
 * Service Bus as the ports see it: at least once, in no order. A message is seen again until it is completed, and dead
 * after its last delivery. Duplicate detection forgets a MessageId when its window is over, as in infra/.
 */
import { ServiceError } from "../../../src/errors.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { EventPublisher, WorkQueue } from "../../../src/operation/ports.js";
import type { WorkMessage } from "../../../src/operation/records.js";
import { noteEvent } from "../golden.js";

const QUEUE_WINDOW_MS = 3_600_000;
const TOPIC_WINDOW_MS = 86_400_000;
const LOCK_MS = 60_000;
export const MAX_DELIVERY_COUNT = 10;
/** Service Bus' reason for a message that was delivered so often. */
const USED_UP = "MaxDeliveryCountExceeded";

export interface QueuedMessage {
  readonly message: WorkMessage;
  deliveries: number;
  visibleMs: number;
}

export interface Queues extends WorkQueue {
  /** What a receiver could have now, in the order of becoming visible; of that queue alone, if one is named. */
  due(queue?: string): readonly QueuedMessage[];
  /** The same, delivered and completed. */
  take(queue: string): readonly WorkMessage[];
  /** When the next message becomes visible. */
  nextMs(): number | undefined;
  /** Delivered and completed: as good as new where a lock was lost. */
  completed(): readonly WorkMessage[];
  settle(queued: QueuedMessage, outcome: "completed" | "abandoned" | "lock lost"): void;
  /** An outage has used up the deliveries of a message, or somebody has dead-lettered it for another reason. */
  bury(which: number, reason?: string): void;
  /** True once a message for this step was sent. */
  wasSent(operationId: string, step: number): boolean;
}

export function createMemoryQueues(nowMs: () => number): Queues {
  const queued: QueuedMessage[] = [];
  const completed: WorkMessage[] = [];
  const dead: { readonly message: WorkMessage; readonly reason: string }[] = [];
  const sent = new Map<string, number>();
  const steps = new Set<string>();
  const due: Queues["due"] = (queue) =>
    queued
      .filter(
        ({ message, visibleMs }) =>
          visibleMs <= nowMs() && (queue === undefined || message.queue === queue),
      )
      .sort((a, b) => a.visibleMs - b.visibleMs);
  const settle: Queues["settle"] = (message, outcome) => {
    if (outcome === "completed") completed.push(message.message);
    else if (message.deliveries >= MAX_DELIVERY_COUNT)
      dead.push({ message: message.message, reason: USED_UP });
    else {
      if (outcome === "lock lost") message.visibleMs = nowMs() + LOCK_MS;
      return;
    }
    const place = queued.indexOf(message);
    if (place !== -1) queued.splice(place, 1);
  };
  return {
    enqueue(messages) {
      for (const message of messages) {
        steps.add(`${message.operationId} ${message.step}`);
        const name = `${message.queue} ${message.id}`;
        const before = sent.get(name);
        if (before !== undefined && nowMs() - before < QUEUE_WINDOW_MS) continue;
        sent.set(name, nowMs());
        queued.push({
          message,
          deliveries: 0,
          visibleMs: Math.max(nowMs(), Date.parse(message.enqueueTime)),
        });
      }
      return Promise.resolve();
    },
    findDead: (operationId, step) =>
      Promise.resolve(
        dead
          .filter(({ message }) => message.operationId === operationId && message.step === step)
          .map(({ reason }) => reason),
      ),
    due,
    take: (queue) =>
      due(queue).map((message) => {
        settle(message, "completed");
        return message.message;
      }),
    nextMs: () =>
      queued.length === 0 ? undefined : Math.min(...queued.map(({ visibleMs }) => visibleMs)),
    completed: () => completed,
    settle,
    bury(which, reason = USED_UP) {
      const [buried] = queued.splice(which % Math.max(1, queued.length), 1);
      if (buried !== undefined) dead.push({ message: buried.message, reason });
    },
    wasSent: (operationId, step) => steps.has(`${operationId} ${step}`),
  };
}

export interface Topic extends EventPublisher {
  /** What a subscriber has got. */
  readonly events: readonly CloudEvent[];
  /** The next so many publications are refused. */
  refuse(publications: number): void;
}

/** `onEvent` is told of each event that passes duplicate detection; `onDifferent` of two facts with one id. */
export function createMemoryTopic(
  nowMs: () => number,
  onEvent: (event: CloudEvent) => void = () => undefined,
  onDifferent: (id: string) => void = () => undefined,
): Topic {
  const events: CloudEvent[] = [];
  const sent = new Map<string, { atMs: number; text: string }>();
  let refused = 0;
  return {
    events,
    refuse: (publications) => void (refused = publications),
    publish(published) {
      if (refused > 0 && published.length > 0) {
        refused -= 1;
        return Promise.reject(
          new ServiceError("DependencyUnavailable", "The topic is full.", {
            retryAfterMs: 5_000,
          }),
        );
      }
      for (const event of published) {
        const text = JSON.stringify(event);
        const before = sent.get(event.id);
        if (before !== undefined && before.text !== text) onDifferent(event.id);
        if (before !== undefined && nowMs() - before.atMs < TOPIC_WINDOW_MS) continue;
        sent.set(event.id, { atMs: nowMs(), text });
        events.push(JSON.parse(text) as CloudEvent);
        noteEvent(event);
        onEvent(event);
      }
      return Promise.resolve();
    },
  };
}
