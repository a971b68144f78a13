/** How a batch ends. Pure. */
import { BATCH_EVENT } from "../events/batch-events.js";
import { advance, event } from "../operation/advance.js";
import { cancellation } from "../operation/canceling.js";
import { fail } from "../operation/failing.js";
import type { TransitionContext } from "../operation/ports.js";
import type { Requester } from "../operation/records.js";
import { errorsOf } from "./item-errors.js";
import { NO_EVENT, toldOf } from "./kind.js";
import {
  isAsRequested,
  isBad,
  skipped,
  withItems,
  type BatchItem,
  type BatchPair,
  type BatchRecord,
} from "./record.js";

const LONGEST_LIFE_MS = 14 * 86_400_000;

/** Whether nothing more begins because of its age. */
export function isTooOld({ createdTime }: BatchRecord, now: Date): boolean {
  return now.getTime() - Date.parse(createdTime) > LONGEST_LIFE_MS;
}

export function succeeded(pair: BatchPair, message: string, context: TransitionContext): BatchPair {
  return advance(pair, context, {
    patch: { state: "Succeeded" },
    ending: (operation) => ({
      status: "Succeeded",
      message,
      event: pair.record.dryRun
        ? NO_EVENT
        : event(operation, context, BATCH_EVENT.completed, "completed", toldOf(operation)),
    }),
  });
}

/** Under `stop` one error is enough. */
export function refusedByPlan(before: BatchPair, context: TransitionContext): BatchPair {
  const { items, dryRun } = before.record;
  const pair = withItems(before, dryRun ? items : skipped(items));
  const error = {
    code: "PlanHasErrors",
    message: `The plan of ${items.filter(isBad).length} of ${items.length} items has errors. Nothing was begun.`,
    errors: errorsOf(items),
  } as const;
  if (!dryRun) return fail(pair, error, context);
  return advance(pair, context, {
    patch: { state: "Failed" },
    ending: () => ({ status: "Failed", message: error.message, error, event: NO_EVENT }),
  });
}

/** No child is open, and nothing more begins. */
export function expired(
  pair: BatchPair,
  items: readonly BatchItem[],
  context: TransitionContext,
): BatchPair {
  const error = {
    code: "BatchExpired",
    message: `The batch is too old: nothing more is begun. ${outcomeOf(items)}`,
    errors: errorsOf(items),
  };
  return fail(withItems(pair, skipped(items)), error, context);
}

/** Every begun item has ended. */
export function ended(
  before: BatchPair,
  items: readonly BatchItem[],
  context: TransitionContext,
): BatchPair {
  const pair = withItems(before, skipped(items));
  const { canceledBy } = pair.operation;
  if (pair.record.items.every(isAsRequested))
    return succeeded(pair, `All ${items.length} items are as requested.`, context);
  if (canceledBy !== undefined) return canceled(pair, canceledBy, context);
  if (isTooOld(pair.record, context.now)) return expired(pair, items, context);
  return fail(
    pair,
    { code: "BatchIncomplete", message: outcomeOf(items), errors: errorsOf(items) },
    context,
  );
}

function canceled(pair: BatchPair, by: Requester, context: TransitionContext): BatchPair {
  return advance(pair, context, {
    patch: { state: "Canceled" },
    ending: (operation) => cancellation(operation, outcomeOf(pair.record.items), by, context),
  });
}

function outcomeOf(items: readonly BatchItem[]): string {
  return `${items.filter(isAsRequested).length} of ${items.length} items are as requested.`;
}
