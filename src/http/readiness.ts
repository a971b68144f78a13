/** A part of the service that must answer for the service to work. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => Promise<void>;
}

export interface HealthAnswer {
  readonly name: string;
  readonly status: "ok" | "unavailable";
}

/** Anybody may ask, without a token: what asks is answered from here, and does not reach what stands behind. */
const MAX_AGE_MS = 5_000;

/**
 * Runs the checks at most once in `MAX_AGE_MS`, however many ask and whatever they answer. `onUnavailable` is told of each
 * check that fails, once.
 */
export function createReadiness(
  checks: readonly HealthCheck[],
  now: () => Date,
): (
  onUnavailable: (name: string, error: unknown) => void,
) => Promise<readonly HealthAnswer[]> {
  let kept:
    | {
        readonly answers: Promise<readonly HealthAnswer[]>;
        readonly sinceMs: number;
      }
    | undefined;
  return (onUnavailable) => {
    const nowMs = now().getTime();
    if (kept !== undefined && nowMs - kept.sinceMs < MAX_AGE_MS)
      return kept.answers;
    const answers = Promise.all(
      checks.map(async ({ name, check }): Promise<HealthAnswer> => {
        try {
          await check();
          return { name, status: "ok" };
        } catch (error) {
          onUnavailable(name, error);
          return { name, status: "unavailable" };
        }
      }),
    );
    kept = { answers, sinceMs: nowMs };
    return answers;
  };
}
