import { canonicalRegion } from "../../src/resource-id.js";
import type {
  Registrable,
  Subscriptions,
} from "../../src/subscription/ports.js";
import type { Arm } from "./arm.js";
import type { Way } from "./faults.js";

/** What a subscription offers and has registered, as the simulator has it. */
export function subscriptionsOf(arm: Arm, way: Way): Subscriptions {
  async function ask<Wire>(
    method: "GET" | "POST",
    subscriptionId: string,
    path: string,
  ): Promise<Wire | undefined> {
    const { status, body } = await way.call(method, () =>
      arm.ask(method, `/subscriptions/${subscriptionId}/${path}`),
    );
    return status === 404 ? undefined : (body as Wire);
  }
  async function registration(
    method: "GET" | "POST",
    subscriptionId: string,
    { namespace, feature }: Registrable,
  ): Promise<string | undefined> {
    const wire = await ask<{
      registrationState?: string;
      properties?: { state: string };
    }>(
      method,
      subscriptionId,
      `providers/${feature === undefined ? namespace : `Microsoft.Features/providers/${namespace}/features/${feature}`}${method === "POST" ? "/register" : ""}`,
    );
    return wire?.registrationState ?? wire?.properties?.state;
  }
  return {
    async listRegions(subscriptionId) {
      const list = await ask<{
        value: readonly {
          name: string;
          availabilityZoneMappings?: readonly unknown[];
        }[];
      }>("GET", subscriptionId, "locations");
      return list?.value.map(({ name, availabilityZoneMappings }) => ({
        name: canonicalRegion(name),
        zones: availabilityZoneMappings !== undefined,
      }));
    },
    getRegistration: (subscriptionId, what) =>
      registration("GET", subscriptionId, what),
    register: (subscriptionId, what) =>
      registration("POST", subscriptionId, what),
  };
}
