/** Times between steps: how long to wait, and when an overdue step is sent again. */
import { advance, stepMessage } from "./advance.js";
import { isPresent } from "./outbox.js";
import type { TransitionContext, PollingPolicy } from "./ports.js";
import type { Pair, TrackedRecord } from "./records.js";

/**
 * Takes the same step again because nothing could be read or done: at the earliest after
 * `retryAfterMs`, and exactly then if `isTurn`.
 */
export function wait<R extends TrackedRecord>(
  pair: Pair<R>,
  reason: string,
  retryAfterMs: number,
  context: TransitionContext,
  isTurn = false,
): Pair<R> {
  const { ticks } = pair.record;
  const { waitingSince } = pair.operation;
  const waitedMs = context.now.getTime() - Date.parse(waitingSince ?? context.now.toISOString());
  const waitMs = isTurn ? retryAfterMs : retryDelayMs(retryAfterMs, ticks, waitedMs, context.pace);
  const next = new Date(context.now.getTime() + waitMs).toISOString();
  return advance(pair, context, {
    patch: { ticks: ticks + 1 } as Partial<R>,
    state: "Waiting",
    message: `${reason} Next try at ${next}.`,
    waits: reason,
    waitMs,
  });
}

/** The wait before the next try. It grows with the time waited so far. */
export function retryDelayMs(
  retryAfterMs: number,
  ticks: number,
  waitedMs: number,
  pace: PollingPolicy,
): number {
  return Math.max(
    retryAfterMs,
    pollDelayMs(ticks, pace),
    Math.min(LONGEST_WAIT_MS, waitedMs * WAIT_SHARE),
  );
}

/** Waits for the next look. */
export function poll<R extends TrackedRecord>(
  pair: Pair<R>,
  waits: string,
  context: TransitionContext,
  waitMs = pollDelayMs(pair.record.ticks, context.pace),
): Pair<R> {
  return advance(pair, context, {
    patch: { ticks: pair.record.ticks + 1 } as Partial<R>,
    waits,
    waitMs,
  });
}

/**
 * After hours of waiting, retries after a tenth of the time waited so far, and at least once an
 * hour.
 */
const WAIT_SHARE = 0.1;
const LONGEST_WAIT_MS = 3_600_000;

/**
 * Sends an overdue step again, under another MessageId, so that duplicate detection lets it
 * through.
 */
export function resendStep<R extends TrackedRecord>(
  pair: Pair<R>,
  context: TransitionContext,
): Pair<R> {
  const record = {
    ...pair.record,
    resends: pair.record.resends + 1,
    dueTime: context.now.toISOString(),
  };
  return {
    record: {
      ...record,
      outbox: [
        ...record.outbox.filter((effect) => !isPresent(effect, pair)),
        ...stepMessage(record, pair.operation, context),
      ],
    },
    operation: pair.operation,
  };
}

/** How late a step may be before it is sent again; doubles each time, up to 32 times as long. */
export function overdueMs(record: TrackedRecord, pace: PollingPolicy): number {
  return pace.overdueMs * 2 ** Math.min(record.resends, 5);
}

/** The wait before the next look: doubles with each tick, up to the maximum. */
export function pollDelayMs(ticks: number, pace: PollingPolicy): number {
  return Math.min(pace.pollMaxMs, pace.pollInitialMs * 2 ** Math.min(ticks, 30));
}
