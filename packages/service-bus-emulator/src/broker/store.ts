import type { Rule } from "../filter/rule.js";
import type { MessageLock } from "./delivery.js";
import type { MessageRecord } from "./message.js";

/** A change of the broker's durable state. `entity` is a path such as `q`, `t/Subscriptions/s` or `q/$DeadLetterQueue`. */
export type Operation =
  | {
      readonly kind: "put";
      readonly entity: string;
      readonly record: MessageRecord;
    }
  | {
      readonly kind: "remove";
      readonly entity: string;
      readonly sequenceNumber: number;
    }
  | {
      readonly kind: "change";
      readonly entity: string;
      readonly record: MessageRecord;
    }
  /** A message's lock, until the message is changed or removed. */
  | {
      readonly kind: "lock";
      readonly entity: string;
      readonly sequenceNumber: number;
      readonly lock: MessageLock;
    }
  /** A MessageId that counts as a duplicate until `untilMs`. */
  | {
      readonly kind: "remember";
      readonly entity: string;
      readonly messageId: string;
      readonly sequenceNumber: number;
      readonly untilMs: number;
    }
  /** The state of a session; undefined clears it. */
  | {
      readonly kind: "session-state";
      readonly entity: string;
      readonly sessionId: string;
      readonly state: Buffer | undefined;
    }
  /** The rules of a subscription that a client has changed. */
  | {
      readonly kind: "rules";
      readonly entity: string;
      readonly rules: StoredRules;
    }
  | {
      readonly kind: "sequence";
      readonly entity: string;
      readonly next: number;
    };

/** The rules of a subscription, and those of the configuration that were changed into them. */
export interface StoredRules {
  readonly configured: readonly Rule[];
  readonly rules: readonly Rule[];
}

/** Where the broker's changes go before anybody hears of them. */
export interface Store {
  /** Takes operations that hold all together or not at all. */
  append(operations: readonly Operation[]): void;
  /** Runs `task` once everything appended so far is stored; at once when it is. */
  afterCommit(task: () => void): void;
}

/** The store of a broker that keeps nothing. */
export const memoryStore: Store = {
  append: () => undefined,
  afterCommit: (task) => task(),
};

/** The contents of a store for one entity. */
export interface StoredEntity {
  nextSequenceNumber: number;
  readonly messages: Map<number, MessageRecord>;
  readonly remembered: Map<string, { readonly sequenceNumber: number; readonly untilMs: number }>;
  readonly locks: Map<number, MessageLock>;
  readonly sessionStates: Map<string, Buffer>;
  rules: StoredRules | undefined;
}
