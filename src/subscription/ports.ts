import type { OperationDependencies, Stored } from "../operation/ports.js";
import type { PreparationRecord } from "./records.js";

/** A subscription's preparation and its current operation, as stored. */
export type StoredPreparation = Stored<PreparationRecord>;

/** A resource provider, or one of its preview features, that a subscription registers. */
export interface Registrable {
  /** Such as `Microsoft.Compute`. */
  readonly namespace: string;
  /** Such as `SIGEncryption`; absent for the provider itself. */
  readonly feature?: string;
}

/**
 * ARM's state: Registered, Registering, NotRegistered, Unregistered, Unregistering, or Pending
 * (awaits approval).
 */
export type RegistrationState = string;

/** ARM's reference spells it in either case. */
export function isRegistered(state: RegistrationState): boolean {
  return state.toLowerCase() === "registered";
}

/** A region that a subscription offers. */
export interface OfferedRegion {
  /** Canonical. */
  readonly name: string;
  /** Whether it has availability zones; absent: Azure returned none for any region. */
  readonly zones?: boolean;
}

/** A subscription's regions, registrations and accepted terms. */
export interface Subscriptions {
  listRegions(subscriptionId: string): Promise<readonly OfferedRegion[] | undefined>;
  /** Undefined: Azure has no such provider or feature. */
  getRegistration(
    subscriptionId: string,
    what: Registrable,
  ): Promise<RegistrationState | undefined>;
  /** Whether it has accepted the terms of a Marketplace plan; undefined: there is no such plan. */
  areTermsAccepted(
    subscriptionId: string,
    plan: Readonly<Record<"name" | "publisher" | "product", string>>,
  ): Promise<boolean | undefined>;
  /**
   * Requests the registration, which continues in Azure, and returns the state right after. Safe to
   * repeat.
   */
  register(subscriptionId: string, what: Registrable): Promise<RegistrationState | undefined>;
}

export interface PreparationDependencies extends OperationDependencies<PreparationRecord> {
  readonly subscriptions: Subscriptions;
  /** The required registrations, including the provider of each feature. */
  readonly requiredRegistrations: readonly Registrable[];
}

/** Such as `Microsoft.Compute`, or `Microsoft.Compute/SIGEncryption`. */
export function nameOf({ namespace, feature }: Registrable): string {
  return feature === undefined ? namespace : `${namespace}/${feature}`;
}
