/**
 * A queue, a subscription or a dead-letter queue, and, with `forward`, the door of a topic: what its users ask for, each a
 * change of its messages (messages.ts) that is stored and then told to the receivers (consumers.ts).
 *
 * Invariants
 * 1. Every change is appended to the store before anybody is told of it: senders and receivers hear after the commit.
 * 2. What has fallen due is done before anything is asked or answered: no lock that has ended settles or renews its
 *    message, no expired message is delivered.
 * 3. Only the holder of a session receives its messages. When its lock ends by its time, the deliveries count; when the
 *    holder lets it go, they do not.
 */
import type { Clock } from "@sigil-local/clock";
import { Alarm } from "./alarm.js";
import { Change } from "./change.js";
import { Consumers, type Consumer } from "./consumers.js";
import type { DeadLettering, Delivery, MessageCounts, QueueSettings, Settled } from "./delivery.js";
import type { ChangedProperties, IncomingMessage, MessageRecord } from "./message.js";
import { Messages, NO_CHANGES, type Forward, type Return } from "./messages.js";
import { expiresAtMs, type Held } from "./places.js";
import { Sessions, type SessionLock, type SessionRequest } from "./sessions.js";
import type { Operation, Store, StoredEntity } from "./store.js";

export interface QueueDependencies {
  readonly clock: Clock;
  readonly store: Store;
}

export class Queue {
  readonly path: string;
  readonly deadLetterQueue: Queue | undefined;
  readonly requiresSession: boolean;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #messages: Messages;
  readonly #sessions: Sessions | undefined;
  readonly #consumers = new Consumers();
  readonly #alarm: Alarm;

