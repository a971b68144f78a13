/**
 * Where each message of a queue is.
 *
 * Invariants
 * 1. A message is in one place: ready, locked, deferred, scheduled, or gone.
 * 2. Ready messages of a session, or of a queue without sessions, come out in the order of their sequence numbers; one that comes back takes its old place.
 * 3. A message is counted by the state its record speaks of, locked or not, until it is gone.
 */
import type { MessageLock } from "./delivery.js";
import { Heap } from "./heap.js";
import { stateOf, type MessageRecord, type MessageState } from "./message.js";

export type Place = "ready" | "locked" | "deferred" | "scheduled" | "gone";

/** A message in this queue; the record is replaced, never changed. */
export interface Held {
  readonly sequenceNumber: number;
  record: MessageRecord;
  place: Place;
  countedAs: MessageState | undefined;
  lock: MessageLock | undefined;
}

export class Places {
  readonly counts = { active: 0, deferred: 0, scheduled: 0 };
  readonly #messages = new Map<number, Held>();
  readonly #inSessions: boolean;
  /** By session; in a queue without sessions there is one, that of undefined. */
  readonly #ready = new Map<string | undefined, Heap<Held>>();
  readonly #scheduled = new Heap<Held>(
    (held) => held.record.scheduledEnqueueTimeMs ?? 0,
    (held) => held.place === "scheduled",
  );
  readonly #expiring = new Heap<Held>(
    (held) => expiresAtMs(held.record),
    (held) => held.place !== "gone",
  );

  constructor(inSessions: boolean) {
    this.#inSessions = inSessions;
  }

  find(sequenceNumber: number): Held | undefined {
    return this.#messages.get(sequenceNumber);
  }

  /** All messages, by sequence number. */
  all(): Iterable<Held> {
    return this.#messages.values();
  }

  /** Takes in a message: locked, or in the place that its record shows. */
  hold(record: MessageRecord, locked = false): Held {
    const held: Held = {
      sequenceNumber: record.sequenceNumber,
      record,
      place: "gone",
      countedAs: undefined,
      lock: undefined,
    };
    this.#messages.set(record.sequenceNumber, held);
    if (locked) this.lock(held);
    else this.place(held);
    this.expireInTime(held);
    return held;
  }

  /** Puts an unlocked message where its record says it belongs (1), a ready one by its number (2). */
  place(held: Held): void {
    const state = stateOf(held.record);
    this.#move(held, state === "active" ? "ready" : state);
    if (state === "active") this.#readyOf(held.record.sessionId).push(held);
    else if (state === "scheduled") this.#scheduled.push(held);
  }

  lock(held: Held): void {
    this.#move(held, "locked");
  }

  remove(held: Held): void {
    this.#messages.delete(held.sequenceNumber);
    this.#move(held, "gone");
  }

  /** Lets `popExpired` find the message at its time; to be called again for one that was locked then. */
  expireInTime(held: Held): void {
    if (expiresAtMs(held.record) !== Infinity) this.#expiring.push(held);
  }

  firstReady(sessionId: string | undefined): Held | undefined {
    return this.#ready.get(sessionId)?.peek();
  }

  popReady(sessionId: string | undefined): Held | undefined {
    const ready = this.#ready.get(sessionId);
    const held = ready?.pop();
    if (ready?.peek() === undefined) this.#ready.delete(sessionId);
    return held;
  }

  /** The next scheduled message whose time has come. */
  popDue(nowMs: number): Held | undefined {
    const held = this.#scheduled.peek();
    return held !== undefined && dueAtMs(held) <= nowMs ? this.#scheduled.pop() : undefined;
  }

  /** The next expired message, locked or not. */
  popExpired(nowMs: number): Held | undefined {
    const held = this.#expiring.peek();
    return held !== undefined && expiresAtMs(held.record) <= nowMs
      ? this.#expiring.pop()
      : undefined;
  }

  /** When the next message is due or expires. */
  nextMs(): number {
    const scheduled = this.#scheduled.peek();
    const expiring = this.#expiring.peek();
    return Math.min(
      scheduled === undefined ? Infinity : dueAtMs(scheduled),
      expiring === undefined ? Infinity : expiresAtMs(expiring.record),
    );
  }

  #readyOf(sessionId: string | undefined): Heap<Held> {
    const key = this.#inSessions ? sessionId : undefined;
    let ready = this.#ready.get(key);
    if (ready === undefined) {
      ready = new Heap<Held>(
        (held) => held.sequenceNumber,
        (held) => held.place === "ready",
      );
      this.#ready.set(key, ready);
    }
    return ready;
  }

  #move(held: Held, place: Place): void {
    if (held.countedAs !== undefined) this.counts[held.countedAs] -= 1;
    held.place = place;
    held.countedAs = place === "gone" ? undefined : stateOf(held.record);
    if (held.countedAs !== undefined) this.counts[held.countedAs] += 1; // (3)
  }
}

function dueAtMs({ record }: Held): number {
  return record.scheduledEnqueueTimeMs ?? Infinity;
}

/** When a message expires; Infinity for one that never does or still waits for its time. */
export function expiresAtMs(record: MessageRecord): number {
  return record.timeToLiveMs === undefined || record.scheduledEnqueueTimeMs !== undefined
    ? Infinity
    : record.enqueuedTimeMs + record.timeToLiveMs;
}
