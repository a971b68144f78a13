import type { Registrable, Subscriptions } from "../../subscription/ports.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import type { ArmCall } from "./errors.js";
import { readPages, urlOf } from "./pages.js";

const LOCATIONS_API_VERSION = "2022-12-01";
const PROVIDERS_API_VERSION = "2021-04-01";
const FEATURES_API_VERSION = "2021-07-01";
const TERMS_API_VERSION = "2021-01-01";

/**
 * What a subscription offers, has registered and has accepted. It uses ARM's own endpoints, because
 * Compute's SDK has no methods for them.
 */
export function createSubscriptions(arm: ArmClient): Subscriptions {
  async function registration(
    method: "GET" | "POST",
    subscriptionId: string,
    what: Registrable,
  ): Promise<string | undefined> {
    const { call, path, apiVersion } = endpointOf(method, subscriptionId, what);
    const response = await arm.request(call, method, urlOf(arm, path, apiVersion));
    const wire = arm.bodyOf<WireRegistration>(call, response);
    return wire && inOneCase(wire.registrationState ?? wire.properties?.state ?? "Unknown");
  }

  return {
    async listRegions(subscriptionId) {
      const scope = subscriptionScope(subscriptionId);
      const listed = await readPages<WireLocation>(arm, {
        what: `the list of regions of subscription ${subscriptionId}`,
        action: "Microsoft.Resources/subscriptions/locations/read",
        scope,
        path: `${scope}/locations`,
        apiVersion: LOCATIONS_API_VERSION,
      });
      const found = listed?.filter(isRegion);
      if (found === undefined) return undefined;
      const zonesAreTold = found.some(hasZones);
      return found.map((location) => ({
        name: canonicalRegion(location.name ?? ""),
        ...(zonesAreTold && { zones: hasZones(location) }),
      }));
    },
    getRegistration: (subscriptionId, what) => registration("GET", subscriptionId, what),
    async areTermsAccepted(subscriptionId, { publisher, product, name }) {
      const scope = subscriptionScope(subscriptionId);
      const [ofPublisher, ofOffer, ofPlan] = [publisher, product, name].map(encodeURIComponent);
      const call = {
        what: `the read of the terms of plan ${name} of ${product} by ${publisher}`,
        action: "Microsoft.MarketplaceOrdering/offerTypes/publishers/offers/plans/agreements/read",
        scope,
      };
      const agreement = arm.bodyOf<WireAgreement>(
        call,
        await arm.request(
          call,
          "GET",
          urlOf(
            arm,
            `${scope}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${ofPublisher}/offers/${ofOffer}/plans/${ofPlan}/agreements/current`,
            TERMS_API_VERSION,
          ),
        ),
      );
      return agreement && agreement.properties?.accepted === true;
    },

    register: (subscriptionId, what) => registration("POST", subscriptionId, what),
  };
}

/** The reference spells a feature's state both "registered" and "Registered". */
function inOneCase(state: string): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}

function endpointOf(
  method: "GET" | "POST",
  subscriptionId: string,
  { namespace, feature }: Registrable,
): { call: ArmCall; path: string; apiVersion: string } {
  const scope = subscriptionScope(subscriptionId);
  const register = method === "POST";
  const name = feature === undefined ? namespace : `${namespace}/${feature}`;
  const what = `the ${register ? "registration" : "read of the registration"} of ${name} in subscription ${subscriptionId}`;
  const provider = `providers/${encodeURIComponent(namespace)}`;
  const suffix = register ? "/register" : "";
  return feature === undefined
    ? {
        call: {
          what,
          action: register
            ? `${namespace}/register/action`
            : "Microsoft.Resources/subscriptions/providers/read",
          scope,
        },
        path: `${scope}/${provider}${suffix}`,
        apiVersion: PROVIDERS_API_VERSION,
      }
    : {
        call: {
          what,
          action: `Microsoft.Features/providers/features/${register ? "register/action" : "read"}`,
          scope,
        },
        path: `${scope}/providers/Microsoft.Features/${provider}/features/${encodeURIComponent(feature)}${suffix}`,
        apiVersion: FEATURES_API_VERSION,
      };
}

export function subscriptionScope(subscriptionId: string): string {
  return `/subscriptions/${encodeURIComponent(subscriptionId)}`;
}

/** A provider has `registrationState`, a feature `properties.state`. */
interface WireRegistration {
  readonly registrationState?: string;
  readonly properties?: { readonly state?: string };
}

interface WireAgreement {
  readonly properties?: { readonly accepted?: boolean };
}

interface WireLocation {
  readonly name?: string;
  readonly type?: string;
  readonly metadata?: { readonly regionType?: string };
  readonly availabilityZoneMappings?: readonly unknown[];
}

/**
 * Whether Compute can place resources here. ARM also lists geographies, such as `europe`, as
 * Logical regions.
 */
function isRegion({ type, metadata }: WireLocation): boolean {
  return type !== "EdgeZone" && metadata?.regionType !== "Logical";
}

function hasZones({ availabilityZoneMappings = [] }: WireLocation): boolean {
  return availabilityZoneMappings.length > 0;
}
