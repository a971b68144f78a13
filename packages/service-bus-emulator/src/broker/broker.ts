import type { EntityConfiguration, SubscriptionConfiguration } from "../configuration.js";
import { Alarm } from "./alarm.js";
import type { MessageCounts, QueueSettings } from "./delivery.js";
import { Queue } from "./queue.js";
import { Rules } from "./rules.js";
import type { Operation, Store, StoredEntity } from "./store.js";
import { Topic, type Subscription, type TopicDependencies } from "./topic.js";

/** The targets of an address. */
export type Entity =
  | { readonly kind: "queue"; readonly queue: Queue }
  | { readonly kind: "topic"; readonly topic: Topic }
  | {
      readonly kind: "subscription";
      readonly queue: Queue;
      readonly rules: Rules;
    }
  | { readonly kind: "dead-letter-queue"; readonly queue: Queue };

/** Parts of a store that the broker has no place for. */
export interface NotRestored {
  /** Paths that lead to no entity. */
  readonly unknownPaths: readonly string[];
  /** Subscriptions whose rules were changed by clients and are now those of another configuration. */
  readonly rulesOf: readonly string[];
}

const DEAD_LETTER_QUEUE = "$DeadLetterQueue";

/** A subscription that a client has made. */
interface Made {
  readonly topic: Topic;
  readonly queue: Queue;
  readonly idleMs: number;
  readonly alarm: Alarm;
  usedMs: number;
}

/** All entities of a namespace, by path; paths compare without case. */
export class Broker {
  readonly #dependencies: TopicDependencies;
  readonly #entities = new Map<string, Entity>();
  readonly #queues: Queue[] = [];
  readonly #rules: Rules[] = [];
  /** By path, in lower case. */
  readonly #made = new Map<string, Made>();

