/**
 * Makes one read for several callers that ask at once, or soon after each other. Invariants:
 *  1. An answer is kept for `keepMs`, or for the age that the caller allows, however many ask. Only
 *     then is it read again.
 *  2. A caller that asks during a read waits for that read.
 *  3. Errors are not kept, nor answers that `isKept` rejects.
 *  4. At most `most` answers are kept; the oldest go first. Expired ones go with the next read.
 *  5. If a read was not sent for want of quota, the previous answer stands in, at most `standInMs`
 *     old, unless the caller refuses stand-ins. "Nothing" never stands in.
 *  6. Of two reads, the one that began later wins.
 */
import { BoundedMap } from "./bounded-map.js";
import { ServiceError } from "./errors.js";

interface Kept<T> {
  readonly answer: Promise<T>;
  readonly sinceMs: number;
  /** It may only stand in. */
  readonly isExpired?: true;
}

interface SharedReadsOptions<T> {
  readonly most: number;
  readonly keepMs: number;
  /** Default: `keepMs`. */
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

  /** The kept answer, if it is no older than `maxAgeMs`; else the answer of `read`. */
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

  /** The kept answer, even if it may only stand in; nothing is read. */
  kept(key: string): Promise<T> | undefined {
    const { keepMs, standInMs = keepMs, now } = this.#options;
    const kept = this.#kept.get(key);
    return kept && now().getTime() - kept.sinceMs < standInMs ? kept.answer : undefined;
  }

  /** When the kept answer's read began, in ms; undefined: nothing is kept. */
  sinceMs(key: string): number | undefined {
    return this.#kept.get(key)?.sinceMs;
  }

  /** Whether an answer is kept that is not too old. */
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

  /** Makes the next caller read again. The kept answer may still stand in. */
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
