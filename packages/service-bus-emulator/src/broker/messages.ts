/**
 * The messages of a queue and the steps that move them. Each step takes the change that it is a part of.
 *
 * Invariants
 * 1. A step changes both: what the store is told, and where the message is (places.ts, locks.ts).
 * 2. A lock that ends, an abandon and a defer count as a delivery; a release does not. A lock outlives a restart, with its
 *    token; that of a session does not, whose link is gone then.
 * 3. A message whose count reaches maxDeliveryCount goes to the dead-letter queue with MaxDeliveryCountExceeded.
 * 4. An expired message goes to the dead-letter queue if the entity says so, else it is gone.
 * 5. Within the window, a MessageId is taken once, whether it is sent, scheduled or cancelled since.
 * 6. A scheduled message becomes active at its time, with a new sequence number, as if it had been sent then.
 * 7. A dead-letter queue neither counts its messages out nor lets them expire.
 * 8. Where sessions are required, a message without one that a topic hands over is dead-lettered.
 * 9. A message of a session is locked as long as the session is.
 */
import type { Clock } from "@sigil-local/clock";
import type { Change } from "./change.js";
import type { DeadLettering, Delivery, MessageLock, QueueSettings } from "./delivery.js";
import { DuplicateHistory } from "./duplicate-history.js";
import { Locks } from "./locks.js";
import type { ChangedProperties, IncomingMessage, MessageRecord } from "./message.js";
import { expiresAtMs, Places, type Held } from "./places.js";
import type { SessionLock } from "./sessions.js";
import type { Operation, StoredEntity } from "./store.js";

/** Takes a message that has become active in place of the ready ones; undefined keeps it. */
export type Forward = (change: Change, record: MessageRecord) => void;

/** How a settlement other than completion changes the record. */
export interface Return {
  readonly changes: ChangedProperties;
  readonly counted: boolean;
  readonly deferred: boolean;
}

export const NO_CHANGES: ChangedProperties = new Map();
/** The service's words (Overview of Service Bus dead-letter queues). */
const WITHOUT_SESSION: DeadLettering = {
  reason: "Session ID is null.",
  errorDescription:
    "Session enabled entity doesn't allow a message whose session identifier is null.",
  changedProperties: NO_CHANGES,
};

/** The queues that take messages which no longer, or not yet, belong to this one. */
export interface Neighbours {
  /** Undefined in a dead-letter queue. */
  readonly deadLetterQueue: { put(change: Change, record: MessageRecord): void } | undefined;
  readonly forward: Forward | undefined;
  /** Hears that a session has a message ready. */
  readonly onReady: (sessionId: string) => void;
}

export class Messages {
  readonly places: Places;
  readonly locks = new Locks();
  readonly #clock: Clock;
  readonly #path: string;
  readonly #settings: QueueSettings;
  readonly #neighbours: Neighbours;
  readonly #history: DuplicateHistory | undefined;
  #nextSequenceNumber = 1;

  constructor(clock: Clock, path: string, settings: QueueSettings, neighbours: Neighbours) {
    this.#clock = clock;
    this.#path = path;
    this.#settings = settings;
    this.#neighbours = neighbours;
    this.places = new Places(settings.requiresSession);
    this.#history =
      settings.duplicateWindowMs === undefined
        ? undefined
        : new DuplicateHistory(settings.duplicateWindowMs);
  }

