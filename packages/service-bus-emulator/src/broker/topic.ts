import type { FilterableMessage } from "../filter/value.js";
import type { Change } from "./change.js";
import type { QueueSettings } from "./delivery.js";
import { Queue, type QueueDependencies } from "./queue.js";
import type { Rules } from "./rules.js";
import type { MessageRecord } from "./message.js";

/** A subscription's queue, and the rules that say what goes there. */
export interface Subscription {
  readonly name: string;
  readonly queue: Queue;
  readonly rules: Rules;
}

export interface TopicDependencies extends QueueDependencies {
  /** The properties of an encoded message that filters may use. */
  readonly readProperties: (record: MessageRecord) => FilterableMessage;
}

/**
 * A topic: a queue that keeps only its scheduled messages and its duplicate history, and hands everything active to the
 * subscriptions whose rules take it, in the same change.
 */
export class Topic {
  readonly door: Queue;
  readonly #subscriptions: Subscription[];
  readonly #readProperties: TopicDependencies["readProperties"];

  constructor(
    dependencies: TopicDependencies,
    path: string,
    settings: QueueSettings,
    subscriptions: readonly Subscription[],
  ) {
    this.#readProperties = dependencies.readProperties;
    this.#subscriptions = [...subscriptions];
    this.door = new Queue(dependencies, path, settings, undefined, (change, record) =>
      this.#publish(change, record),
    );
  }

  /** What is published from now on goes to it, too. */
  add(subscription: Subscription): void {
    this.#subscriptions.push(subscription);
  }

  remove(queue: Queue): void {
    const index = this.#subscriptions.findIndex((each) => each.queue === queue);
    if (index >= 0) this.#subscriptions.splice(index, 1);
  }

  #publish(change: Change, record: MessageRecord): void {
    const properties = this.#readProperties(record);
    for (const { queue, rules } of this.#subscriptions)
      if (rules.take(properties))
        queue.put(change, {
          ...record,
          enqueuedSequenceNumber: record.sequenceNumber,
        });
  }
}
