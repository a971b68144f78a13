import { BATCH_EVENT } from "../events/batch-events.js";
import { omit } from "../objects.js";
import { advance } from "../operation/advance.js";
import { cancellation } from "../operation/canceling.js";
import type { Allowing, Kind, TransitionContext } from "../operation/ports.js";
import type { Effect, OperationRecord, Requester } from "../operation/records.js";
import { ENDS, type States } from "../operation/states.js";
import {
  batchOf,
  hasItemEnded,
  ITEM_STATES,
  skipped,
  withItems,
  type BatchDetail,
  type BatchPair,
  type BatchRecord,
  type BatchState,
} from "./record.js";
import { viewItem } from "./view.js";

const CREATIONS = "image-version-creations";
const NOTHING = "Nothing was begun, and nothing will be.";

const STATES: States<BatchState> = {
  BatchRequested: {
    status: "NotStarted",
    queue: CREATIONS,
    next: {
      Planning: "the first items are planned",
      Planned: "all items are planned, and someone must confirm the batch",
      RunningBatch: "all items are planned",
      Succeeded: "nothing is to be changed, or it was a dry run",
    },
    ifCanceled: NOTHING,
  },
  Planning: {
    status: "Running",
    queue: CREATIONS,
    next: {
      Planned: "all items are planned, and someone must confirm the batch",
      RunningBatch: "all items are planned",
      Succeeded: "nothing is to be changed, or it was a dry run",
    },
    ifCanceled: NOTHING,
  },
  Planned: {
    status: "Running",
    queue: CREATIONS,
    next: { RunningBatch: "someone confirmed it" },
    ifCanceled: NOTHING,
  },
  RunningBatch: {
    status: "Running",
    queue: CREATIONS,
    next: { Succeeded: "every item is as requested" },
    ifCanceled: "What has ended stays, and no further item is begun.",
  },
  ...ENDS,
};

/** A dry run publishes no event. */
export const NO_EVENT: Effect = { kind: "index", put: [], remove: [] };

export const BATCH_KIND: Kind<BatchRecord> = {
  states: STATES,
  once: true,
  events: {
    stalled: (_, data) => ({ type: BATCH_EVENT.stalled, data }),
    resumed: (data) => ({ type: BATCH_EVENT.resumed, data }),
    failed: (operation, { error }) => ({
      type: BATCH_EVENT.failed,
      data: { error, ...toldOf(operation) },
    }),
    canceled: (operation, data) => ({
      type: BATCH_EVENT.canceled,
      data: { ...data, ...toldOf(operation) },
    }),
  },
  view: (operation) => ({ batch: viewBatch(batchOf(operation)) }),
  parts: (operation) =>
    ITEM_STATES.flatMap((state) =>
      Array.from({ length: batchOf(operation).counts[state] ?? 0 }, () =>
        hasItemEnded(state) ? 100 : 0,
      ),
    ),
  beginCancel,
};

/** What an event says of a batch. */
export function toldOf(operation: OperationRecord) {
  const { command, counts, items } = batchOf(operation);
  return { command, counts, items: items.map(viewItem) };
}

function viewBatch(batch: BatchDetail) {
  return omit(batch, "items", "allowNoLatest");
}

/** While children are open, it ends once they have ended (take-batch-step.ts). */
function beginCancel(
  pair: BatchPair,
  _: string,
  canceledBy: Requester,
  context: TransitionContext,
  { allowNoLatest }: Allowing,
): BatchPair {
  const { record, operation } = pair;
  const detail = { ...batchOf(operation), ...(allowNoLatest && { allowNoLatest }) };
  if (record.state !== "RunningBatch") {
    const ended = withItems(pair, skipped(record.items));
    return advance(ended, context, {
      patch: { state: "Canceled" },
      ending: (one) => {
        const end = cancellation(one, NOTHING, canceledBy, context);
        return record.dryRun ? { ...end, event: NO_EVENT } : end;
      },
    });
  }
  const isKnown = operation.canceledBy !== undefined;
  if (isKnown && (!allowNoLatest || batchOf(operation).allowNoLatest)) return pair;
  return advance(pair, context, {
    patch: { ticks: 0 },
    operation: { canceledBy: operation.canceledBy ?? canceledBy, detail },
    message:
      "The batch is being canceled: nothing more begins, and its open operations are canceled.",
    waitMs: 0,
  });
}
