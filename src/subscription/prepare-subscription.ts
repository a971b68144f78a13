/**
 * Accepts a request to prepare a subscription. Invariants:
 *  1. When it answers, the request is stored and its message is on its way, or findable by the reconciler: the row
 *     that the reconciler reads is written before the state, and again with everything else that is told.
 *  2. While a preparation runs, every request is that one operation; after its end the next request is a new one.
 */
import { ServiceError } from "../errors.js";
import { isFinal } from "../operation/advance.js";
import { openRow } from "../operation/catalog.js";
import { deliver, isStateConflict } from "../operation/outbox.js";
import {
  operationIdOf,
  type OperationRecord,
  type Requester,
} from "../operation/records.js";
import { momentOf } from "../operation/steps.js";
import { keyOf } from "../resource-id.js";
import type { PreparationDependencies } from "./ports.js";
import { subscriptionResourceId } from "./records.js";
import { accept } from "./transitions.js";

export interface PrepareSubscription {
  /** In any case. */
  readonly subscriptionId: string;
  readonly requestedBy: Requester;
  /** W3C trace context that all messages and events of the operation will carry. */
  readonly traceparent: string;
}

const COMMIT_TRIES = 10;

/** Answers the operation that prepares the subscription. Azure is not asked before it is stored. */
export async function prepareSubscription(
  deps: PreparationDependencies,
  { subscriptionId, requestedBy, traceparent }: PrepareSubscription,
): Promise<OperationRecord> {
  const resourceId = subscriptionResourceId(subscriptionId);
  const key = keyOf(resourceId);
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const found = await deps.store.read(key);
    const stored = found && (await deliver(deps, found));
    if (stored !== undefined && stored.record.outbox.length > 0) continue;
    if (stored !== undefined && !isFinal(stored.record.state))
      return stored.operation; // Invariant 2.
    const sequence = (stored?.record.sequence ?? 0) + 1;
    await deps.index.put([openRow(operationIdOf({ key, sequence }))]); // Invariant 1: before the state.
    const pair = accept(
      {
        key,
        resourceId,
        required: deps.requiredRegistrations,
        requestedBy,
        traceparent,
      },
      stored?.record,
      momentOf(deps),
    );
    try {
      const accepted = await deps.store.commit(
        pair.record,
        pair.operation,
        stored?.etag,
      );
      await deliver(deps, accepted);
      return accepted.operation;
    } catch (error) {
      if (!isStateConflict(error)) throw error;
      // Another request for the same subscription came first: theirs is the operation.
    }
  }
  throw new ServiceError(
    "StateConflict",
    "Many requests for this subscription arrived at once. Send it again.",
    { retryAfterMs: 1_000 },
  );
}
