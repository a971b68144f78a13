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

/** ARM's word: Registered, Registering, NotRegistered, Unregistered, Unregistering, or Pending (awaits approval). */
export type RegistrationState = string;

/** ARM's reference spells it in both cases. */
export function isRegistered(state: RegistrationState): boolean {
  return state.toLowerCase() === "registered";
}

/** A region that a subscription offers. */
export interface OfferedRegion {
  /** Canonical. */
  readonly name: string;
  /** Whether it has availability zones; absent where Azure tells of no region's. */
  readonly zones?: boolean;
}

/** What a subscription offers, has registered and has accepted. */
export interface Subscriptions {
  listRegions(subscriptionId: string): Promise<readonly OfferedRegion[] | undefined>;
  /** Undefined where Azure has no such provider or feature. */
  getRegistration(
    subscriptionId: string,
    what: Registrable,
  ): Promise<RegistrationState | undefined>;
  /** Whether it has accepted the terms of a plan of the Marketplace; undefined where there is no such plan. */
  areTermsAccepted(
    subscriptionId: string,
    plan: Readonly<Record<"name" | "publisher" | "product", string>>,
  ): Promise<boolean | undefined>;
  /** Asks for registration, which goes on by itself; answers the state right after. Safe to repeat. */
  register(subscriptionId: string, what: Registrable): Promise<RegistrationState | undefined>;
}

/** What the preparation of subscriptions needs. */
export interface PreparationDependencies extends OperationDependencies<PreparationRecord> {
  readonly subscriptions: Subscriptions;
  /** What a subscription must have registered; each feature's provider is among them. */
  readonly requiredRegistrations: readonly Registrable[];
}

/** Such as `Microsoft.Compute`, or `Microsoft.Compute/SIGEncryption`. */
export function nameOf({ namespace, feature }: Registrable): string {
  return feature === undefined ? namespace : `${namespace}/${feature}`;
}
