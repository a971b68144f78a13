/** Time between steps: how long to wait for the next, and when one that should have come is sent again. */
import { advance, stepMessage } from "./advance.js";
import type { Moment, Pace } from "./ports.js";
import type { Pair, TrackedRecord } from "./records.js";

/** Nothing could be learnt or done this time: the same step again, no sooner than `retryAfterMs`. */
export function wait<R extends TrackedRecord>(
  pair: Pair<R>,
  reason: string,
  retryAfterMs: number,
  moment: Moment,
): Pair<R> {
  const waitMs = Math.max(
    retryAfterMs,
    pollDelayMs(pair.record.ticks, moment.pace),
  );
  const next = new Date(moment.now.getTime() + waitMs).toISOString();
  return advance(pair, moment, {
    patch: { ticks: pair.record.ticks + 1 } as Partial<R>,
    state: "Waiting",
    message: `${reason} Next try at ${next}.`,
    waitMs,
  });
}

/** The step's message is overdue: the same step, sent again under another MessageId, past any duplicate detection. */
export function wake<R extends TrackedRecord>(
  pair: Pair<R>,
  moment: Moment,
): Pair<R> {
  const record = {
    ...pair.record,
    wakes: pair.record.wakes + 1,
    dueTime: moment.now.toISOString(),
  };
  return {
    record: {
      ...record,
      outbox: [...record.outbox, ...stepMessage(record, pair.operation)],
    },
    operation: pair.operation,
  };
}

/** How long past `dueTime` a step may be before it is sent again; doubles with each sending, up to 32 times. */
export function overdueMs(record: TrackedRecord, pace: Pace): number {
  return pace.overdueMs * 2 ** Math.min(record.wakes, 5);
}

/** The wait before the next look: doubles with each tick, up to the longest. */
export function pollDelayMs(ticks: number, pace: Pace): number {
  return Math.min(
    pace.pollMaxMs,
    pace.pollInitialMs * 2 ** Math.min(ticks, 30),
  );
}
