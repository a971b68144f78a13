/**
 * Ends an operation at its caller's request. Sigil does nothing more for it; what Azure has
 * accepted goes on.
 */
import { ServiceError } from "../errors.js";
import { advance, event, type OperationEnd } from "./advance.js";
import { hasEnded, kindOf, stateOf } from "./kinds.js";
import { endOne } from "./members.js";
import type { Allowing, OperationDependencies, TransitionContext } from "./ports.js";
import {
  operationIn,
  recordKeyOf,
  type OperationRecord,
  type Pair,
  type Requester,
  type TrackedRecord,
} from "./records.js";
import { isFinalState } from "./states.js";
import { deliver, isStateConflict } from "./outbox.js";
import { commit, contextOf } from "./steps.js";

const COMMIT_TRIES = 10;

export const TOGETHER =
  "Its changes were sent to Azure together with those of other operations, which continue. Sigil no longer reports on it.";

/**
 * Ends the operation Canceled. The message of its next step then finds nothing to do, or continues
 * the work of the others. `consequence` describes the effect on what it has begun; absent: its
 * state does.
 */
export function cancel<R extends TrackedRecord>(
  pair: Pair<R>,
  operationId: string,
  canceledBy: Requester,
  context: TransitionContext,
  consequence?: string,
): Pair<R> {
  const { record, operation } = pair;
  const state = stateOf(context, pair);
  const one = operationIn(pair, operationId);
  if (one === operation && record.members.length === 0 && !isFinalState(state))
    return advance(pair, context, {
      patch: { state: "Canceled" } as Partial<R>,
      ending: () => cancellation(one, consequence ?? state.ifCanceled, canceledBy, context),
    });
  if (one === undefined) return pair;
  return endOne(
    pair,
    one.id,
    cancellation(one, consequence ?? TOGETHER, canceledBy, context),
    context,
  );
}

/** The end of a canceled operation, and what happens to what it began. */
export function cancellation(
  operation: OperationRecord,
  consequence: string,
  canceledBy: Requester,
  context: TransitionContext,
): OperationEnd {
  const { type, data } = kindOf(context, operation).events.canceled(operation, {
    canceledBy,
    consequence,
  });
  return {
    status: "Canceled",
    message: `Canceled. ${consequence}`,
    canceledBy,
    event: event(operation, context, type, "canceled", data),
  };
}

/**
 * Returns the canceled operation. Canceling again changes nothing, unless the kind has more to do.
 * Throws ServiceError NotFound for an unknown id, and OperationEnded if the operation ended with
 * another status.
 */
export async function cancelOperation(
  deps: OperationDependencies<TrackedRecord>,
  operationId: string,
  canceledBy: Requester,
  allowing: Allowing = {},
): Promise<OperationRecord> {
  const key = recordKeyOf(operationId) ?? "";
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const stored = await deps.store.read(key);
    const told = stored && (await deliver(deps, stored));
    const its = told && !hasEnded(deps, told) ? operationIn(told, operationId) : undefined;
    if (told === undefined || its === undefined)
      return ended((await deps.store.readOperation(operationId))?.operation, operationId);
    const context = contextOf(deps);
    const next =
      kindOf(deps, told.operation).beginCancel?.(
        told,
        operationId,
        canceledBy,
        context,
        allowing,
      ) ?? cancel(told, operationId, canceledBy, context);
    if (next === told) return its;
    try {
      await deliver(deps, await commit(deps, next, told));
    } catch (error) {
      if (!isStateConflict(error)) throw error;
    }
  }
  throw new ServiceError("StateConflict", `Operation ${operationId} kept changing. Try again.`, {
    retryAfterMs: 1_000,
  });
}

function ended(operation: OperationRecord | undefined, operationId: string): OperationRecord {
  if (operation === undefined)
    throw new ServiceError("NotFound", `There is no operation ${operationId}.`);
  if (operation.status === "Canceled") return operation;
  throw tooLate(operation);
}

/** The error for an operation that has ended, but not Canceled. */
export function tooLate({ id, status }: Pick<OperationRecord, "id" | "status">): ServiceError {
  return new ServiceError(
    "OperationEnded",
    `Operation ${id} ended ${status}, so there is nothing to cancel.`,
  );
}
