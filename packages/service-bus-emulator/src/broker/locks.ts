/**
 * The locks on a queue's messages, by token.
 *
 * Invariants
 *  1. A message has at most one lock, and a token belongs to one delivery.
 *  2. An ended lock is never found.
 */
import { randomUUID } from "node:crypto";
import type { MessageLock } from "./delivery.js";
import { Heap } from "./heap.js";
import type { Held } from "./places.js";

interface Entry {
  readonly held: Held;
  readonly lock: MessageLock;
}

export class Locks {
  readonly #byToken = new Map<string, Held>();
  readonly #ending = new Heap<Entry>(
    ({ lock }) => lock.untilMs,
    ({ held, lock }) => held.lock === lock,
  );

  /** Locks a message under a new token; with `untilMs` Infinity, until the lock is ended. */
  grant(held: Held, untilMs: number): MessageLock {
    return this.restore(held, { token: randomUUID(), untilMs });
  }

  /** Puts a lock on a message in place of the one it may have. */
  restore(held: Held, lock: MessageLock): MessageLock {
    const { token, untilMs } = lock;
    held.lock = lock; // (1): the entry of the lock before is dead now
    this.#byToken.set(token, held);
    if (untilMs !== Infinity) this.#ending.push({ held, lock });
    return lock;
  }

  find(token: string): Held | undefined {
    return this.#byToken.get(token);
  }

  /** Ends a lock and returns its message; undefined if there is no such lock. */
  end(token: string): Held | undefined {
    const held = this.#byToken.get(token);
    if (held === undefined) return undefined;
    this.#byToken.delete(token); // (2)
    held.lock = undefined;
    return held;
  }

  /** The tokens of a session's messages. */
  ofSession(sessionId: string): string[] {
    return [...this.#byToken]
      .filter(([, { record }]) => record.sessionId === sessionId)
      .map(([token]) => token);
  }

  /** Ends the first lock that is over by now and returns its message. */
  endDue(nowMs: number): Held | undefined {
    const first = this.#ending.peek();
    if (first === undefined || first.lock.untilMs > nowMs) return undefined;
    return this.end(first.lock.token);
  }

  nextEndMs(): number {
    return this.#ending.peek()?.lock.untilMs ?? Infinity;
  }
}
