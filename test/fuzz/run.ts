import type { Parameters } from "fast-check";

/** What the suite makes; enough to come to every door. */
export const LEAST_CALLS = 5_000;
const LONG_RUN_CALLS = 200_000;

const { SIGIL_FUZZ_CALLS, SIGIL_FUZZ_SEED, npm_lifecycle_event } = process.env;
const isLong = npm_lifecycle_event === "fuzz";

/** How many calls are made in all; `npm run fuzz` makes many. */
export const CALLS = Number(SIGIL_FUZZ_CALLS ?? (isLong ? LONG_RUN_CALLS : LEAST_CALLS));

/** The same seed makes the same calls. The suite has one seed, so that it cannot fail by chance; `npm run fuzz` others. */
export const SEED = Number(SIGIL_FUZZ_SEED ?? (isLong ? Date.now() % 2 ** 31 : 20_260_101));

/** For `calls` calls, `callsPerRun` in each run on average; a failure is told with the seed that repeats it. */
export function parametersFor<T>(calls: number, callsPerRun: number): Parameters<T> {
  return {
    seed: SEED,
    numRuns: Math.ceil(calls / callsPerRun),
  };
}

/** A long run takes as long as it takes. */
export const TIMEOUT_MS = 60_000 + CALLS * 20;