  constructor(
    dependencies: QueueDependencies,
    path: string,
    settings: QueueSettings,
    deadLetterQueue: Queue | undefined,
    forward?: Forward,
  ) {
    const { clock } = dependencies;
    this.path = path;
    this.deadLetterQueue = deadLetterQueue;
    this.requiresSession = settings.requiresSession;
    this.#clock = clock;
    this.#store = dependencies.store;
    this.#alarm = new Alarm(clock, () => this.refresh());
    this.#messages = new Messages(clock, path, settings, {
      deadLetterQueue,
      forward,
      onReady: (sessionId) => this.#sessions?.offer(sessionId),
    });
    const { places } = this.#messages;
    this.#sessions = settings.requiresSession
      ? new Sessions(
          clock,
          settings.lockDurationMs,
          (sessionId) => places.firstReady(sessionId) !== undefined,
        )
      : undefined;
  }

  /** Takes messages, all or none, and returns their sequence numbers; a duplicate is given its original's. */
  send(messages: readonly IncomingMessage[]): number[] {
    const change = new Change();
    const numbers = messages.map((message) => this.#messages.accept(change, message));
    this.#commit(change);
    return numbers;
  }

  /** Puts a message that another entity hands over, within that entity's change. */
  put(change: Change, record: Omit<MessageRecord, "sequenceNumber">): void {
    this.#messages.put(change, record);
    change.touched.add(this);
  }

  addConsumer(consumer: Consumer): void {
    this.#consumers.add(consumer);
    this.pump();
  }

  removeConsumer(consumer: Consumer): void {
    this.#consumers.remove(consumer);
  }

  get hasConsumers(): boolean {
    return !this.#consumers.isEmpty;
  }

  /**
   * Requests a session, which the requester holds until it is released or lost; only if sessions
   * are required.
   */
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

  /** The current lock on a session; undefined: none, or another link's. */
  findSession(sessionId: string, linkName?: string): SessionLock | undefined {
    this.refresh();
    return this.#sessions?.find(sessionId, linkName);
  }

  /** Restarts the lock that `findSession` found. */
  renewSession(lock: SessionLock): void {
    this.#sessions?.renew(lock);
  }

  sessionState({ sessionId }: SessionLock): Buffer | undefined {
    return this.#sessions?.state(sessionId);
  }

  /** Undefined clears the state. */
  setSessionState({ sessionId }: SessionLock, state: Buffer | undefined): void {
    this.#sessions?.setState(sessionId, state);
    this.#store.append([{ kind: "session-state", entity: this.path, sessionId, state }]);
  }

  /** Gives sessions to those who wait, and ready messages to the consumers that have credit, in turn. */
  pump(): void {
    if (this.#sessions !== undefined) {
      this.#sessions.serve();
      this.#arm(); // A session may have been given, whose lock ends.
    }
    this.#consumers.pump(({ receiveAndDelete, session }) => {
      if (session !== undefined && this.#sessions?.holds(session) !== true) return undefined; // lost, and about to hear of it
      const held = this.#nextReady(session?.sessionId);
      if (held === undefined) return undefined;
      return this.#deliver(held, receiveAndDelete, session);
    });
  }

  complete(token: string): Settled {
    const held = this.#unlock(token);
    if (held === undefined) return this.#lockLost();
    const change = new Change();
    this.#messages.remove(change, held);
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
    this.#messages.moveToDeadLetterQueue(change, held, deadLettering);
    this.#commit(change);
    return "settled";
  }

  /**
   * Restarts the locks of all these tokens and returns their ends; undefined, without a change, if
   * one has ended.
   */
  renew(tokens: readonly string[]): number[] | undefined {
    this.refresh();
    const held = tokens.map((token) => this.#messages.locks.find(token));
    if (!held.every((one) => one !== undefined)) return undefined;
    const change = new Change();
    const ends = held.map((one, index) => this.#messages.renew(change, one, tokens[index] ?? ""));
    this.#commit(change);
    return ends;
  }

  /** Cancels scheduled messages; false, and no change, if one of them is not scheduled. */
  cancelScheduled(sequenceNumbers: readonly number[]): boolean {
    this.refresh();
    const held = sequenceNumbers.map((number) => this.#messages.places.find(number));
    if (!held.every((one) => one?.place === "scheduled")) return false;
    const change = new Change();
    for (const one of held) if (one !== undefined) this.#messages.remove(change, one);
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
    const held = sequenceNumbers.map((number) => this.#messages.places.find(number));
    if (!held.every((one) => one?.place === "deferred")) return undefined;
    if (session !== undefined && !held.every((one) => one?.record.sessionId === session.sessionId))
      return undefined;
    return held
      .filter((one) => one !== undefined)
      .map((one) => this.#deliver(one, receiveAndDelete, session));
  }

  /** Messages from a sequence number on, of one session or all, whatever their state, locks or not, left as they are. */
  peek(fromSequenceNumber: number, count: number, sessionId?: string): MessageRecord[] {
    this.refresh();
    const found: MessageRecord[] = [];
    for (const held of this.#messages.places.all()) {
      if (held.sequenceNumber < fromSequenceNumber) continue;
      if (sessionId !== undefined && held.record.sessionId !== sessionId) continue;
      if (found.length >= count) break;
      found.push(held.record);
    }
    return found;
  }

  counts(): MessageCounts {
    this.refresh();
    return {
      ...this.#messages.places.counts,
      deadLetter: this.deadLetterQueue?.counts().active ?? 0,
    };
  }

  /** Takes over what a store held. */
  restore(stored: StoredEntity): void {
    this.#messages.restore(stored);
    for (const [sessionId, state] of stored.sessionStates)
      this.#sessions?.setState(sessionId, state);
  }

  stop(): void {
    this.#alarm.cancel();
    this.#sessions?.stop();
  }

  /** Everything a store must hold to restore this queue. */
  *snapshot(): Iterable<Operation> {
    yield* this.#messages.snapshot();
    for (const [sessionId, state] of this.#sessions?.states() ?? [])
      yield { kind: "session-state", entity: this.path, sessionId, state };
  }

  #nextReady(sessionId: string | undefined): Held | undefined {
    const held = this.#messages.places.firstReady(sessionId);
    if (held !== undefined && expiresAtMs(held.record) <= this.#clock.now()) this.refresh(); // (2)
    return this.#messages.places.popReady(sessionId);
  }

  #deliver(held: Held, receiveAndDelete: boolean, session: SessionLock | undefined): Delivery {
    const change = new Change();
    const delivery = receiveAndDelete
      ? this.#messages.take(change, held)
      : this.#messages.lock(change, held, session);
    this.#store.append(change.operations); // (1): who delivers it waits for the commit
    this.#arm();
    return delivery;
  }

  /** Ends a lock and returns its message, which the caller must place (2). */
  #unlock(token: string): Held | undefined {
    this.refresh();
    return this.#messages.locks.end(token);
  }

  #lockLost(): Settled {
    return this.requiresSession ? "session-lock-lost" : "lock-lost";
  }

  #giveBack(token: string, how: Return): Settled {
    const held = this.#unlock(token);
    if (held === undefined) return this.#lockLost();
    const change = new Change();
    this.#messages.return(change, held, how);
    this.#commit(change);
    return "settled";
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
    this.#messages.doDue(change, nowMs);
    if (change.operations.length > 0) this.#commit(change);
    else {
      this.#arm();
      this.pump();
    }
    if (lost.length > 0) this.#store.afterCommit(() => lost.forEach((request) => request.lost()));
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

  #endSession(change: Change, lock: SessionLock, counted: boolean): void {
    this.#messages.returnSession(change, lock.sessionId, counted); // (3)
    this.#sessions?.release(lock);
  }

  /** Wakes at the next thing to fall due. */
  #arm(): void {
    this.#alarm.setFor(Math.min(this.#messages.nextMs(), this.#sessions?.nextEndMs() ?? Infinity));
  }
}
