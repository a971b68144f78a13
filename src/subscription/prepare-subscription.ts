/**
 * Accepts a request to prepare a subscription. Invariants, beside those of every acceptance (operation/accepting.ts):
 *  1. While a preparation runs, every request is that one operation; after its end the next request is a new one.
 *  2. A repeated Idempotency-Key answers the operation that it answered first, whatever became of it.
 */
import { acceptOperation } from "../operation/accepting.js";
import { bindKey, claimKey } from "../operation/idempotency.js";
import { hasEnded } from "../operation/kinds.js";
import type { OperationRecord, Requester } from "../operation/records.js";
import { contextOf } from "../operation/steps.js";
import { keyOf } from "../resource-id.js";
import type { PreparationDependencies } from "./ports.js";
import { subscriptionResourceId } from "./records.js";
import { accept } from "./transitions.js";

interface PrepareSubscription {
  /** In any case. */
  readonly subscriptionId: string;
  readonly requestedBy: Requester;
  /** W3C trace context that all messages and events of the operation will carry. */
  readonly traceparent: string;
  readonly idempotencyKey?: string;
}

/**
 * Answers the operation that prepares the subscription. Azure is not asked before it is stored. Throws ServiceError
 * IdempotencyKeyReused when the key is another request's.
 */
export async function prepareSubscription(
  deps: PreparationDependencies,
  command: PrepareSubscription,
): Promise<OperationRecord> {
  const { subscriptionId, requestedBy, traceparent } = command;
  const resourceId = subscriptionResourceId(subscriptionId);
  const key = keyOf(resourceId);
  const { requestKey, earlier } = await claimKey(deps, command, key, "PrepareSubscription");
  if (earlier !== undefined) return earlier; // Invariant 2.
  const operation = await acceptOperation(deps, key, (stored) =>
    stored !== undefined && !hasEnded(deps, stored)
      ? stored.operation // Invariant 1.
      : accept(
          {
            key,
            resourceId,
            required: deps.requiredRegistrations,
            requestedBy,
            traceparent,
            ...(requestKey !== undefined && { requestKey }),
          },
          stored?.record,
          contextOf(deps),
        ),
  );
  await bindKey(deps, requestKey, operation);
  return operation;
}
