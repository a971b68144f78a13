/**
 * The sessions of a queue that requires them: who has each, who waits for one, and their states.
 *
 * Invariants
 * 1. A session has one lock at most. Only its holder receives the session's messages.
 * 2. Whoever asks for any session gets the free one that has had messages ready for longest, in the order of asking.
 * 3. A lock ends at its time unless renewed, or when its holder lets it go; it does not outlive a restart.
 * 4. A state stays until it is replaced, with or without messages.
 */
import type { Clock } from "@sigil-local/clock";

/** A lock on a session, the same object from its grant to its end. */
export interface SessionLock {
  readonly sessionId: string;
  /** The link it was given to. */
  readonly linkName: string;
  /** Moves when it is renewed. */
  readonly untilMs: number;
}

/** A requester of a session; gets one answer, and a notice if the lock ends without its doing. */
export interface SessionRequest {
  /** Undefined: any. */
  readonly sessionId: string | undefined;
  readonly linkName: string;
  readonly waitMs: number;
  accepted(lock: SessionLock): void;
  refused(why: "held-by-another" | "timeout"): void;
  lost(): void;
}

interface Holding {
  readonly request: SessionRequest;
  readonly lock: { -readonly [Field in keyof SessionLock]: SessionLock[Field] };
}

export class Sessions {
  readonly #clock: Clock;
  readonly #lockDurationMs: number;
  readonly #hasReady: (sessionId: string) => boolean;
  /** By session, in the order in which they end: all last equally long. */
  readonly #held = new Map<string, Holding>();
  /** Sessions that may be free and have messages, those that waited longest first (2). */
  readonly #offered = new Set<string>();
  readonly #waiting = new Map<SessionRequest, () => void>();
  readonly #states = new Map<string, Buffer>();

  constructor(clock: Clock, lockDurationMs: number, hasReady: (sessionId: string) => boolean) {
    this.#clock = clock;
    this.#lockDurationMs = lockDurationMs;
    this.#hasReady = hasReady;
  }

  request(request: SessionRequest): void {
    const { sessionId } = request;
    if (sessionId === undefined) {
      const giveUp = this.#clock.at(this.#clock.now() + request.waitMs, () => {
        this.#waiting.delete(request);
        request.refused("timeout");
      });
      this.#waiting.set(request, giveUp);
    } else if (this.#held.has(sessionId))
      request.refused("held-by-another"); // (1)
    else this.#give(sessionId, request);
  }

  /** Takes back a request that has not been answered. */
  withdraw(request: SessionRequest): void {
    this.#waiting.get(request)?.();
    this.#waiting.delete(request);
  }

  /** Says that a session has a message ready. */
  offer(sessionId: string): void {
    if (!this.#held.has(sessionId)) this.#offered.add(sessionId);
  }

  /** Gives free sessions with messages to those who wait (2). */
  serve(): void {
    for (const [request, forget] of this.#waiting) {
      const sessionId = this.#nextFree();
      if (sessionId === undefined) return;
      forget();
      this.#waiting.delete(request);
      this.#give(sessionId, request);
    }
  }

  /** The lock on a session; undefined if there is none, or another link has it. */
  find(sessionId: string, linkName?: string): SessionLock | undefined {
    const lock = this.#held.get(sessionId)?.lock;
    return linkName === undefined || lock?.linkName === linkName ? lock : undefined;
  }

  /** Whether a lock has not ended. */
  holds(lock: SessionLock): boolean {
    return this.#held.get(lock.sessionId)?.lock === lock;
  }

  /** Restarts a current lock. */
  renew({ sessionId }: SessionLock): void {
    const holding = this.#held.get(sessionId);
    if (holding === undefined) return;
    holding.lock.untilMs = this.#clock.now() + this.#lockDurationMs;
    this.#held.delete(sessionId);
    this.#held.set(sessionId, holding);
  }

  release({ sessionId }: SessionLock): void {
    this.#held.delete(sessionId);
    if (this.#hasReady(sessionId)) this.offer(sessionId);
  }

  /** A lock that is over by now, for the caller to release. */
  firstDue(nowMs: number): Holding | undefined {
    const [first] = this.#held.values();
    return first !== undefined && first.lock.untilMs <= nowMs ? first : undefined;
  }

  nextEndMs(): number {
    const [first] = this.#held.values();
    return first?.lock.untilMs ?? Infinity;
  }

  state(sessionId: string): Buffer | undefined {
    return this.#states.get(sessionId);
  }

  /** Undefined clears it. */
  setState(sessionId: string, state: Buffer | undefined): void {
    if (state === undefined) this.#states.delete(sessionId);
    else this.#states.set(sessionId, state);
  }

  states(): Iterable<readonly [sessionId: string, state: Buffer]> {
    return this.#states;
  }

  stop(): void {
    for (const forget of this.#waiting.values()) forget();
    this.#waiting.clear();
  }

  #give(sessionId: string, request: SessionRequest): void {
    const untilMs = this.#clock.now() + this.#lockDurationMs;
    const lock = { sessionId, linkName: request.linkName, untilMs };
    this.#held.set(sessionId, { request, lock });
    this.#offered.delete(sessionId);
    request.accepted(lock);
  }

  #nextFree(): string | undefined {
    for (const sessionId of this.#offered) {
      this.#offered.delete(sessionId);
      if (!this.#held.has(sessionId) && this.#hasReady(sessionId)) return sessionId;
    }
    return undefined;
  }
}
