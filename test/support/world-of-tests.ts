import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { seedWorld, subscription, type SimulatorWorld } from "@sigil-local/arm-simulator/world";

/** A subscription beside the gallery's own, whose machines use its versions. */
export const CONSUMER = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";

/** The seed's, with the subscription of consumers: it has other regions, so that nobody takes one's for the other's. */
export function worldOfTests(): SimulatorWorld {
  const seed = seedWorld(LOCAL_SUBSCRIPTION_ID);
  const other = subscription(CONSUMER, { unavailableRegions: ["eastus"] });
  return { ...seed, subscriptions: [...seed.subscriptions, other] };
}
