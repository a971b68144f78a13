import type { TrackedRecord } from "../operation/records.js";

/** A resource provider or feature, and its registration. */
export interface RegistrationRecord {
  /** Such as `Microsoft.Compute`, or `Microsoft.Compute/SIGEncryption`. */
  readonly name: string;
  readonly namespace: string;
  readonly feature?: string;
  /** ARM's word; `Unknown` before the first look. */
  readonly state: string;
  /** Every state in which this operation has seen it. */
  readonly seen: readonly string[];
}

/** What its operation shows of each registration: the detail of that operation. */
export type Registrations = readonly Pick<RegistrationRecord, "name" | "state">[];

/** The states of a subscription's current preparation. */
export type PreparationState = "Requested" | "Registering" | "Succeeded" | "Failed" | "Canceled";

/**
 * The preparation of one subscription: the required registrations, their progress, and what is left
 * to report.
 */
export interface PreparationRecord extends TrackedRecord {
  readonly state: PreparationState;
  /** Including the provider of each feature. */
  readonly registrations: readonly RegistrationRecord[];
  /**
   * Names of features that were seen unregistered, and whose provider was not registered again
   * since they became Registered. Until then they have no effect.
   */
  readonly unpropagated: readonly string[];
}

/** The resource id of a subscription. Case does not matter. */
export function subscriptionResourceId(subscriptionId: string): string {
  return `/subscriptions/${subscriptionId.toLowerCase()}`;
}

export function subscriptionIdOf({ resourceId }: Pick<PreparationRecord, "resourceId">): string {
  return resourceId.slice("/subscriptions/".length);
}
