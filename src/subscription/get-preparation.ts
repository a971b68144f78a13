import { keyOf } from "../resource-id.js";
import type { OperationRecord } from "../operation/records.js";
import { nameOf, type PreparationDependencies } from "./ports.js";
import { unknownToAzure } from "./preparation.js";
import { subscriptionResourceId } from "./records.js";

/** The registrations of a subscription now. */
interface Preparation {
  /** In lower case. */
  readonly subscriptionId: string;
  /**
   * True if everything is Registered and no feature waits for its provider to be registered again.
   */
  readonly prepared: boolean;
  /** In ARM's words; `Unknown` for a feature that ARM does not return. */
  readonly registrations: readonly {
    readonly name: string;
    readonly state: string;
  }[];
  /** The operation that prepares the subscription, or did so last; absent: there was none. */
  readonly operation?: Pick<OperationRecord, "id" | "status">;
}

/**
 * Reads each required registration from ARM once. Throws ServiceError NotFound if ARM does not know
 * the subscription or a provider, ResourceManagerForbidden, or a retryable error as ARM answers.
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
