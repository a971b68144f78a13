/**
 * Accepts a request to prepare a subscription. Invariant, beside those of every acceptance (operation/accepting.ts):
 *  1. While a preparation runs, every request is that one operation; after its end the next request is a new one.
 */
import { acceptOperation } from "../operation/accepting.js";
import { isFinal } from "../operation/states.js";
import type { OperationRecord, Requester } from "../operation/records.js";
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

/** Answers the operation that prepares the subscription. Azure is not asked before it is stored. */
export function prepareSubscription(
  deps: PreparationDependencies,
  { subscriptionId, requestedBy, traceparent }: PrepareSubscription,
): Promise<OperationRecord> {
  const resourceId = subscriptionResourceId(subscriptionId);
  const key = keyOf(resourceId);
  return acceptOperation(deps, key, (stored) =>
    stored !== undefined && !isFinal(stored.record.state)
      ? stored.operation // Invariant 1.
      : accept(
          {
            key,
            resourceId,
            required: deps.requiredRegistrations,
            requestedBy,
            traceparent,
          },
          stored?.record,
          momentOf(deps),
        ),
  );
}
