/** What looks have shown of the regions: what the product may tell. */
import type { ObservedImageVersion } from "../../src/image-version/ports.js";
import type { Change } from "./arm.js";
import { factOf, factsOf, isIdle } from "./bodies.js";

export interface Sightings {
  changed(change: Change): void;
  seen(observed: ObservedImageVersion, current: boolean): void;
  /** True once a look has shown this region Completed with these replicas and keys, ARM having done with what changed it. */
  hasShown(region: string, count: number, keys: readonly string[]): boolean;
  /** When what ARM has of this region changed last. */
  changedMs(region: string): number;
}

export function createSightings(nowMs: () => number): Sightings {
  const shown = new Set<string>();
  const changes = new Map<string, number>();
  /** Regions that ARM had, and has not done with changing: shown as Completed all the while. */
  const settling = new Set<string>();
  return {
    changed({ before, after }) {
      const deleting = after?.provisioningState === "Deleting";
      if (deleting) {
        settling.clear();
        shown.clear();
        return;
      }
      const facts = factsOf(after?.body);
      const earlier = factsOf(before?.body);
      for (const [name, fact] of facts)
        if (earlier.get(name) !== fact) changes.set(name, nowMs());
      for (const [name, fact] of earlier) {
        if (facts.get(name) === fact) continue;
        for (const each of [...shown])
          if (each.startsWith(`${name} `)) shown.delete(each);
        if (facts.has(name)) settling.add(name);
      }
    },
    seen({ request, regions, provisioningState }, current) {
      const idle = isIdle(provisioningState);
      if (current && idle) settling.clear();
      for (const [name, fact] of factsOf(request))
        if (
          regions.some(
            (region) => region.name === name && region.state === "Completed",
          ) &&
          (idle || !settling.has(name))
        )
          shown.add(fact);
    },
    hasShown: (...fact) => shown.has(factOf(...fact)),
    changedMs: (region) => changes.get(region) ?? 0,
  };
}
