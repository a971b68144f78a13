/**
 * A queue, a subscription or a dead-letter queue, and, with `forward`, the door of a topic: the steps that move messages
 * between places (places.ts), locks (locks.ts) and receivers (consumers.ts).
 *
 * Invariants
 * 1. Every change is appended to the store before anybody is told of it: senders and receivers hear after the commit.
 * 2. A store's operations say what the places say: each step changes both.
 * 3. A lock belongs to one delivery. Only a lock that has not ended settles or renews its message, and only once.
 * 4. A lock that ends, an abandon and a defer count as a delivery; a release does not. A lock outlives a restart, with its
 *    token; that of a session does not, whose link is gone then.
 * 5. A message whose count reaches maxDeliveryCount goes to the dead-letter queue with MaxDeliveryCountExceeded.
 * 6. An expired message is not delivered: it goes to the dead-letter queue if the entity says so, else it is gone.
 * 7. Within the window, a MessageId is taken once, whether it is sent, scheduled or cancelled since.
 * 8. A scheduled message becomes active at its time, with a new sequence number, as if it had been sent then.
 * 9. A dead-letter queue neither counts its messages out nor lets them expire.
 * 10. Where sessions are required, a message without one cannot be sent; one that a topic hands over is dead-lettered.
 * 11. A message of a session is locked as long as the session is: when that ends by its time, the delivery counts; when
 *     the holder lets it go, it does not.
 */
import type { Clock } from "../../clock.js";
import { Alarm } from "./alarm.js";
import { Change } from "./change.js";
import { Consumers, type Consumer } from "./consumers.js";
import type {
  DeadLettering,
  Delivery,
  MessageCounts,
  MessageLock,
  QueueSettings,
  Settled,
} from "./delivery.js";
import { DuplicateHistory } from "./duplicate-history.js";
import { Locks } from "./locks.js";
import type {
  ChangedProperties,
  IncomingMessage,
  MessageRecord,
} from "./message.js";
import { expiresAtMs, Places, type Held } from "./places.js";
import { Sessions, type SessionLock, type SessionRequest } from "./sessions.js";
import type { Operation, Store, StoredEntity } from "./store.js";

export interface QueueDependencies {
  readonly clock: Clock;
  readonly store: Store;
}

/** Takes a message that has become active in place of the ready ones; undefined keeps it. */
export type Forward = (change: Change, record: MessageRecord) => void;

/** What a settlement that is no completion does to the record. */
interface Return {
  readonly changes: ChangedProperties;
  readonly counted: boolean;
  readonly deferred: boolean;
}

const NO_CHANGES: ChangedProperties = new Map();
/** The service's words (Overview of Service Bus dead-letter queues). */
const WITHOUT_SESSION: DeadLettering = {
  reason: "Session ID is null.",
  errorDescription:
    "Session enabled entity doesn't allow a message whose session identifier is null.",
  changedProperties: NO_CHANGES,
};

export class Queue {
  readonly path: string;
  readonly deadLetterQueue: Queue | undefined;
  readonly #settings: QueueSettings;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #forward: Forward | undefined;
  readonly #history: DuplicateHistory | undefined;

  readonly #places: Places;
  readonly #sessions: Sessions | undefined;
  readonly #locks = new Locks();
  readonly #consumers = new Consumers();
  readonly #alarm: Alarm;
  #nextSequenceNumber = 1;

  constructor(
    dependencies: QueueDependencies,
    path: string,
    settings: QueueSettings,
    deadLetterQueue: Queue | undefined,
    forward?: Forward,
  ) {
    this.#clock = dependencies.clock;
    this.#alarm = new Alarm(dependencies.clock, () => this.refresh());
    this.#store = dependencies.store;
    this.path = path;
    this.#settings = settings;
    this.#places = new Places(settings.requiresSession);
    this.#sessions = settings.requiresSession
      ? new Sessions(
          dependencies.clock,
          settings.lockDurationMs,
          (sessionId) => this.#places.firstReady(sessionId) !== undefined,
        )
      : undefined;
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
    this.#consumers.add(consumer);
    this.pump();
  }

  removeConsumer(consumer: Consumer): void {
    this.#consumers.remove(consumer);
  }

