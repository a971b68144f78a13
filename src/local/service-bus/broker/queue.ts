/**
 * A queue, a subscription or a dead-letter queue, and, with `forward`, the door of a topic. One long file, because every
 * step below moves a message between the same few places and has to keep the same invariants.
 *
 * Invariants
 * 1. Every change is appended to the store before anybody is told of it: senders and receivers hear after the commit.
 * 2. A message is in one place: ready, locked, deferred, scheduled, or gone.
 * 3. Ready messages go out in the order of their sequence numbers; one that comes back takes its old place.
 * 4. A lock belongs to one delivery. Only a lock that has not ended settles or renews its message, and only once.
 * 5. A lock that ends, an abandon and a defer count as a delivery; a release and a restart do not.
 * 6. A message whose count reaches maxDeliveryCount goes to the dead-letter queue with MaxDeliveryCountExceeded.
 * 7. An expired message is not delivered: it goes to the dead-letter queue if the entity says so, else it is gone.
 * 8. Within the window, a MessageId is taken once, whether it is sent, scheduled or cancelled since.
 * 9. A scheduled message becomes active at its time, with a new sequence number, as if it had been sent then.
 * 10. A dead-letter queue neither counts its messages out nor lets them expire.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../clock.js";
import { DuplicateHistory } from "./duplicate-history.js";
import { Heap } from "./heap.js";
import {
  stateOf,
  type ChangedProperties,
  type IncomingMessage,
  type MessageRecord,
  type MessageState,
} from "./message.js";
import type { Operation, Store, StoredEntity } from "./store.js";

export interface QueueSettings {
  readonly lockDurationMs: number;
  /** Infinity in a dead-letter queue. */
  readonly maxDeliveryCount: number;
  readonly defaultTimeToLiveMs: number | undefined;
  readonly deadLetteringOnExpiration: boolean;
  /** Undefined where duplicates are not detected. */
  readonly duplicateWindowMs: number | undefined;
}

export interface QueueDependencies {
  readonly clock: Clock;
  readonly store: Store;
}

/** A message handed to a receiver; without a lock it is already gone from the queue. */
export interface Delivery {
  readonly record: MessageRecord;
  readonly lock:
    { readonly token: string; readonly untilMs: number } | undefined;
}

/** Somebody who receives. */
export interface Consumer {
  readonly receiveAndDelete: boolean;
  /** How many messages it takes now. */
  credit(): number;
  deliver(delivery: Delivery): void;
}

/** What becomes of a settlement. */
export type Settled = "settled" | "lock-lost" | "not-allowed";

export interface DeadLettering {
  readonly reason: string | undefined;
  readonly errorDescription: string | undefined;
  readonly changedProperties: ChangedProperties;
}

/** Takes a message that has become active in place of the ready ones; undefined keeps it. */
export type Forward = (change: Change, record: MessageRecord) => void;

/** What one step does to the broker: its operations are stored together, then the queues it touched look again. */
export class Change {
  readonly operations: Operation[] = [];
  readonly touched = new Set<Queue>();
}

export interface MessageCounts {
  readonly active: number;
  readonly scheduled: number;
  readonly deadLetter: number;
  readonly deferred: number;
}

type Place = "ready" | "locked" | "deferred" | "scheduled" | "gone";

/** A message in this queue; the record is replaced, never changed. */
interface Held {
  readonly sequenceNumber: number;
  record: MessageRecord;
  place: Place;
  countedAs: MessageState | undefined;
  lock: { readonly token: string; readonly untilMs: number } | undefined;
}

const NO_CHANGES: ChangedProperties = new Map();

export class Queue {
  readonly path: string;
  readonly deadLetterQueue: Queue | undefined;
  readonly #settings: QueueSettings;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #forward: Forward | undefined;
  readonly #history: DuplicateHistory | undefined;

