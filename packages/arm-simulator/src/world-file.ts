import { isObject } from "./json-shape.js";
import { checkMembers, optional, REGION, RESOURCE, TEXT, type Rule } from "./control-argument.js";
import { canonicalRegion } from "./regions.js";
import type { ArmResource, SubscriptionState } from "./state.js";
import { subscription, withKeys, type SimulatorWorld } from "./world.js";

const LIST: Rule = { accepts: Array.isArray, expected: "a list" };
const WORLD = { subscriptions: LIST, resources: LIST };
/** Required for a subscription; the rest has the defaults of `subscription`. */
const REQUIRED = { subscriptionId: TEXT };
const KNOWN = new Set(Object.keys(subscription("any")));

/** The world that a file of JSON describes; throws a TypeError that says what is right. */
export function worldFrom(content: unknown): SimulatorWorld {
  checkMembers("a world", content, WORLD);
  const { subscriptions, resources } = content as Record<keyof SimulatorWorld, readonly unknown[]>;
  const known = subscriptions.map(readSubscription);
  if (known.length === 0) throw new TypeError("A world has at least one subscription.");
  const ids = new Set<string>();
  const read = resources.map((resource, index) => {
    const made = readResource(resource, `resource ${index}`, known);
    if (ids.size === ids.add(made.id.toLowerCase()).size)
      throw new TypeError(`'${made.id}' is there twice.`);
    return made;
  });
  const added = withKeys(read).slice(read.length);
  return {
    subscriptions: known,
    resources: [...read, ...added.filter(({ id }) => !ids.has(id.toLowerCase()))],
  };
}

function readSubscription(given: unknown, index: number): SubscriptionState {
  const name = `subscription ${index}`;
  const members = Object.keys(isObject(given) ? given : {});
  checkMembers(
    name,
    isObject(given) ? { subscriptionId: given["subscriptionId"] } : given,
    REQUIRED,
  );
  const unknown = members.find((member) => !KNOWN.has(member));
  if (unknown !== undefined)
    throw new TypeError(`${name} has no member '${unknown}'. It has: ${[...KNOWN].join(", ")}.`);
  const asked = given as Partial<SubscriptionState> & { readonly subscriptionId: string };
  return {
    ...subscription(asked.subscriptionId),
    ...asked,
    unavailableRegions: (asked.unavailableRegions ?? []).map(canonicalRegion),
  };
}

function readResource(
  given: unknown,
  name: string,
  subscriptions: readonly SubscriptionState[],
): ArmResource {
  if (!RESOURCE.accepts(given)) throw new TypeError(`${name} must be ${RESOURCE.expected}.`);
  const { id, location } = given as ArmResource;
  checkMembers(name, { location }, { location: optional(REGION) });
  const [, subscriptionId = ""] = /^\/subscriptions\/([^/]+)\//iu.exec(id) ?? [];
  if (
    !subscriptions.some((one) => one.subscriptionId.toLowerCase() === subscriptionId.toLowerCase())
  )
    throw new TypeError(`'${id}' is in none of the world's subscriptions.`);
  return given as ArmResource;
}
