import type { components } from "../../generated/openapi.js";
import { IMAGE_EVENT } from "../../events/image-events.js";
import { advance } from "../../operation/advance.js";
import type { Kind, TransitionContext } from "../../operation/ports.js";
import type { OperationRecord, Pair, Requester } from "../../operation/records.js";
import { ENDS, type States } from "../../operation/states.js";
import { placesOf } from "../../listings.js";
import type { RollbackState, RollbackStateRecord, RollbackRecord } from "../rollback-record.js";

const CREATIONS = "image-version-creations";

const STATES: States<RollbackState> = {
  RollbackRequested: {
    status: "NotStarted",
    queue: CREATIONS,
    next: {
      RollingBack: "Sigil promotes and demotes versions",
      Succeeded: "nothing is left to be changed",
    },
    ifCanceled: "Nothing was promoted or demoted, and nothing will be.",
  },
  RollingBack: {
    status: "Running",
    queue: CREATIONS,
    next: { Succeeded: "the target is the latest, as planned" },
    ifCanceled:
      "Finished promotions and demotions stay, and the running one continues. Nothing else changes.",
  },
  ...ENDS,
};

export const ROLLBACK_KIND: Kind<RollbackStateRecord> = {
  states: STATES,
  events: {
    stalled: (_, data) => ({ type: IMAGE_EVENT.rollbackStalled, data }),
    resumed: (data) => ({ type: IMAGE_EVENT.rollbackResumed, data }),
    failed: (operation, { error }) => ({
      type: IMAGE_EVENT.rollbackFailed,
      data: { error, ...rollbackOf(operation) },
    }),
    canceled: (operation, data) => ({
      type: IMAGE_EVENT.rollbackCanceled,
      data: { ...data, ...rollbackOf(operation) },
    }),
  },
  view: (operation) => ({ rollback: viewRollback(rollbackOf(operation)) }),
  placesOf,
  beginCancel,
};

/** Its end reports which version is the latest, so Sigil reads that first. */
function beginCancel(
  pair: Pair<RollbackStateRecord>,
  _: string,
  canceledBy: Requester,
  context: TransitionContext,
): Pair<RollbackStateRecord> {
  if (pair.operation.canceledBy !== undefined) return pair;
  return advance(pair, context, {
    patch: { ticks: 0 },
    operation: { canceledBy },
    message:
      "The rollback is being canceled: nothing else changes. It ends once Sigil has read which version is the latest.",
    waitMs: 0,
  });
}

/** The versions of a rollback. Throws TypeError for any other operation. */
export function rollbackOf({ id, detail }: OperationRecord): RollbackRecord {
  if (detail === undefined) throw new TypeError(`${id} is no rollback`);
  return detail as RollbackRecord;
}

/** A rollback for an answer. */
export function viewRollback(rollback: RollbackRecord): components["schemas"]["Rollback"] {
  return { ...rollback, regions: [...rollback.regions] };
}