  readonly #messages = new Map<number, Held>();
  readonly #ready = new Heap<Held>(
    (held) => held.sequenceNumber,
    (held) => held.place === "ready",
  );
  readonly #scheduled = new Heap<Held>(
    (held) => held.record.scheduledEnqueueTimeMs ?? 0,
    (held) => held.place === "scheduled",
  );
  readonly #expiring = new Heap<Held>(
    (held) => this.#expiresAtMs(held.record),
    (held) => held.place !== "gone",
  );
  /** By token. All locks of a queue last equally long, so the order of insertion is the order in which they end. */
  readonly #locks = new Map<string, Held>();
  readonly #counts = { active: 0, deferred: 0, scheduled: 0 };

  readonly #consumers: Consumer[] = [];
  #turn = 0;
  #pumping = false;
  #nextSequenceNumber = 1;
  #armed: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(
    dependencies: QueueDependencies,
    path: string,
    settings: QueueSettings,
    deadLetterQueue: Queue | undefined,
    forward?: Forward,
  ) {
    this.#clock = dependencies.clock;
    this.#store = dependencies.store;
    this.path = path;
    this.#settings = settings;
    this.deadLetterQueue = deadLetterQueue;
    this.#forward = forward;
    this.#history =
      settings.duplicateWindowMs === undefined
        ? undefined
        : new DuplicateHistory(settings.duplicateWindowMs);
  }

  /** Takes messages, all or none, and returns their sequence numbers; a duplicate is given its original's. */
  send(messages: readonly IncomingMessage[]): number[] {
    const change = new Change();
    const numbers = messages.map((message) => this.#accept(change, message));
    this.#commit(change);
    return numbers;
  }

  /** Puts a message that another entity hands over, within that entity's change. */
  put(change: Change, record: Omit<MessageRecord, "sequenceNumber">): void {
    this.#activate(change, {
      ...record,
      sequenceNumber: this.#nextSequenceNumber++,
    });
    change.touched.add(this);
  }

  addConsumer(consumer: Consumer): void {
    this.#consumers.push(consumer);
    this.pump();
  }

  removeConsumer(consumer: Consumer): void {
    const index = this.#consumers.indexOf(consumer);
    if (index >= 0) this.#consumers.splice(index, 1);
  }

  /** Gives ready messages to the consumers that have credit, in turn. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      let refused = 0;
      while (refused < this.#consumers.length) {
        const consumer = this.#consumers[this.#turn++ % this.#consumers.length];
        if (consumer === undefined || consumer.credit() <= 0) {
          refused += 1;
          continue;
        }
        const held = this.#nextReady();
        if (held === undefined) return;
        refused = 0;
        consumer.deliver(
          consumer.receiveAndDelete ? this.#take(held) : this.#lock(held),
        );
      }
    } finally {
      this.#pumping = false;
    }
  }

  complete(token: string): Settled {
    const held = this.#unlock(token);
    if (held === undefined) return "lock-lost";
    const change = new Change();
    this.#remove(change, held);
    this.#commit(change);
    return "settled";
  }

  abandon(token: string, changes: ChangedProperties = NO_CHANGES): Settled {
    return this.#giveBack(token, { changes, counted: true, deferred: false });
  }

  defer(token: string, changes: ChangedProperties = NO_CHANGES): Settled {
    return this.#giveBack(token, { changes, counted: true, deferred: true });
  }

  /** Gives the message back as if it had not been delivered. */
  release(token: string): Settled {
    return this.#giveBack(token, {
      changes: NO_CHANGES,
      counted: false,
      deferred: false,
    });
  }

  deadLetter(token: string, deadLettering: DeadLettering): Settled {
    if (this.deadLetterQueue === undefined) return "not-allowed";
    const held = this.#unlock(token);
    if (held === undefined) return "lock-lost";
    const change = new Change();
    this.#moveToDeadLetterQueue(change, held, deadLettering);
    this.#commit(change);
    return "settled";
  }

  /** Starts the locks of all these tokens anew and returns when they end; undefined, and no change, if one has ended. */
  renew(tokens: readonly string[]): number[] | undefined {
    this.#refresh();
    const held = tokens.map((token) => this.#locks.get(token));
    if (!held.every((one) => one !== undefined)) return undefined;
    const untilMs = this.#clock.now() + this.#settings.lockDurationMs;
    return held.map((one, index) => {
      const token = tokens[index] ?? "";
      this.#locks.delete(token);
      this.#locks.set(token, one);
      one.lock = { token, untilMs };
      return untilMs;
    });
  }

  /** Cancels scheduled messages; false, and no change, if one of them is not scheduled. */
  cancelScheduled(sequenceNumbers: readonly number[]): boolean {
    this.#refresh();
    const held = sequenceNumbers.map((number) => this.#messages.get(number));
    if (!held.every((one) => one?.place === "scheduled")) return false;
    const change = new Change();
    for (const one of held) if (one !== undefined) this.#remove(change, one);
    this.#commit(change);
    return true;
  }

  /** Receives deferred messages; undefined, and no change, if one of them is not deferred or is locked. */
  receiveDeferred(
    sequenceNumbers: readonly number[],
    receiveAndDelete: boolean,
  ): Delivery[] | undefined {
    this.#refresh();
    const held = sequenceNumbers.map((number) => this.#messages.get(number));
    if (!held.every((one) => one?.place === "deferred")) return undefined;
    return held
      .filter((one) => one !== undefined)
      .map((one) => (receiveAndDelete ? this.#take(one) : this.#lock(one)));
  }

  /** Messages from a sequence number on, whatever their state, locks or not, left as they are. */
  peek(fromSequenceNumber: number, count: number): MessageRecord[] {
    this.#refresh();
    const found: MessageRecord[] = [];
    for (const held of this.#messages.values()) {
      if (held.sequenceNumber < fromSequenceNumber) continue;
      if (found.length >= count) break;
      found.push(held.record);
    }
    return found;
  }

  counts(): MessageCounts {
    this.#refresh();
    return {
      ...this.#counts,
      deadLetter: this.deadLetterQueue?.counts().active ?? 0,
    };
  }

  /** Takes over what a store held. Locks are not stored: every message comes back (5). */
  restore(stored: StoredEntity): void {
    this.#nextSequenceNumber = stored.nextSequenceNumber;
    this.#history?.restore(stored.remembered);
    const records = [...stored.messages.values()].sort(
      (a, b) => a.sequenceNumber - b.sequenceNumber,
    );
    for (const record of records) this.#hold(record);
  }

  /** Does what fell due while nobody looked; to be called once every entity is restored. */
  start(): void {
    this.#refresh();
  }

  stop(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
  }

  /** Everything a store must hold to restore this queue. */
  *snapshot(): Iterable<Operation> {
    const entity = this.path;
    yield { kind: "sequence", entity, next: this.#nextSequenceNumber };
    for (const [messageId, remembered] of this.#history?.entries(
      this.#clock.now(),
    ) ?? [])
      yield { kind: "remember", entity, messageId, ...remembered };
    for (const held of this.#messages.values())
      yield { kind: "put", entity, record: held.record };
  }

  #accept(change: Change, message: IncomingMessage): number {
    const nowMs = this.#clock.now();
    const { messageId, scheduledEnqueueTimeMs } = message;
    if (messageId !== undefined) {
      const original = this.#history?.find(messageId, nowMs);
      if (original !== undefined) return original; // (8)
    }
    const sequenceNumber = this.#nextSequenceNumber++;
    if (messageId !== undefined && this.#history !== undefined) {
      const untilMs = this.#history.remember(messageId, sequenceNumber, nowMs);
      change.operations.push({
        kind: "remember",
        entity: this.path,
        messageId,
        sequenceNumber,
        untilMs,
      });
    }
    const record: MessageRecord = {
      sequenceNumber,
      enqueuedSequenceNumber: undefined,
      enqueuedTimeMs: nowMs,
      bytes: message.bytes,
      timeToLiveMs: message.timeToLiveMs,
      scheduledEnqueueTimeMs,
      deliveryCount: 0,
      deferred: false,
      changedProperties: NO_CHANGES,
      deadLetterReason: undefined,
      deadLetterErrorDescription: undefined,
    };
    if (scheduledEnqueueTimeMs === undefined || scheduledEnqueueTimeMs <= nowMs)
      this.#activate(change, {
        ...record,
        scheduledEnqueueTimeMs: undefined,
      });
    else {
      change.operations.push({ kind: "put", entity: this.path, record });
      this.#hold(record);
    }
    return sequenceNumber;
  }

  #activate(change: Change, record: MessageRecord): void {
    const timeToLiveMs = shorter(
      record.timeToLiveMs,
      this.#settings.defaultTimeToLiveMs,
    );
    const active = { ...record, timeToLiveMs };
    if (this.#forward !== undefined) {
      const next = this.#nextSequenceNumber;
      change.operations.push({ kind: "sequence", entity: this.path, next });
      this.#forward(change, active);
      return;
    }
    change.operations.push({ kind: "put", entity: this.path, record: active });
    this.#hold(active);
  }

  #hold(record: MessageRecord): void {
    const held: Held = {
      sequenceNumber: record.sequenceNumber,
      record,
      place: "gone",
      countedAs: undefined,
      lock: undefined,
    };
    this.#messages.set(record.sequenceNumber, held);
    this.#place(held);
    if (this.#expiresAtMs(record) !== Infinity) this.#expiring.push(held);
  }

  /** Puts an unlocked message where its record says it belongs (2), a ready one by its number (3). */
  #place(held: Held): void {
    const state = stateOf(held.record);
    this.#move(held, state === "active" ? "ready" : state);
    if (state === "active") this.#ready.push(held);
    else if (state === "scheduled") this.#scheduled.push(held);
  }

  #move(held: Held, place: Place): void {
    if (held.countedAs !== undefined) this.#counts[held.countedAs] -= 1;
    held.place = place;
    held.countedAs = place === "gone" ? undefined : stateOf(held.record);
    if (held.countedAs !== undefined) this.#counts[held.countedAs] += 1;
  }

  #nextReady(): Held | undefined {
    const nowMs = this.#clock.now();
    const held = this.#ready.peek();
    if (held === undefined || this.#expiresAtMs(held.record) > nowMs)
      return this.#ready.pop();
    this.#refresh(); // (7)
    return this.#ready.pop();
  }

  #lock(held: Held): Delivery {
    const token = randomUUID();
    const untilMs = this.#clock.now() + this.#settings.lockDurationMs;
    this.#move(held, "locked");
    held.lock = { token, untilMs };
    this.#locks.set(token, held);
    this.#arm();
    return { record: held.record, lock: held.lock };
  }

  #take(held: Held): Delivery {
    const change = new Change();
    this.#remove(change, held);
    this.#store.append(change.operations);
    return { record: held.record, lock: undefined };
  }

  /** Ends a lock and returns its message, which is in no place until the caller says so (4). */
  #unlock(token: string): Held | undefined {
    this.#refresh();
    const held = this.#locks.get(token);
    if (held === undefined) return undefined;
    this.#locks.delete(token);
    held.lock = undefined;
    return held;
  }

  #giveBack(
    token: string,
    how: { changes: ChangedProperties; counted: boolean; deferred: boolean },
  ): Settled {
    const held = this.#unlock(token);
    if (held === undefined) return "lock-lost";
    const change = new Change();
    this.#return(change, held, how);
    this.#commit(change);
    return "settled";
  }

  #return(
    change: Change,
    held: Held,
    how: { changes: ChangedProperties; counted: boolean; deferred: boolean },
  ): void {
    const deliveryCount = held.record.deliveryCount + (how.counted ? 1 : 0); // (5)
    const record: MessageRecord = {
      ...held.record,
      deliveryCount,
      // A message once deferred can be had by its number only, however it is given back.
      deferred: held.record.deferred || how.deferred,
      changedProperties: merged(held.record.changedProperties, how.changes),
    };
    held.record = record;
    if (deliveryCount >= this.#settings.maxDeliveryCount && !how.deferred) {
      this.#moveToDeadLetterQueue(change, held, {
        reason: "MaxDeliveryCountExceeded",
        errorDescription: `Message could not be consumed after ${this.#settings.maxDeliveryCount} delivery attempts.`,
        changedProperties: NO_CHANGES,
      }); // (6)
      return;
    }
    if (how.counted || how.deferred || how.changes.size > 0)
      change.operations.push({ kind: "change", entity: this.path, record });
    this.#place(held);
    // Its turn to expire may have come and gone while it was locked.
    if (this.#expiresAtMs(record) <= this.#clock.now())
      this.#expiring.push(held);
  }

  #remove(change: Change, held: Held): void {
    change.operations.push({
      kind: "remove",
      entity: this.path,
      sequenceNumber: held.sequenceNumber,
    });
    this.#messages.delete(held.sequenceNumber);
    this.#move(held, "gone");
  }

  #moveToDeadLetterQueue(
    change: Change,
    held: Held,
    deadLettering: DeadLettering,
  ): void {
    this.#remove(change, held);
    this.deadLetterQueue?.put(change, {
      ...held.record,
      enqueuedSequenceNumber:
        held.record.enqueuedSequenceNumber ?? held.sequenceNumber,
      timeToLiveMs: undefined, // (10)
      deferred: false,
      changedProperties: merged(
        held.record.changedProperties,
        deadLettering.changedProperties,
      ),
      deadLetterReason: deadLettering.reason,
      deadLetterErrorDescription: deadLettering.errorDescription,
    });
  }

  #commit(change: Change): void {
    if (change.operations.length > 0) this.#store.append(change.operations); // (1)
    this.#arm();
    this.#store.afterCommit(() => {
      for (const queue of change.touched) queue.#refresh();
      this.pump();
    });
  }

  /** Does everything that has fallen due. */
  #refresh(): void {
    const nowMs = this.#clock.now();
    const change = new Change();
    this.#endLocks(change, nowMs);
    this.#activateScheduled(change, nowMs);
    this.#expire(change, nowMs);
    if (change.operations.length > 0) this.#commit(change);
    else {
      this.#arm();
      this.pump();
    }
  }

  #endLocks(change: Change, nowMs: number): void {
    for (const [token, held] of this.#locks) {
      if ((held.lock?.untilMs ?? 0) > nowMs) return;
      this.#locks.delete(token);
      held.lock = undefined;
      this.#return(change, held, {
        changes: NO_CHANGES,
        counted: true,
        deferred: false,
      });
    }
  }

  #activateScheduled(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.#scheduled.peek();
      if (held === undefined) return;
      if ((held.record.scheduledEnqueueTimeMs ?? 0) > nowMs) return;
      this.#scheduled.pop();
      this.#remove(change, held);
      this.#activate(change, {
        ...held.record,
        sequenceNumber: this.#nextSequenceNumber++, // (9)
        enqueuedTimeMs: nowMs,
        scheduledEnqueueTimeMs: undefined,
      });
    }
  }

  #expire(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.#expiring.peek();
      if (held === undefined) return;
      if (this.#expiresAtMs(held.record) > nowMs) return;
      this.#expiring.pop();
      if (held.place === "locked") continue; // comes round again when its lock ends
      if (this.#settings.deadLetteringOnExpiration)
        this.#moveToDeadLetterQueue(change, held, {
          reason: "TTLExpiredException",
          errorDescription: "The message expired and was dead lettered.",
          changedProperties: NO_CHANGES,
        });
      else this.#remove(change, held); // (7)
    }
  }

  #expiresAtMs(record: MessageRecord): number {
    return record.timeToLiveMs === undefined ||
      record.scheduledEnqueueTimeMs !== undefined
      ? Infinity
      : record.enqueuedTimeMs + record.timeToLiveMs;
  }

  /** Wakes at the next thing to fall due; an alarm that is early enough already is left alone. */
  #arm(): void {
    const firstLock = this.#locks.values().next().value;
    const scheduled = this.#scheduled.peek();
    const expiring = this.#expiring.peek();
    const atMs = Math.min(
      firstLock?.lock?.untilMs ?? Infinity,
      scheduled?.record.scheduledEnqueueTimeMs ?? Infinity,
      expiring === undefined ? Infinity : this.#expiresAtMs(expiring.record),
    );
    if (atMs === Infinity || (this.#armed?.atMs ?? Infinity) <= atMs) return;
    this.#armed?.cancel();
    const cancel = this.#clock.at(atMs, () => {
      this.#armed = undefined;
      this.#refresh();
    });
    this.#armed = { atMs, cancel };
  }
}

function shorter(
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}

function merged(
  before: ChangedProperties,
  changes: ChangedProperties,
): ChangedProperties {
  if (changes.size === 0) return before;
  return new Map([...before, ...changes]);
}