  get requiresSession(): boolean {
    return this.#settings.requiresSession;
  }

  /** Asks for a session, which the requester has until he releases it or it is lost; only where sessions are required. */
  requestSession(request: SessionRequest): void {
    this.refresh();
    this.#sessions?.request(request);
    this.pump();
  }

  withdrawRequest(request: SessionRequest): void {
    this.#sessions?.withdraw(request);
  }

  /** Lets a session go; its messages come back as if they had not been delivered. */
  releaseSession(lock: SessionLock): void {
    this.refresh();
    if (this.#sessions?.holds(lock) !== true) return;
    const change = new Change();
    this.#endSession(change, lock, false);
    this.#commit(change);
  }

  /** The lock on a session that has not ended; undefined if there is none, or another link has it. */
  findSession(sessionId: string, linkName?: string): SessionLock | undefined {
    this.refresh();
    return this.#sessions?.find(sessionId, linkName);
  }

  /** Starts the lock that `findSession` found anew. */
  renewSession(lock: SessionLock): void {
    this.#sessions?.renew(lock);
  }

  sessionState({ sessionId }: SessionLock): Buffer | undefined {
    return this.#sessions?.state(sessionId);
  }

  /** Undefined clears the state. */
  setSessionState({ sessionId }: SessionLock, state: Buffer | undefined): void {
    this.#sessions?.setState(sessionId, state);
    this.#store.append([
      { kind: "session-state", entity: this.path, sessionId, state },
    ]);
  }

  /** Gives sessions to those who wait, and ready messages to the consumers that have credit, in turn. */
  pump(): void {
    if (this.#sessions !== undefined) {
      this.#sessions.serve();
      this.#arm(); // A session may have been given, whose lock ends.
    }
    this.#consumers.pump(({ receiveAndDelete, session }) => {
      if (session !== undefined && this.#sessions?.holds(session) !== true)
        return undefined; // lost, and about to hear of it
      const held = this.#nextReady(session?.sessionId);
      if (held === undefined) return undefined;
      return receiveAndDelete ? this.#take(held) : this.#lock(held);
    });
  }

  complete(token: string): Settled {
    const held = this.#unlock(token);
    if (held === undefined) return this.#lockLost();
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
    if (held === undefined) return this.#lockLost();
    const change = new Change();
    this.#moveToDeadLetterQueue(change, held, deadLettering);
    this.#commit(change);
    return "settled";
  }

  /** Starts the locks of all these tokens anew and returns when they end; undefined, and no change, if one has ended. */
  renew(tokens: readonly string[]): number[] | undefined {
    this.refresh();
    const held = tokens.map((token) => this.#locks.find(token));
    if (!held.every((one) => one !== undefined)) return undefined;
    const untilMs = this.#clock.now() + this.#settings.lockDurationMs;
    const change = new Change();
    for (const [index, one] of held.entries()) {
      const lock = { token: tokens[index] ?? "", untilMs };
      this.#locks.restore(one, lock);
      change.operations.push(this.#stored(one, lock));
    }
    this.#commit(change);
    return held.map(() => untilMs);
  }

  /** Cancels scheduled messages; false, and no change, if one of them is not scheduled. */
  cancelScheduled(sequenceNumbers: readonly number[]): boolean {
    this.refresh();
    const held = sequenceNumbers.map((number) => this.#places.find(number));
    if (!held.every((one) => one?.place === "scheduled")) return false;
    const change = new Change();
    for (const one of held) if (one !== undefined) this.#remove(change, one);
    this.#commit(change);
    return true;
  }

  /**
   * Receives deferred messages; undefined, and no change, if one of them is not deferred, is locked, or is of another
   * session than the one given.
   */
  receiveDeferred(
    sequenceNumbers: readonly number[],
    receiveAndDelete: boolean,
    session?: SessionLock,
  ): Delivery[] | undefined {
    this.refresh();
    const held = sequenceNumbers.map((number) => this.#places.find(number));
    if (!held.every((one) => one?.place === "deferred")) return undefined;
    if (
      session !== undefined &&
      !held.every((one) => one?.record.sessionId === session.sessionId)
    )
      return undefined;
    return held
      .filter((one) => one !== undefined)
      .map((one) => (receiveAndDelete ? this.#take(one) : this.#lock(one)));
  }

  /** Messages from a sequence number on, of one session or all, whatever their state, locks or not, left as they are. */
  peek(
    fromSequenceNumber: number,
    count: number,
    sessionId?: string,
  ): MessageRecord[] {
    this.refresh();
    const found: MessageRecord[] = [];
    for (const held of this.#places.all()) {
      if (held.sequenceNumber < fromSequenceNumber) continue;
      if (sessionId !== undefined && held.record.sessionId !== sessionId)
        continue;
      if (found.length >= count) break;
      found.push(held.record);
    }
    return found;
  }

  counts(): MessageCounts {
    this.refresh();
    return {
      ...this.#places.counts,
      deadLetter: this.deadLetterQueue?.counts().active ?? 0,
    };
  }

  /** Takes over what a store held. */
  restore(stored: StoredEntity): void {
    this.#nextSequenceNumber = stored.nextSequenceNumber;
    this.#history?.restore(stored.remembered);
    const records = [...stored.messages.values()].sort(
      (a, b) => a.sequenceNumber - b.sequenceNumber,
    );
    for (const record of records) {
      const lock = this.requiresSession
        ? undefined
        : stored.locks.get(record.sequenceNumber);
      const held = this.#hold(record, lock !== undefined);
      if (lock !== undefined) this.#locks.restore(held, lock); // (4)
    }
    for (const [sessionId, state] of stored.sessionStates)
      this.#sessions?.setState(sessionId, state);
  }

  stop(): void {
    this.#alarm.cancel();
    this.#sessions?.stop();
  }

  /** Everything a store must hold to restore this queue. */
  *snapshot(): Iterable<Operation> {
    const entity = this.path;
    yield { kind: "sequence", entity, next: this.#nextSequenceNumber };
    for (const [messageId, remembered] of this.#history?.entries(
      this.#clock.now(),
    ) ?? [])
      yield { kind: "remember", entity, messageId, ...remembered };
    for (const [sessionId, state] of this.#sessions?.states() ?? [])
      yield { kind: "session-state", entity, sessionId, state };
    for (const held of this.#places.all()) {
      yield { kind: "put", entity, record: held.record };
      if (held.lock !== undefined && !this.requiresSession)
        yield this.#stored(held, held.lock);
    }
  }

  #accept(change: Change, message: IncomingMessage): number {
    const nowMs = this.#clock.now();
    const { messageId, scheduledEnqueueTimeMs } = message;
    if (messageId !== undefined) {
      const original = this.#history?.find(messageId, nowMs);
      if (original !== undefined) return original; // (7)
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
    const held = this.#hold(active);
    if (this.requiresSession && active.sessionId === undefined)
      this.#moveToDeadLetterQueue(change, held, WITHOUT_SESSION); // (10)
  }

  #hold(record: MessageRecord, locked = false): Held {
    const held = this.#places.hold(record, locked);
    this.#offerSession(held);
    return held;
  }

  #offerSession({ place, record: { sessionId } }: Held): void {
    if (place === "ready" && sessionId !== undefined)
      this.#sessions?.offer(sessionId);
  }

  #nextReady(sessionId: string | undefined): Held | undefined {
    const held = this.#places.firstReady(sessionId);
    if (held !== undefined && expiresAtMs(held.record) <= this.#clock.now())
      this.refresh(); // (6)
    return this.#places.popReady(sessionId);
  }

  #lock(held: Held): Delivery {
    const { record } = held;
    const session =
      record.sessionId === undefined
        ? undefined
        : this.#sessions?.find(record.sessionId);
    const untilMs =
      session?.untilMs ?? this.#clock.now() + this.#settings.lockDurationMs;
    this.#places.lock(held);
    const lock = this.#locks.grant(held, session ? Infinity : untilMs); // (11)
    if (session === undefined) this.#store.append([this.#stored(held, lock)]); // (4)
    this.#arm();
    return { record, lock: { ...lock, untilMs } };
  }

  #stored({ sequenceNumber }: Held, lock: MessageLock): Operation {
    return { kind: "lock", entity: this.path, sequenceNumber, lock };
  }

  #take(held: Held): Delivery {
    const change = new Change();
    this.#remove(change, held);
    this.#store.append(change.operations);
    return { record: held.record, lock: undefined };
  }

  /** Ends a lock and returns its message, which is in no place until the caller says so (3). */
  #unlock(token: string): Held | undefined {
    this.refresh();
    return this.#locks.end(token);
  }

  #lockLost(): Settled {
    return this.requiresSession ? "session-lock-lost" : "lock-lost";
  }

  #giveBack(token: string, how: Return): Settled {
    const held = this.#unlock(token);
    if (held === undefined) return this.#lockLost();
    const change = new Change();
    this.#return(change, held, how);
    this.#commit(change);
    return "settled";
  }

  #return(change: Change, held: Held, how: Return): void {
    const deliveryCount = held.record.deliveryCount + (how.counted ? 1 : 0); // (4)
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
      }); // (5)
      return;
    }
    change.operations.push({ kind: "change", entity: this.path, record });
    this.#places.place(held);
    this.#offerSession(held);
    // Its turn to expire may have come and gone while it was locked.
    if (expiresAtMs(record) <= this.#clock.now())
      this.#places.expireInTime(held);
  }

  #remove(change: Change, held: Held): void {
    change.operations.push({
      kind: "remove",
      entity: this.path,
      sequenceNumber: held.sequenceNumber,
    });
    this.#places.remove(held);
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
      timeToLiveMs: undefined, // (9)
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
      for (const queue of change.touched) queue.refresh();
      this.pump();
    });
  }

  /** Does everything that has fallen due. */
  refresh(): void {
    const nowMs = this.#clock.now();
    const change = new Change();
    const lost = this.#endSessions(change, nowMs);
    this.#endLocks(change, nowMs);
    this.#activateScheduled(change, nowMs);
    this.#expire(change, nowMs);
    if (change.operations.length > 0) this.#commit(change);
    else {
      this.#arm();
      this.pump();
    }
    if (lost.length > 0)
      this.#store.afterCommit(() => lost.forEach((request) => request.lost()));
  }

  #endSessions(change: Change, nowMs: number): SessionRequest[] {
    const lost: SessionRequest[] = [];
    for (;;) {
      const due = this.#sessions?.firstDue(nowMs);
      if (due === undefined) return lost;
      this.#endSession(change, due.lock, true);
      lost.push(due.request);
    }
  }

  #endLocks(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.#locks.endDue(nowMs);
      if (held === undefined) return;
      this.#return(change, held, {
        changes: NO_CHANGES,
        counted: true,
        deferred: false,
      });
    }
  }

  /** Ends a session's lock and with it those of its messages. */
  #endSession(change: Change, lock: SessionLock, counted: boolean): void {
    for (const token of this.#locks.ofSession(lock.sessionId)) {
      const held = this.#locks.end(token);
      if (held !== undefined)
        this.#return(change, held, {
          changes: NO_CHANGES,
          counted,
          deferred: false,
        });
    }
    this.#sessions?.release(lock);
  }

  #activateScheduled(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.#places.popDue(nowMs);
      if (held === undefined) return;
      this.#remove(change, held);
      this.#activate(change, {
        ...held.record,
        sequenceNumber: this.#nextSequenceNumber++, // (8)
        enqueuedTimeMs: nowMs,
        scheduledEnqueueTimeMs: undefined,
      });
    }
  }

  #expire(change: Change, nowMs: number): void {
    for (;;) {
      const held = this.#places.popExpired(nowMs);
      if (held === undefined) return;
      if (held.place === "locked") continue; // comes round again when its lock ends
      if (this.#settings.deadLetteringOnExpiration)
        this.#moveToDeadLetterQueue(change, held, {
          reason: "TTLExpiredException",
          errorDescription: "The message expired and was dead lettered.",
          changedProperties: NO_CHANGES,
        });
      else this.#remove(change, held); // (6)
    }
  }

  /** Wakes at the next thing to fall due. */
  #arm(): void {
    this.#alarm.setFor(
      Math.min(
        this.#locks.nextEndMs(),
        this.#sessions?.nextEndMs() ?? Infinity,
        this.#places.nextMs(),
      ),
    );
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
