import { ProblemError, retryAfterMs } from "@sigil/client";

/** How often to read something in progress, and something at rest. */
export const BUSY_MS = 3_000;
export const IDLE_MS = 15_000;
/** Ended operations do not change. */
export const ENDED_MS = 300_000;
/** After a failure: twice as long each time. */
const FIRST_RETRY_MS = 3_000;
const LAST_RETRY_MS = 30_000;
/** No answer puts off the next read for longer. */
const LONGEST_WAIT_MS = 300_000;

/** When to read again after so many failures, and this one. */
export function retryDelayMs(error: unknown, failures: number): number {
  return Math.max(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS), askedToWaitMs(error));
}

/** How long the answer asks to wait, within reason. */
export function askedToWaitMs(error: unknown): number {
  const askedMs = error instanceof ProblemError ? error.retryAfterMs : undefined;
  return Math.min(Math.max(0, askedMs ?? 0), LONGEST_WAIT_MS);
}

/** An answer with its ETag. */
export interface Tagged<Body> {
  readonly etag: string;
  readonly body: Body;
  /** When it may have news. The same body may be given another time later. */
  nextMs: number;
}

/** When an answer says to read again. */
export function nextMs(headers: Headers): number {
  return retryAfterMs(headers) ?? IDLE_MS;
}

/** Reads again, or keeps `previous` if it has not changed. */
export async function readTagged<Body>(
  previous: Tagged<Body> | undefined,
  read: (header: {
    readonly "If-None-Match"?: string;
  }) => Promise<{ readonly headers: Headers; readonly body: Body }>,
): Promise<Tagged<Body>> {
  try {
    const { headers, body } = await read(previous ? { "If-None-Match": previous.etag } : {});
    return { etag: headers.get("etag") ?? "", body, nextMs: nextMs(headers) };
  } catch (error) {
    if (previous === undefined || !(error instanceof ProblemError) || error.status !== 304)
      throw error;
    previous.nextMs = error.retryAfterMs ?? IDLE_MS;
    return previous;
  }
}

/** The thrown value as an Error. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
