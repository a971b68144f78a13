/**
 * Disk encryption sets, keys and vaults as this instance saw them last, whoever read them. Invariants:
 *  1. Who shows takes what was seen in the last 30 s, or 5 s anew, however bad. Who acts takes what works and was seen in the last 15 s:
 *     who mends a key need not wait.
 *  2. Where a read is not sent for want of quota, who shows takes what was seen in the last `STAND_IN_MS`. Who acts does not.
 *  3. What is refused for good is kept as what is there is.
 */
import { ServiceError } from "../../errors.js";
import { SharedReads } from "../../shared-reads.js";

export type KeyUse = "act" | "show" | "showAnew";

const MAX_AGE_MS: Readonly<Record<KeyUse, number>> = {
  act: 15_000,
  show: 30_000,
  showAnew: 5_000,
};
const STAND_IN_MS = 600_000;
const MOST_KEPT = 5_000;

/** What a read has shown: nothing, or why it was refused. */
export interface Shown<T> {
  /** When the read began. */
  readonly timeMs: number;
  readonly value?: T;
  readonly error?: ServiceError;
}

/** A set, key or vault by its names, in whatever case. */
export interface ToSee<T> {
  readonly names: readonly string[];
  read(this: void): Promise<T | undefined>;
  works(this: void, value: T): boolean;
}

export interface KeyMemory {
  /** Seen no earlier than `afterMs`, unless it stands in. Throws what passes. A read never asks the memory for the same: it would wait for itself. */
  see<T>(this: void, what: ToSee<T>, use: KeyUse, afterMs?: number): Promise<Shown<T>>;
  /** What a list has shown whose read began then. */
  keep(this: void, names: readonly string[], value: unknown, timeMs: number): void;
}

/** `actMs`: how old it may be for who acts. */
export function createKeyMemory(now: () => Date, actMs = MAX_AGE_MS.act): KeyMemory {
  const maxAgeMs = { ...MAX_AGE_MS, act: actMs };
  const reads = new SharedReads<Shown<unknown>>({
    most: MOST_KEPT,
    keepMs: MAX_AGE_MS.show,
    standInMs: STAND_IN_MS,
    now,
  });
  const keyOf = (names: readonly string[]): string => names.join(" ").toLowerCase();
  return {
    async see<T>({ names, read, works }: ToSee<T>, use: KeyUse, afterMs = -Infinity) {
      const askedMs = now().getTime();
      let isOwn = false;
      const once = (ageMs: number): Promise<Shown<T>> =>
        reads.once(
          keyOf(names),
          () => {
            isOwn = true;
            return shownBy(read, now().getTime());
          },
          ageMs,
          use !== "act", // Invariant 2.
        ) as Promise<Shown<T>>;
      const shown = await once(Math.min(maxAgeMs[use], askedMs - afterMs + 1));
      const isTaken = use !== "act" || isOwn || (shown.value !== undefined && works(shown.value));
      // Invariant 1. Of those who asked while it was read, one reads again.
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

/** As the read has answered. */
export function valueOf<T>({ value, error }: Shown<T>): T | undefined {
  if (error !== undefined) throw error;
  return value;
}
