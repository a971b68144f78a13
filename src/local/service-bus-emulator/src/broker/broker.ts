import type { EntityConfiguration } from "../configuration.js";
import type { MessageCounts, QueueSettings } from "./delivery.js";
import { Queue } from "./queue.js";
import { Rules } from "./rules.js";
import type { Operation, StoredEntity } from "./store.js";
import { Topic, type Subscription, type TopicDependencies } from "./topic.js";

/** What an address may lead to. */
export type Entity =
  | { readonly kind: "queue"; readonly queue: Queue }
  | { readonly kind: "topic"; readonly topic: Topic }
  | {
      readonly kind: "subscription";
      readonly queue: Queue;
      readonly rules: Rules;
    }
  | { readonly kind: "dead-letter-queue"; readonly queue: Queue };

/** What of a store a broker has no place for. */
export interface NotRestored {
  /** Paths that lead to no entity. */
  readonly unknownPaths: readonly string[];
  /** Subscriptions whose rules were changed by clients and are now those of another configuration. */
  readonly rulesOf: readonly string[];
}

const DEAD_LETTER_QUEUE = "$DeadLetterQueue";

/** All entities of a namespace, by path; paths compare without case. */
export class Broker {
  readonly #entities = new Map<string, Entity>();
  readonly #queues: Queue[] = [];
  readonly #rules: Rules[] = [];

  constructor(
    dependencies: TopicDependencies,
    configuration: EntityConfiguration,
  ) {
    for (const { name, settings } of configuration.queues) {
      const queue = this.#createQueue(dependencies, name, settings);
      this.#add(name, { kind: "queue", queue });
    }
    for (const { name, settings, subscriptions } of configuration.topics) {
      const topic = new Topic(
        dependencies,
        name,
        settings,
        subscriptions.map((subscription): Subscription => {
          const path = `${name}/Subscriptions/${subscription.name}`;
          const queue = this.#createQueue(
            dependencies,
            path,
            subscription.settings,
          );
          const rules = new Rules(dependencies.store, path, subscription.rules);
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
    return this.#entities.get(path.toLowerCase());
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
  }

  #createQueue(
    dependencies: TopicDependencies,
    path: string,
    settings: QueueSettings,
  ): Queue {
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
    const queue = new Queue(dependencies, path, settings, deadLetterQueue);
    this.#queues.push(queue, deadLetterQueue);
    return queue;
  }

  #add(path: string, entity: Entity): void {
    this.#entities.set(path.toLowerCase(), entity);
  }
}

/** The queue behind an entity: a topic's is its door, which holds the scheduled messages. */
export function queueOf(entity: Entity): Queue {
  return entity.kind === "topic" ? entity.topic.door : entity.queue;
}
