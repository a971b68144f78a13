import type { TrackedRecord } from "../operation/records.js";

/** A resource provider or feature, and how far its registration is. */
export interface RegistrationRecord {
  /** Such as `Microsoft.Compute`, or `Microsoft.Compute/SIGEncryption`. */
  readonly name: string;
  readonly namespace: string;
  readonly feature?: string;
  /** ARM's word; `Unknown` until it has been seen. */
  readonly state: string;
  /** Every state that this operation has seen it in. */
  readonly seen: readonly string[];
}

/** The states of a subscription's current preparation. */
export type PreparationState = "Requested" | "Registering" | "Succeeded" | "Failed" | "Canceled";

/** The preparation of one subscription: what must be registered, how far that is, and what is still to be told. */
export interface PreparationRecord extends TrackedRecord {
  readonly state: PreparationState;
  /** Each feature's provider is among them. */
  readonly registrations: readonly RegistrationRecord[];
  /**
   * Names of features that were seen unregistered, and whose provider has not been registered since they are: until
   * then they do not take effect.
   */
  readonly unpropagated: readonly string[];
}

/** The resource id of a subscription; ids are the same whatever their case. */
export function subscriptionResourceId(subscriptionId: string): string {
  return `/subscriptions/${subscriptionId.toLowerCase()}`;
}

export function subscriptionIdOf({ resourceId }: Pick<PreparationRecord, "resourceId">): string {
  return resourceId.slice("/subscriptions/".length);
}
