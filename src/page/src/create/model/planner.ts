// Invariants:
// 1. A plan is begun at most once in an interval, and one at a time: a new input aborts the plan that is under way.
// 2. The last input wins: what is told is of it, or of none that came after.

export interface Planner<Input> {
  /** Plans as soon as the interval allows. */
  request(input: Input): void;
  /** Nothing more is begun or told. */
  close(): void;
}

interface PlannerOptions<Input, Result> {
  readonly plan: (input: Input, signal: AbortSignal) => Promise<Result>;
  readonly onBegin: (input: Input) => void;
  readonly onResult: (input: Input, result: Result) => void;
  readonly onError: (input: Input, error: unknown) => void;
  readonly intervalMs?: number;
  readonly now?: () => number;
  /** Calls back after so long; answers what stops it. */
  readonly after?: (ms: number, callback: () => void) => () => void;
}

export function createPlanner<Input, Result>({
  plan,
  onBegin,
  onResult,
  onError,
  intervalMs = 2_000,
  now = () => performance.now(),
  after = (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
}: PlannerOptions<Input, Result>): Planner<Input> {
  let begunAt = -Infinity;
  let underWay: AbortController | undefined;
  let stop: (() => void) | undefined;
  let closed = false;

  const begin = (input: Input): void => {
    const controller = new AbortController();
    underWay = controller;
    begunAt = now();
    onBegin(input);
    // Invariant 2.
    const told = (tell: () => void): void => {
      if (controller.signal.aborted) return;
      underWay = undefined;
      tell();
    };
    plan(input, controller.signal).then(
      (result) => told(() => onResult(input, result)),
      (error: unknown) => told(() => onError(input, error)),
    );
  };

  return {
    request(input) {
      if (closed) return;
      // Invariant 1.
      underWay?.abort();
      stop?.();
      stop = after(Math.max(0, begunAt + intervalMs - now()), () =>
        begin(input),
      );
    },
    close() {
      closed = true;
      stop?.();
      underWay?.abort();
    },
  };
}
