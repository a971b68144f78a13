import { ProblemError } from "@sigil/client";

/** After a failure: twice as long each time. */
const FIRST_RETRY_MS = 3_000;
const LAST_RETRY_MS = 30_000;
/** No answer puts off the next read for longer. */
const LONGEST_WAIT_MS = 300_000;

/** When to read again after so many failures, and this one. */
export function retryDelayMs(error: unknown, failures: number): number {
  return Math.max(
    Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS),
    askedToWaitMs(error),
  );
}

/** How long the answer asks to wait, within reason. */
export function askedToWaitMs(error: unknown): number {
  const askedMs =
    error instanceof ProblemError ? error.retryAfterMs : undefined;
  return Math.min(Math.max(0, askedMs ?? 0), LONGEST_WAIT_MS);
}
