import { ServiceError } from "../errors.js";

/** A part of the service that must answer for the service to work. */
export interface HealthCheck {
  readonly name: string;
  /** Rejects if it does not answer. After `signal` is aborted nobody waits for it. */
  readonly check: (signal: AbortSignal) => Promise<void>;
}

interface HealthAnswer {
  readonly name: string;
  readonly status: "ok" | "unavailable";
  /** What to do, if known from the tables. */
  readonly detail?: string;
}

/** Anyone may ask without a token, so kept answers protect what is behind. */
const MAX_AGE_MS = 5_000;
/**
 * A slower part counts as unavailable: the clients of Azure's services would wait for a minute,
 * several times.
 */
const ANSWER_MS = 5_000;

/**
 * Runs the checks at most once in `MAX_AGE_MS`, however many ask and whatever the result.
 * `onUnavailable` is called once for each failed check.
 */
export function createReadiness(
  checks: readonly HealthCheck[],
  now: () => Date,
): (onUnavailable: (name: string, error: unknown) => void) => Promise<readonly HealthAnswer[]> {
  let kept:
    | {
        readonly answers: Promise<readonly HealthAnswer[]>;
        readonly sinceMs: number;
      }
    | undefined;
  return (onUnavailable) => {
    const nowMs = now().getTime();
    if (kept !== undefined && nowMs - kept.sinceMs < MAX_AGE_MS) return kept.answers;
    const answers = Promise.all(
      checks.map(async ({ name, check }): Promise<HealthAnswer> => {
        try {
          await answered(check);
          return { name, status: "ok" };
        } catch (error) {
          onUnavailable(name, error);
          const isTooOld = error instanceof ServiceError && error.code === "StateTooOld";
          return {
            name,
            status: "unavailable",
            ...(isTooOld && { detail: `${error.code}: ${error.message}` }),
          };
        }
      }),
    );
    kept = { answers, sinceMs: nowMs };
    return answers;
  };
}

async function answered(check: HealthCheck["check"]): Promise<void> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  });
  try {
    await Promise.race([check(abort.signal), late]);
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}