  /** Takes a sent message and returns its sequence number; a duplicate is given its original's. */
  accept(change: Change, message: IncomingMessage): number {
    const nowMs = this.#clock.now();
    const { messageId, scheduledEnqueueTimeMs } = message;
    if (messageId !== undefined) {
      const original = this.#history?.find(messageId, nowMs);
      if (original !== undefined) return original; // (5)
    }
    const sequenceNumber = this.#nextSequenceNumber++;
    if (messageId !== undefined && this.#history !== undefined) {
      const untilMs = this.#history.remember(messageId, sequenceNumber, nowMs);
      change.operations.push({
        kind: "remember",
        entity: this.#path,
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
      sessionId: message.sessionId,
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
      change.operations.push({ kind: "put", entity: this.#path, record });
      this.#hold(record);
    }
    return sequenceNumber;
  }

  /** Takes a message that another entity hands over. */
  put(change: Change, record: Omit<MessageRecord, "sequenceNumber">): void {
    this.#activate(change, {
      ...record,
      sequenceNumber: this.#nextSequenceNumber++,
    });
  }

  #activate(change: Change, record: MessageRecord): void {
    const timeToLiveMs = shorter(record.timeToLiveMs, this.#settings.defaultTimeToLiveMs);
    const active = { ...record, timeToLiveMs };
    const { forward } = this.#neighbours;
    if (forward !== undefined) {
      const next = this.#nextSequenceNumber;
      change.operations.push({ kind: "sequence", entity: this.#path, next });
      forward(change, active);
      return;
    }
    change.operations.push({ kind: "put", entity: this.#path, record: active });
    const held = this.#hold(active);
    if (this.#settings.requiresSession && active.sessionId === undefined)
      this.moveToDeadLetterQueue(change, held, WITHOUT_SESSION); // (8)
  }

  #hold(record: MessageRecord, locked = false): Held {
    const held = this.places.hold(record, locked);
    this.#offerSession(held);
    return held;
  }

  #offerSession({ place, record: { sessionId } }: Held): void {
    if (place === "ready" && sessionId !== undefined) this.#neighbours.onReady(sessionId);
  }

  /** Locks a message for a delivery, in a session for as long as that is locked. */
  lock(change: Change, held: Held, session: SessionLock | undefined): Delivery {
    const untilMs = session?.untilMs ?? this.#lockEndMs();
    this.places.lock(held);
    const lock = this.locks.grant(held, session ? Infinity : untilMs); // (9)
    if (session === undefined) change.operations.push(this.#stored(held, lock)); // (2)
    return { record: held.record, lock: { ...lock, untilMs } };
  }

  /** Restarts a message's lock, and returns its new end. */
  renew(change: Change, held: Held, token: string): number {
    const lock = { token, untilMs: this.#lockEndMs() };
    this.locks.restore(held, lock);
    change.operations.push(this.#stored(held, lock));
    return lock.untilMs;
  }

  /** Takes a message out for a delivery without a lock. */
  take(change: Change, held: Held): Delivery {
    this.remove(change, held);
    return { record: held.record, lock: undefined };
  }

  #lockEndMs(): number {
    return this.#clock.now() + this.#settings.lockDurationMs;
  }

  #stored({ sequenceNumber }: Held, lock: MessageLock): Operation {
    return { kind: "lock", entity: this.#path, sequenceNumber, lock };
  }

  /** Gives an unlocked message back. */
  return(change: Change, held: Held, how: Return): void {
    const deliveryCount = held.record.deliveryCount + (how.counted ? 1 : 0); // (2)
    const record: MessageRecord = {
      ...held.record,
      deliveryCount,
      // A message once deferred is only available by its number, however it is returned.
      deferred: held.record.deferred || how.deferred,
      changedProperties: merged(held.record.changedProperties, how.changes),
    };
    held.record = record;
    if (deliveryCount >= this.#settings.maxDeliveryCount && !how.deferred) {
      this.moveToDeadLetterQueue(change, held, {
        reason: "MaxDeliveryCountExceeded",
        errorDescription: `Message could not be consumed after ${this.#settings.maxDeliveryCount} delivery attempts.`,
        changedProperties: NO_CHANGES,
      }); // (3)
      return;
    }
    change.operations.push({ kind: "change", entity: this.#path, record });
    this.places.place(held);
    this.#offerSession(held);
    // Its turn to expire may have come and gone while it was locked.
    if (expiresAtMs(record) <= this.#clock.now()) this.places.expireInTime(held);
  }

  remove(change: Change, held: Held): void {
    change.operations.push({
      kind: "remove",
      entity: this.#path,
      sequenceNumber: held.sequenceNumber,
    });
    this.places.remove(held);
  }

  moveToDeadLetterQueue(change: Change, held: Held, deadLettering: DeadLettering): void {
    this.remove(change, held);
    this.#neighbours.deadLetterQueue?.put(change, {
      ...held.record,
      enqueuedSequenceNumber: held.record.enqueuedSequenceNumber ?? held.sequenceNumber,
      timeToLiveMs: undefined, // (7)
      deferred: false,
      changedProperties: merged(held.record.changedProperties, deadLettering.changedProperties),
      deadLetterReason: deadLettering.reason,
      deadLetterErrorDescription: deadLettering.errorDescription,
    });
  }

  /** Returns the messages of a session whose lock ends (9). */
  returnSession(change: Change, sessionId: string, counted: boolean): void {
    for (const token of this.locks.ofSession(sessionId)) {
      const held = this.locks.end(token);
      if (held !== undefined)
        this.return(change, held, {
          changes: NO_CHANGES,
          counted,
          deferred: false,
        });
    }
  }

  /** Does what has fallen due: locks, scheduled messages, expiry. */
  doDue(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.locks.endDue(nowMs);
      if (held === undefined) break;
      this.return(change, held, {
        changes: NO_CHANGES,
        counted: true,
        deferred: false,
      });
    }
    this.#activateScheduled(change, nowMs);
    this.#expire(change, nowMs);
  }

  /** When something falls due next. */
  nextMs(): number {
    return Math.min(this.locks.nextEndMs(), this.places.nextMs());
  }

  #activateScheduled(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.places.popDue(nowMs);
      if (held === undefined) return;
      this.remove(change, held);
      this.#activate(change, {
        ...held.record,
        sequenceNumber: this.#nextSequenceNumber++, // (6)
        enqueuedTimeMs: nowMs,
        scheduledEnqueueTimeMs: undefined,
      });
    }
  }

  #expire(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.places.popExpired(nowMs);
      if (held === undefined) return;
      if (held.place === "locked") continue; // comes round again when its lock ends
      if (this.#settings.deadLetteringOnExpiration)
        this.moveToDeadLetterQueue(change, held, {
          reason: "TTLExpiredException",
          errorDescription: "The message expired and was dead lettered.",
          changedProperties: NO_CHANGES,
        });
      else this.remove(change, held); // (4)
    }
  }

  /** Takes over what a store held. */
  restore(stored: StoredEntity): void {
    this.#nextSequenceNumber = stored.nextSequenceNumber;
    this.#history?.restore(stored.remembered);
    const records = [...stored.messages.values()].sort(
      (a, b) => a.sequenceNumber - b.sequenceNumber,
    );
    for (const record of records) {
      const lock = this.#settings.requiresSession
        ? undefined
        : stored.locks.get(record.sequenceNumber);
      const held = this.#hold(record, lock !== undefined);
      if (lock !== undefined) this.locks.restore(held, lock); // (2)
    }
  }

  /** Everything a store must hold to restore this queue. */
  *snapshot(): Iterable<Operation> {
    const entity = this.#path;
    yield { kind: "sequence", entity, next: this.#nextSequenceNumber };
    for (const [messageId, remembered] of this.#history?.entries(this.#clock.now()) ?? [])
      yield { kind: "remember", entity, messageId, ...remembered };
    for (const held of this.places.all()) {
      yield { kind: "put", entity, record: held.record };
      if (held.lock !== undefined && !this.#settings.requiresSession)
        yield this.#stored(held, held.lock);
    }
  }
}

function shorter(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}

function merged(before: ChangedProperties, changes: ChangedProperties): ChangedProperties {
  if (changes.size === 0) return before;
  return new Map([...before, ...changes]);
}
