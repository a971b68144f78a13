/**
 * What this instance last saw of disk encryption sets, keys and vaults, whichever part of Sigil
 * read them. Invariants:
 *  1. To show a state, an answer may be 30 s old (5 s for a refresh), good or bad. To act, it must
 *     work and be at most 15 s old, for a plan 30 s, so nobody waits after a key is fixed.
 *  2. If there is no quota for a read, a state that is only shown may be `STAND_IN_MS` old. No
 *     action or plan rests on such an answer.
 *  3. A refusal that a retry cannot change is kept like any other answer.
 */
import { ServiceError } from "../errors.js";
import { SharedReads } from "../shared-reads.js";

/** `known`: only what was seen, at most `STAND_IN_MS` ago; nothing is read. */
export type KeyUse = "act" | "plan" | "show" | "showAnew" | "known";

const MAX_AGE_MS: Readonly<Record<Exclude<KeyUse, "known">, number>> = {
  act: 15_000,
  plan: 30_000,
  show: 30_000,
  showAnew: 5_000,
};
const STAND_IN_MS = 600_000;
const MOST_KEPT = 5_000;

/** What a read returned: the value, nothing, or why Azure refused. */
export interface Shown<T> {
  /** When the read began. */
  readonly timeMs: number;
  readonly value?: T;
  readonly error?: ServiceError;
}

/** A set, key or vault, by names that ignore case. */
export interface ToSee<T> {
  readonly names: readonly string[];
  read(this: void): Promise<T | undefined>;
  works(this: void, value: T): boolean;
}

export interface KeyMemory {
  /** Seen no earlier than `afterMs`, unless an older answer stands in. Throws transient errors, and NotFound for what is not known. `read` must not ask for the same names: it would wait for itself. */
  see<T>(this: void, what: ToSee<T>, use: KeyUse, afterMs?: number): Promise<Shown<T>>;
  /** Keeps what a list showed; `timeMs` is when reading the list began. */
  keep(this: void, names: readonly string[], value: unknown, timeMs: number): void;
}

/** `actMs`: how old an answer may be to act on; for a plan twice as old. */
export function createKeyMemory(now: () => Date, actMs = MAX_AGE_MS.act): KeyMemory {
  const maxAgeMs = { ...MAX_AGE_MS, act: actMs, plan: 2 * actMs };
  const reads = new SharedReads<Shown<unknown>>({
    most: MOST_KEPT,
    keepMs: MAX_AGE_MS.show,
    standInMs: STAND_IN_MS,
    now,
  });
  const keyOf = (names: readonly string[]): string => names.join(" ").toLowerCase();
  return {
    async see<T>({ names, read, works }: ToSee<T>, use: KeyUse, afterMs = -Infinity) {
      if (use === "known") {
        const kept = reads.kept(keyOf(names)) as Promise<Shown<T>> | undefined;
        if (kept === undefined)
          throw new ServiceError("NotFound", `${names.join(" ")} was not seen.`);
        return kept;
      }
      const askedMs = now().getTime();
      const shows = use === "show" || use === "showAnew";
      let isOwn = false;
      const once = (ageMs: number): Promise<Shown<T>> =>
        reads.once(
          keyOf(names),
          () => {
            isOwn = true;
            return shownBy(read, now().getTime());
          },
          ageMs,
          shows, // Invariant 2.
        ) as Promise<Shown<T>>;
      const shown = await once(Math.min(maxAgeMs[use], askedMs - afterMs + 1));
      const isTaken = shows || isOwn || (shown.value !== undefined && works(shown.value));
      // Invariant 1. Of several callers that shared the read, one reads again.
      return isTaken ? shown : once(now().getTime() - askedMs);
    },
    keep(names, value, timeMs) {
      reads.keep(keyOf(names), { timeMs, value }, timeMs);
    },
  };
}

async function shownBy<T>(read: () => Promise<T | undefined>, timeMs: number): Promise<Shown<T>> {
  try {
    const value = await read();
    return { timeMs, ...(value !== undefined && { value }) };
  } catch (error) {
    if (error instanceof ServiceError && !error.retryable) return { timeMs, error };
    throw error;
  }
}

/** The value, or the refusal thrown. */
export function valueOf<T>({ value, error }: Shown<T>): T | undefined {
  if (error !== undefined) throw error;
  return value;
}
