/** Ends an operation at its caller's wish: what Sigil would still have done is not done; Azure cannot be called back. */
import { ServiceError } from "../errors.js";
import type { EventType } from "../events/documented-event.js";
import { IMAGE_EVENT } from "../events/image-events.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { SUBSCRIPTION_EVENT } from "../events/subscription-events.js";
import { advance, event, type Ending } from "./advance.js";
import { rollbackOf } from "./failing.js";
import { isFinal } from "./states.js";
import { besideOf, endOne } from "./members.js";
import type { TransitionContext, OperationDependencies } from "./ports.js";
import {
  type Pair,
  recordKeyOf,
  type OperationKind,
  type OperationRecord,
  type Requester,
  type TrackedRecord,
  type TrackedState,
} from "./records.js";
import { deliver, isStateConflict } from "./outbox.js";
import { commit, contextOf } from "./steps.js";

const COMMIT_TRIES = 10;

const CANCELED_EVENT = {
  CreateImageVersion: IMAGE_VERSION_EVENT.canceled,
  UpdateImageVersion: IMAGE_VERSION_EVENT.canceled,
  RetryImageVersion: IMAGE_VERSION_EVENT.canceled,
  PromoteImageVersion: IMAGE_VERSION_EVENT.canceled,
  DemoteImageVersion: IMAGE_VERSION_EVENT.canceled,
  DeleteImageVersion: IMAGE_VERSION_EVENT.canceled,
  RollBackImage: IMAGE_EVENT.rollbackCanceled,
  PrepareSubscription: SUBSCRIPTION_EVENT.preparationCanceled,
} as const satisfies Record<OperationKind, EventType>;

/** What becomes of it, by the state that it is canceled in. */
const CONSEQUENCES: Partial<Readonly<Record<TrackedState, string>>> = {
  Accepted: "Nothing was sent to Azure for it, and nothing will be.",
  Creating:
    "The create request is on its way: Azure may make the version and replicate it to every region. Sigil follows it no longer; send the same PUT to follow it again.",
  Updating:
    "The update is on its way: Azure may carry it out. Sigil sends no further update and no repair for it; send the same PUT to go on.",
  Replicating:
    "Azure goes on replicating what it has accepted, in every region. Sigil sends no further update and no repair for it, and reports no region; send the same PUT to go on.",
  DeletionRequested: "Nothing was deleted, and nothing will be.",
  Deleting:
    "The deletion is on its way: Azure may carry it out. Sigil follows it no longer; send the same DELETE to follow it again.",
  RollbackRequested: "Nothing was promoted or demoted, and nothing will be.",
  RollingBack:
    "What was promoted or demoted already stays; the operation on the version that is being changed goes on. Nothing further is changed.",
  Requested: "Nothing was asked of Azure for it, and nothing will be.",
  Registering:
    "Azure goes on registering what it was asked for. Sigil asks for nothing more.",
};

const WAITED = "It waited for its turn: nothing will be sent to Azure for it.";

const TOGETHER =
  "It was done together with other operations, which go on: Azure gets, or has got, what it asked for with theirs. Sigil reports it no longer.";

/** The operation ends Canceled; the message of its next step finds nothing to do, or goes on with the others' work. */
export function cancel<R extends TrackedRecord>(
  pair: Pair<R>,
  operationId: string,
  canceledBy: Requester,
  context: TransitionContext,
): Pair<R> {
  const { record, operation } = pair;
  const current = operation.id === operationId;
  if (current && record.members.length === 0)
    return advance(pair, context, {
      patch: { state: "Canceled" } as Partial<R>,
      // A PUT may still be under way until then: what waited begins no sooner.
      waitMs: ["Creating", "Updating"].includes(record.state)
        ? Math.max(0, Date.parse(record.dueTime) - context.now.getTime())
        : 0,
      ending: (one) =>
        cancellation(
          one,
          CONSEQUENCES[record.state] ?? "",
          canceledBy,
          context,
        ),
    });
  const one = current ? operation : besideOf(record, operationId);
  if (one === undefined) return pair;
  const waits = record.queued.some(({ operation: { id } }) => id === one.id);
  return endOne(
    pair,
    one.id,
    cancellation(one, waits ? WAITED : TOGETHER, canceledBy, context),
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
  return {
    status: "Canceled",
    message: `Canceled. ${consequence}`,
    canceledBy,
    event: event(
      operation,
      context,
      CANCELED_EVENT[operation.kind],
      "canceled",
      { canceledBy, consequence, ...rollbackOf(operation) },
    ),
  };
}

/**
 * Answers the operation, Canceled. Canceled again, it is the same. Throws ServiceError NotFound for an id that no operation
 * has, and OperationEnded for one that has ended otherwise.
 */
export async function cancelOperation(
  deps: OperationDependencies<TrackedRecord>,
  operationId: string,
  canceledBy: Requester,
): Promise<OperationRecord> {
  const key = recordKeyOf(operationId) ?? "";
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const stored = await deps.store.read(key);
    const told = stored && (await deliver(deps, stored));
    if (told === undefined || !isOpen(told, operationId))
      return ended(await deps.store.readOperation(operationId), operationId);
    const context = contextOf(deps);
    const next =
      deps.beginCancel?.(told, operationId, canceledBy, context) ??
      cancel(told, operationId, canceledBy, context);
    if (next === told) return currentOf(told, operationId);
    try {
      await deliver(deps, await commit(deps, next, told.etag));
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
  return besideOf(record, operationId) ?? operation;
}

function isOpen(
  { record, operation }: Pair<TrackedRecord>,
  operationId: string,
): boolean {
  return (
    !isFinal(record.state) &&
    (operation.id === operationId ||
      besideOf(record, operationId) !== undefined)
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