  constructor(given: TopicDependencies, configuration: EntityConfiguration) {
    const dependencies = { ...given, store: this.#storeOver(given.store) };
    this.#dependencies = dependencies;
    for (const { name, settings } of configuration.queues) {
      const queue = this.#createQueue(dependencies, name, settings);
      this.#keep(queue);
      this.#add(name, { kind: "queue", queue });
    }
    for (const { name, settings, subscriptions } of configuration.topics) {
      const topic = new Topic(
        dependencies,
        name,
        settings,
        subscriptions.map((subscription): Subscription => {
          const path = `${name}/Subscriptions/${subscription.name}`;
          const queue = this.#createQueue(dependencies, path, subscription.settings);
          const rules = new Rules(dependencies.store, path, subscription.rules);
          this.#keep(queue);
          this.#rules.push(rules);
          this.#add(path, { kind: "subscription", queue, rules });
          return { name: subscription.name, queue, rules };
        }),
      );
      this.#queues.push(topic.door);
      this.#add(name, { kind: "topic", topic });
    }
  }

  find(path: string): Entity | undefined {
    const key = path.toLowerCase();
    const made = this.#made.get(key);
    if (made !== undefined) this.#use(made);
    return this.#entities.get(key);
  }

  /**
   * Creates a subscription for a client. It ends with this process, and is deleted after `idleMs`
   * without use. False if the name is taken, or there is no such topic.
   */
  createSubscription(
    topicPath: string,
    { name, settings, rules }: SubscriptionConfiguration,
    idleMs: number,
  ): boolean {
    const found = this.find(topicPath);
    const path = `${topicPath}/Subscriptions/${name}`;
    const key = path.toLowerCase();
    if (found?.kind !== "topic" || this.#entities.has(key)) return false;
    const { topic } = found;
    const alarm = new Alarm(this.#dependencies.clock, () => {
      const made = this.#made.get(key);
      if (made === undefined) return;
      if (made.queue.hasConsumers) made.usedMs = this.#dependencies.clock.now();
      if (made.usedMs + idleMs > this.#dependencies.clock.now()) alarm.setFor(made.usedMs + idleMs);
      else this.deleteSubscription(path);
    });
    const queue = this.#createQueue(this.#dependencies, path, settings);
    const made: Made = { topic, queue, idleMs, alarm, usedMs: 0 };
    this.#made.set(key, made);
    this.#use(made);
    const ruleSet = new Rules(this.#dependencies.store, path, rules);
    this.#add(path, { kind: "subscription", queue, rules: ruleSet });
    topic.add({ name, queue, rules: ruleSet });
    return true;
  }

  /** Deletes a subscription that a client has made; false if there is none. */
  deleteSubscription(path: string): boolean {
    const key = path.toLowerCase();
    const made = this.#made.get(key);
    if (made === undefined) return false;
    const { topic, queue, alarm } = made;
    topic.remove(queue);
    alarm.cancel();
    queue.stop();
    queue.deadLetterQueue?.stop();
    this.#made.delete(key);
    this.#entities.delete(key);
    this.#entities.delete(`${key}/${DEAD_LETTER_QUEUE.toLowerCase()}`);
    return true;
  }

  /** How many messages an entity holds; a topic counts the scheduled ones only. Undefined if there is no such entity. */
  counts(path: string): MessageCounts | undefined {
    const entity = this.find(path);
    if (entity === undefined) return undefined;
    return queueOf(entity).counts();
  }

  /** Takes over what a store held and starts. */
  start(stored: ReadonlyMap<string, StoredEntity>): NotRestored {
    const unknownPaths: string[] = [];
    const rulesOf: string[] = [];
    for (const [path, entity] of stored) {
      const found = this.find(path);
      if (found === undefined) {
        unknownPaths.push(path);
        continue;
      }
      queueOf(found).restore(entity);
      if (found.kind === "subscription" && entity.rules !== undefined)
        if (!found.rules.restore(entity.rules)) rulesOf.push(path);
    }
    for (const queue of this.#queues) queue.refresh();
    return { unknownPaths, rulesOf };
  }

  *snapshot(): Iterable<Operation> {
    for (const queue of this.#queues) yield* queue.snapshot();
    for (const rules of this.#rules) yield* rules.snapshot();
  }

  stop(): void {
    for (const queue of this.#queues) queue.stop();
    for (const { queue } of this.#made.values()) this.deleteSubscription(queue.path);
  }

  /** What is in it is a part of every snapshot. */
  #keep(queue: Queue): void {
    this.#queues.push(queue);
    if (queue.deadLetterQueue !== undefined) this.#queues.push(queue.deadLetterQueue);
  }

  #use(made: Made): void {
    made.usedMs = this.#dependencies.clock.now();
    made.alarm.setFor(made.usedMs + made.idleMs);
  }

  /** What is in subscriptions that clients have made is not kept. */
  #storeOver(store: Store): Store {
    return {
      append: (operations) =>
        store.append(
          this.#made.size === 0
            ? operations
            : operations.filter(({ entity }) => !this.#isMade(entity)),
        ),
      afterCommit: (task) => store.afterCommit(task),
    };
  }

  #isMade(path: string): boolean {
    const key = path.toLowerCase();
    return this.#made.has(key) || this.#made.has(key.slice(0, -`/${DEAD_LETTER_QUEUE}`.length));
  }

  #createQueue(dependencies: TopicDependencies, path: string, settings: QueueSettings): Queue {
    const deadLetterPath = `${path}/${DEAD_LETTER_QUEUE}`;
    const deadLetterQueue = new Queue(
      dependencies,
      deadLetterPath,
      {
        lockDurationMs: settings.lockDurationMs,
        maxDeliveryCount: Infinity,
        defaultTimeToLiveMs: undefined,
        deadLetteringOnExpiration: false,
        duplicateWindowMs: undefined,
        requiresSession: false,
      },
      undefined,
    );
    this.#add(deadLetterPath, {
      kind: "dead-letter-queue",
      queue: deadLetterQueue,
    });
    return new Queue(dependencies, path, settings, deadLetterQueue);
  }

  #add(path: string, entity: Entity): void {
    this.#entities.set(path.toLowerCase(), entity);
  }
}

/** The queue behind an entity: a topic's is its door, which holds the scheduled messages. */
export function queueOf(entity: Entity): Queue {
  return entity.kind === "topic" ? entity.topic.door : entity.queue;
}
