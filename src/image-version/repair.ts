/**
 * A region that failed is repaired by ARM's own recipe: it is taken away and added back, two updates. Pure. Invariants:
 *  1. A region is added back only once ARM, done with the update before, no longer shows it.
 *  2. Regions that are ready are in every update as they are; the version's own location cannot be taken away.
 *  3. No region is repaired by itself more than `pace.repairAttempts` times in one operation.
 */
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { events } from "../operation/advance.js";
import type { Moment } from "../operation/ports.js";
import type { RegionRecord } from "../operation/records.js";
import { canonicalRegion } from "../resource-id.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ObservedImageVersion } from "./ports.js";
import type { ImageVersionRecord, ImageVersionPair } from "./records.js";
import { isBusy } from "./target.js";

/** Regions that have failed and may be repaired once more. */
export function repairable(
  record: ImageVersionRecord,
  moment: Moment,
): readonly RegionRecord[] {
  return record.regions.filter(
    ({ name, state }) =>
      state === "Failed" &&
      name !== record.request.location &&
      (record.repairs[name]?.attempts ?? 0) < moment.pace.repairAttempts,
  );
}

/** What is to be taken away or added back now that ARM shows this; the update follows from it. */
export function planRepairs(
  pair: ImageVersionPair,
  observed: ObservedImageVersion,
  moment: Moment,
): ImageVersionPair {
  if (isBusy(observed)) return pair;
  const { record } = pair;
  // Others may have added a region back: there is nothing to repair then.
  const mended = observed.regions
    .filter(({ state }) => state !== "Failed")
    .map(({ name }) => name);
  const repairing = record.repairing.filter((name) => !mended.includes(name));
  const left = { ...pair, record: { ...record, repairing } };
  return repairing.length > 0
    ? addBack(left, observed)
    : takeAway(left, moment);
}

function addBack(
  pair: ImageVersionPair,
  observed: ObservedImageVersion,
): ImageVersionPair {
  const shown = targetRegionsOf(observed.request).map(({ name }) =>
    canonicalRegion(name),
  );
  const { record } = pair;
  if (record.repairing.some((name) => shown.includes(name))) return pair; // Invariant 1.
  const repairs = { ...record.repairs };
  for (const name of record.repairing) {
    repairs[name] = { attempts: (repairs[name]?.attempts ?? 0) + 1 };
  }
  return {
    ...pair,
    record: {
      ...record,
      repairing: [],
      repairs,
      regions: record.regions.map((region) =>
        record.repairing.includes(region.name)
          ? {
              name: region.name,
              state: "Unknown",
              progress: 0,
              attempts: region.attempts + 1,
            }
          : region,
      ),
    },
  };
}

function takeAway(pair: ImageVersionPair, moment: Moment): ImageVersionPair {
  const { record } = pair;
  const candidates = repairable(record, moment);
  const repairs = { ...record.repairs };
  for (const { name } of candidates) {
    const { attempts, dueTime } = repairs[name] ?? { attempts: 0 };
    repairs[name] = {
      attempts,
      dueTime: dueTime ?? dueAfter(attempts, moment),
    };
  }
  const due = candidates.filter(
    ({ name }) =>
      Date.parse(repairs[name]?.dueTime ?? "") <= moment.now.getTime(),
  );
  return {
    ...pair,
    record: {
      ...record,
      repairs,
      repairing: due.map(({ name }) => name),
      outbox: [
        ...record.outbox,
        ...due.flatMap((region) =>
          events(
            pair,
            moment,
            IMAGE_VERSION_EVENT.regionRepairing,
            `${region.name}/repairing/${region.attempts}`,
            { region: region.name },
          ),
        ),
      ],
    },
  };
}

function dueAfter(attempts: number, { now, pace }: Moment): string {
  return new Date(
    now.getTime() + pace.repairDelayMs * 2 ** Math.min(attempts, 10),
  ).toISOString();
}
