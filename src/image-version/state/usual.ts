/**
 * How long Azure takes to copy a version to a region, by its last copies there. Pure. Why it is
 * kept: docs/explanation/decisions.md.
 */
import { omit } from "../../objects.js";
import type { RegionRecord, UsualTime } from "../../operation/records.js";

/** Seconds that the last copies to a region took, oldest first. */
export type Ends = readonly number[];

/** By canonical region. */
export type UsualTimes = ReadonlyMap<string, UsualTime>;

/** How many ends of a region are kept. */
const MOST_ENDS = 20;
/** With fewer ends, no copy is called late. */
const FEWEST_ENDS = 5;

/** Undefined: nothing is known. Percentiles by nearest rank, so each is the time of a real copy. */
export function usualOf(ends: Ends): UsualTime | undefined {
  if (ends.length === 0) return undefined;
  const sorted = ends.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50Seconds: at(0.5), p90Seconds: at(0.9), ends: ends.length };
}

export function withEnd(ends: Ends, seconds: number): Ends {
  return [...ends, seconds].slice(-MOST_ENDS);
}

/**
 * Regions whose copy Sigil requested and a look now shows Completed, with the seconds that it took.
 */
export function endedBetween(
  before: readonly RegionRecord[],
  after: readonly RegionRecord[],
): readonly (readonly [region: string, seconds: number])[] {
  return after.flatMap(({ name, completedTime }) => {
    const begun = before.find((region) => region.name === name);
    return completedTime === undefined ||
      begun?.begunTime === undefined ||
      begun.completedTime !== undefined
      ? []
      : [[name, secondsBetween(begun.begunTime, completedTime)] as const];
  });
}

/** Marks the copies to these regions as requested now. */
export function withBegun(
  regions: readonly RegionRecord[],
  names: readonly string[],
  usual: UsualTimes | undefined,
  now: Date,
): readonly RegionRecord[] {
  return regions.map((region) => {
    if (!names.includes(region.name)) return region;
    const others = omit(region, "usual");
    const known = usual?.get(region.name);
    return {
      ...others,
      begunTime: now.toISOString(),
      ...(known && { usual: known }),
    };
  });
}

/**
 * When the region should be done by its usual time; undefined: unknown, or in the past. RFC 3339.
 */
export function usualEnd({ begunTime, usual, state }: RegionRecord, now: Date): string | undefined {
  if (begunTime === undefined || usual === undefined) return undefined;
  if (state !== "Unknown" && state !== "Replicating") return undefined;
  const end = [usual.p50Seconds, usual.p90Seconds]
    .map((seconds) => Date.parse(begunTime) + seconds * 1_000)
    .find((ms) => ms > now.getTime());
  return end === undefined ? undefined : new Date(end).toISOString();
}

/** Whether its copy takes longer than nine of ten did; undefined: too few are known. */
export function isLate({ begunTime, usual }: RegionRecord, now: Date): boolean | undefined {
  return begunTime === undefined || usual === undefined || usual.ends < FEWEST_ENDS
    ? undefined
    : now.getTime() - Date.parse(begunTime) > usual.p90Seconds * 1_000;
}

function secondsBetween(begin: string, end: string): number {
  return Math.round((Date.parse(end) - Date.parse(begin)) / 1_000);
}
