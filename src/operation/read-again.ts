import type { Followed } from "./records.js";

/** Where nothing is under way, only others change what is shown. */
export const AT_REST_SECONDS = 60;
/** Each of many may have news at another moment. */
const LEAST_OF_MANY_SECONDS = 15;

/** About the length of a step. */
const STEP_MS = 2_000;
const LEAST_SECONDS = 5;
const MOST_SECONDS = 180;

/**
 * Seconds until an operation may show something new: just after the next step, or soon if a step
 * waits for an answer. While the step is overdue: 5, 10, 20 … s, by how long it is.
 */
export function secondsUntilNews({ dueTime }: Pick<Followed, "dueTime">, now: Date): number {
  if (dueTime === undefined) return LEAST_SECONDS;
  const untilMs = Date.parse(dueTime) + STEP_MS - now.getTime();
  const seconds = Math.ceil(Math.abs(untilMs) / 1_000);
  return Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, seconds));
}

/** Seconds after which to read a list again, 15 to 60: just after the first has news. */
export function readListAgain(seconds: readonly number[]): number {
  return Math.max(LEAST_OF_MANY_SECONDS, Math.min(AT_REST_SECONDS, ...seconds));
}
