/** Counts the versions of a subscription that this instance's steps saw replicating in the last ten minutes: they share Azure's limit for reads. */
import { BoundedMap } from "../../bounded-map.js";
import { formatImageVersionId } from "../../resource-id.js";
import type { Looks } from "../ports.js";

const LATELY_MS = 600_000;
const MOST_SUBSCRIPTIONS = 100;
const MOST_VERSIONS = 1_000;

export function createReplicating(
  now: () => Date,
): Pick<Looks, "noteReplicating" | "replicatingIn"> {
  /** By subscription: when each version was last seen, the oldest first. */
  const subscriptions = new BoundedMap<string, BoundedMap<string, number>>(MOST_SUBSCRIPTIONS);
  return {
    noteReplicating(id, replicates) {
      const subscription = id.subscriptionId.toLowerCase();
      const versions = subscriptions.get(subscription) ?? new BoundedMap(MOST_VERSIONS);
      subscriptions.set(subscription, versions);
      const version = formatImageVersionId(id).toLowerCase();
      if (replicates) versions.set(version, now().getTime());
      else versions.delete(version);
    },
    replicatingIn(subscriptionId) {
      const versions = subscriptions.get(subscriptionId.toLowerCase());
      const sinceMs = now().getTime() - LATELY_MS;
      versions?.deleteWhile((ms) => ms <= sinceMs);
      return versions?.size ?? 0;
    },
  };
}
