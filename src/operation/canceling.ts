/** Ends an operation at its caller's wish: what Sigil would still have done is not done; Azure cannot be called back. */
import { isDeepStrictEqual } from "node:util";
import { ServiceError } from "../errors.js";
import { advance, event, type Ending } from "./advance.js";
import { hasEnded, kindOf, stateOf } from "./kinds.js";
import { memberOf, endOne } from "./members.js";
import type { TransitionContext, OperationDependencies } from "./ports.js";
import {
  type Pair,
  recordKeyOf,
  type OperationRecord,
  type Requester,
  type TrackedRecord,
} from "./records.js";
import { isFinalState } from "./states.js";
import { deliver, isStateConflict } from "./outbox.js";
import { commit, contextOf } from "./steps.js";

const COMMIT_TRIES = 10;

const TOGETHER =
  "It was sent together with other operations, which go on: Azure receives, or has received, its changes with theirs. Sigil no longer reports on it.";

/**
 * The operation ends Canceled; the message of its next step finds nothing to do, or goes on with the others' work.
 * `consequence` says what becomes of what it has begun, where its kind knows better than its state.
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
  const current = operation.id === operationId;
  if (current && record.members.length === 0 && !isFinalState(state))
    return advance(pair, context, {
      patch: { state: "Canceled" } as Partial<R>,
      ending: (one) =>
        cancellation(one, consequence ?? state.ifCanceled, canceledBy, context),
    });
  const one = current ? operation : memberOf(record, operationId);
  if (one === undefined) return pair;
  return endOne(
    pair,
    one.id,
    cancellation(one, consequence ?? TOGETHER, canceledBy, context),
    context,
  );
}

/** How an operation ends that is canceled, and what becomes of what it began. */
export function cancellation(
  operation: OperationRecord,
  consequence: string,
  canceledBy: Requester,
  context: TransitionContext,
): Ending {
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
 * Answers the operation, Canceled. Canceled again, it is the same. `why`: Sigil cancels for that reason, which is told, what it has
 * begun by itself; where a person has taken that over meanwhile, it is answered as it is. Throws ServiceError NotFound for an id that
 * no operation has, and OperationEnded for one that has ended otherwise.
 */
export async function cancelOperation(
  deps: OperationDependencies<TrackedRecord>,
  operationId: string,
  canceledBy: Requester,
  why?: string,
): Promise<OperationRecord> {
  const key = recordKeyOf(operationId) ?? "";
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const stored = await deps.store.read(key);
    const told = stored && (await deliver(deps, stored));
    if (told === undefined || !isOpen(deps, told, operationId))
      return ended(await deps.store.readOperation(operationId), operationId);
    const its = currentOf(told, operationId);
    if (why !== undefined && !isDeepStrictEqual(its.requestedBy, canceledBy))
      return its;
    const context = contextOf(deps);
    const next =
      kindOf(deps, told.operation).beginCancel?.(
        told,
        operationId,
        canceledBy,
        context,
        why,
      ) ?? cancel(told, operationId, canceledBy, context);
    if (next === told) return its;
    try {
      await deliver(deps, await commit(deps, next, told));
    } catch (error) {
      if (!isStateConflict(error)) throw error;
    }
  }
  throw new ServiceError(
    "StateConflict",
    `Operation ${operationId} kept changing. Send the request again.`,
    { retryAfterMs: 1_000 },
  );
}

function currentOf(
  { record, operation }: Pair<TrackedRecord>,
  operationId: string,
): OperationRecord {
  return memberOf(record, operationId) ?? operation;
}

function isOpen(
  deps: OperationDependencies<TrackedRecord>,
  stored: Pair<TrackedRecord>,
  operationId: string,
): boolean {
  return (
    !hasEnded(deps, stored) &&
    (stored.operation.id === operationId ||
      memberOf(stored.record, operationId) !== undefined)
  );
}

function ended(
  operation: OperationRecord | undefined,
  operationId: string,
): OperationRecord {
  if (operation === undefined)
    throw new ServiceError("NotFound", `There is no operation ${operationId}.`);
  if (operation.status === "Canceled") return operation;
  throw new ServiceError(
    "OperationEnded",
    `Operation ${operationId} has ended ${operation.status}: there is nothing to cancel.`,
  );
}
