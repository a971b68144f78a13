import { keyOf } from "../resource-id.js";
import type { OperationRecord } from "../operation/records.js";
import { nameOf, type PreparationDependencies } from "./ports.js";
import { unknownToAzure } from "./preparation.js";
import { subscriptionResourceId } from "./records.js";

/** What is registered in a subscription now. */
interface Preparation {
  /** In lower case. */
  readonly subscriptionId: string;
  /** True when everything is Registered and no feature waits for its provider to be registered once more. */
  readonly prepared: boolean;
  /** In ARM's words; `Unknown` for a feature that ARM does not show. */
  readonly registrations: readonly {
    readonly name: string;
    readonly state: string;
  }[];
  /** The operation that prepares the subscription, or did so last; absent where none was asked for. */
  readonly operation?: Pick<OperationRecord, "id" | "status">;
}

/**
 * Asks ARM for each required registration, once. Throws ServiceError NotFound where ARM does not show a provider: the
 * subscription is unknown, or the provider is; and ResourceManagerForbidden or a retryable one as ARM answers.
 */
export async function getPreparation(
  {
    store,
    subscriptions,
    requiredRegistrations,
  }: Pick<PreparationDependencies, "store" | "subscriptions" | "requiredRegistrations">,
  id: string,
): Promise<Preparation> {
  const resourceId = subscriptionResourceId(id);
  const subscriptionId = id.toLowerCase();
  const [stored, ...registrations] = await Promise.all([
    store.read(keyOf(resourceId)),
    ...requiredRegistrations.map(async (what) => {
      const name = nameOf(what);
      const state = await subscriptions.getRegistration(subscriptionId, what);
      if (state === undefined && what.feature === undefined)
        throw unknownToAzure(subscriptionId, { name });
      return { name, state: state ?? "Unknown" };
    }),
  ]);
  return {
    subscriptionId,
    prepared: registrations.every(
      ({ name, state }) =>
        state === "Registered" && stored?.record.unpropagated.includes(name) !== true,
    ),
    registrations,
    ...(stored && {
      operation: { id: stored.operation.id, status: stored.operation.status },
    }),
  };
}
