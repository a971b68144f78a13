/** Ends an operation at its caller's wish: what Sigil would still have done is not done; Azure cannot be called back. */
import { ServiceError } from "../errors.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { SUBSCRIPTION_EVENT } from "../events/subscription-events.js";
import { advance, event, isFinal, type Moment, type Pair } from "./advance.js";
import { deliver, isStateConflict } from "./outbox.js";
import type { OperationDependencies } from "./ports.js";
import {
  recordKeyOf,
  type OperationKind,
  type OperationRecord,
  type Requester,
  type TrackedRecord,
  type TrackedState,
} from "./records.js";
import { momentOf } from "./steps.js";

const COMMIT_TRIES = 10;

const CANCELED_EVENT: Readonly<Record<OperationKind, string>> = {
  CreateImageVersion: IMAGE_VERSION_EVENT.canceled,
  UpdateImageVersion: IMAGE_VERSION_EVENT.canceled,
  RetryImageVersion: IMAGE_VERSION_EVENT.canceled,
  DeleteImageVersion: IMAGE_VERSION_EVENT.canceled,
  PrepareSubscription: SUBSCRIPTION_EVENT.preparationCanceled,
};

/** What becomes of it, by the state that it is canceled in. */
const CONSEQUENCES: Partial<Readonly<Record<TrackedState, string>>> = {
  Accepted: "Nothing was sent to Azure for it, and nothing will be.",
  Creating:
    "The create request is on its way: Azure may make the version and replicate it to every region. Sigil follows it no longer; send the same PUT to follow it again.",
  Updating:
    "The update is on its way: Azure may carry it out. Sigil sends no further update and no repair; send the same PUT to go on.",
  Replicating:
    "Azure goes on replicating what it has accepted, in every region. Sigil sends no further update and no repair, and reports no region; send the same PUT to go on.",
  DeletionRequested: "Nothing was deleted, and nothing will be.",
  Deleting:
    "The deletion is on its way: Azure may carry it out. Sigil follows it no longer; send the same DELETE to follow it again.",
  Requested: "Nothing was asked of Azure for it, and nothing will be.",
  Registering:
    "Azure goes on registering what it was asked for. Sigil asks for nothing more.",
};

/** The operation ends Canceled; the message of its next step finds nothing to do. */
export function cancel<R extends TrackedRecord>(
  pair: Pair<R>,
  canceledBy: Requester,
  moment: Moment,
): Pair<R> {
  const consequence = CONSEQUENCES[pair.record.state] ?? "";
  return advance(pair, moment, {
    patch: { state: "Canceled" } as Partial<R>,
    message: `Canceled. ${consequence}`,
    effects: [
      event(pair, moment, CANCELED_EVENT[pair.operation.kind], "canceled", {
        canceledBy,
        consequence,
      }),
    ],
  });
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
    if (stored?.operation.id !== operationId)
      return ended(await deps.store.readOperation(operationId), operationId);
    const told = await deliver(deps, stored);
    if (isFinal(told.record.state)) return ended(told.operation, operationId);
    const next = cancel(told, canceledBy, momentOf(deps));
    try {
      const committed = await deps.store.commit(
        next.record,
        next.operation,
        told.etag,
      );
      return (await deliver(deps, committed)).operation;
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
