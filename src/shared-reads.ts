/**
 * Reads that several ask for at once, or soon after each other, are made once. Invariants:
 *  1. What was read is read again no sooner than `keepMs` later, or what the asker allows it to be old, however many ask.
 *  2. Whoever asks while it is being read waits for that very read.
 *  3. An error is not kept; nor is an answer that `isKept` does not say so of.
 *  4. At most `most` answers are kept: the oldest go. What is too old goes with the next read.
 *  5. Where a read was not sent for want of quota, what was read before stands in, at most `standInMs` old, unless the caller
 *     refuses stand-ins. "Nothing" never stands in.
 *  6. Of two reads the one that began later stands.
 */
import { BoundedMap } from "./bounded-map.js";
import { ServiceError } from "./errors.js";

interface Kept<T> {
  readonly answer: Promise<T>;
  readonly sinceMs: number;
  /** It only stands in. */
  readonly isExpired?: true;
}

interface SharedReadsOptions<T> {
  readonly most: number;
  readonly keepMs: number;
  /** `keepMs` if not given. */
  readonly standInMs?: number;
  readonly now: () => Date;
  readonly isKept?: (value: T) => boolean;
}

export class SharedReads<T> {
  readonly #kept: BoundedMap<string, Kept<T>>;
  readonly #options: SharedReadsOptions<T>;

  constructor(options: SharedReadsOptions<T>) {
    this.#kept = new BoundedMap(options.most);
    this.#options = options;
  }

  /** What is kept under the key and no older than `maxAgeMs`, or else what `read` answers. */
  once(
    key: string,
    read: () => Promise<T>,
    maxAgeMs = this.#options.keepMs,
    mayStandIn = true,
  ): Promise<T> {
    const { keepMs, standInMs = keepMs, now } = this.#options;
    const { isKept = () => true } = this.#options;
    const nowMs = now().getTime();
    this.#kept.deleteWhile(({ sinceMs }) => nowMs - sinceMs >= standInMs);
    const present = this.#kept.get(key);
    if (present && !present.isExpired && nowMs - present.sinceMs < maxAgeMs) return present.answer;
    const answer = read().catch(async (error: unknown) => {
      const old = mayStandIn && isThrottled(error) ? await present?.answer : undefined;
      if (present === undefined || old === undefined) throw error;
      if (this.#kept.get(key)?.answer === answer) this.#kept.set(key, present);
      return old;
    });
    this.#kept.set(key, { answer, sinceMs: nowMs });
    const forget = (): void => {
      if (this.#kept.get(key)?.answer === answer) this.#kept.delete(key);
    };
    answer.then((value) => {
      if (!isKept(value)) forget();
    }, forget);
    return answer;
  }

  /** When what is kept under the key was begun to be read, in ms; undefined where nothing is kept. */
  sinceMs(key: string): number | undefined {
    return this.#kept.get(key)?.sinceMs;
  }

  /** True where something is kept under the key that is not too old. */
  has(key: string): boolean {
    const { keepMs, now } = this.#options;
    const kept = this.#kept.get(key);
    return kept !== undefined && !kept.isExpired && now().getTime() - kept.sinceMs < keepMs;
  }

  /** Keeps what another read returned; `sinceMs` is when that read began. */
  keep(key: string, value: T, sinceMs = this.#options.now().getTime()): void {
    if ((this.#kept.get(key)?.sinceMs ?? -Infinity) > sinceMs) return;
    this.#kept.set(key, { answer: Promise.resolve(value), sinceMs });
  }

  /** What is kept is read again by whoever asks next; it may stand in. */
  expire(key: string): void {
    const present = this.#kept.get(key);
    if (present !== undefined) this.#kept.set(key, { ...present, isExpired: true });
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }
}

function isThrottled(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "ResourceManagerThrottled";
}
