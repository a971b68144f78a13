/**
 * Accepts a request to prepare a subscription. Invariants, in addition to those of every acceptance
 * (operation/accepting.ts):
 *  1. While a preparation runs, every request returns that operation. After it has ended, the next
 *     request is a new one.
 *  2. A repeated Idempotency-Key returns the operation that it first returned, whatever its
 *     outcome.
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
  /** W3C trace context for all messages and events of the operation. */
  readonly traceparent: string;
  readonly idempotencyKey?: string;
}

/**
 * Returns the operation that prepares the subscription. It is stored before Azure is asked. Throws
 * ServiceError IdempotencyKeyReused if the key belongs to another request.
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
