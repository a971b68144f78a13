/**
 * Reads that several ask for at once, or soon after each other, are made once. Invariants:
 *  1. What was read is read again no sooner than `keepMs` later, or what the asker allows it to be old, however many ask.
 *  2. Whoever asks while it is being read waits for that very read.
 *  3. An error is not kept; nor is an answer that `isKept` does not say so of.
 *  4. At most `most` answers are kept: the oldest go. What is too old goes with the next read.
 */
import { BoundedMap } from "./bounded-map.js";

interface Kept<T> {
  readonly answer: Promise<T>;
  readonly sinceMs: number;
}

interface SharedReadsOptions<T> {
  readonly most: number;
  readonly keepMs: number;
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
  ): Promise<T> {
    const { keepMs, now, isKept = () => true } = this.#options;
    const ageMs = ({ sinceMs }: Kept<T>): number => now().getTime() - sinceMs;
    this.#kept.deleteWhile((kept) => ageMs(kept) >= keepMs);
    const present = this.#kept.get(key);
    if (present !== undefined && ageMs(present) < maxAgeMs)
      return present.answer;
    const answer = read();
    this.#kept.set(key, { answer, sinceMs: now().getTime() });
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
    return kept !== undefined && now().getTime() - kept.sinceMs < keepMs;
  }

  /** Keeps what was learnt by another read. */
  keep(key: string, value: T): void {
    const sinceMs = this.#options.now().getTime();
    this.#kept.set(key, { answer: Promise.resolve(value), sinceMs });
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }
}
