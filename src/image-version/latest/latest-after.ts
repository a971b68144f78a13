/**
 * Determines the latest version, which a virtual machine without a version number would get: the
 * highest one in Azure that is not excluded, whoever created it. In a region it is the highest one
 * that is ready and not excluded there, even while its other regions still replicate.
 */
import { compareVersionNumbers } from "../../version-numbers.js";
import { latestIn } from "./flags.js";
import type { ListedImageVersion } from "../resources.js";

/**
 * A version as Azure lists it, with the regions where it is known to be ready; undefined: none
 * known.
 */
export interface Candidate extends ListedImageVersion {
  readonly readyRegions?: readonly string[] | undefined;
}

export interface Latest {
  /** Its number; absent: no version is ready and not excluded. */
  readonly version?: string;
  /** By canonical region. */
  readonly inRegion: ReadonlyMap<string, string>;
}

/** Whether ARM is creating or updating it, so that only its replication shows where it is ready. */
export function isUnsettled({
  provisioningState,
}: Pick<ListedImageVersion, "provisioningState">): boolean {
  return ["Creating", "Updating", "Failed"].includes(provisioningState);
}

/** Whether it is in latest in some region, ready or not. */
export function isPromoted({ resource }: Pick<ListedImageVersion, "resource">): boolean {
  return latestIn(resource).length > 0;
}

/** Canonical regions where a version is in latest, ready or not. */
function includedRegions(item: ListedImageVersion): readonly string[] {
  return item.provisioningState === "Deleting" ? [] : latestIn(item.resource);
}

/** Canonical regions where a version can be used without its number. */
export function usableRegions(candidate: Candidate): readonly string[] {
  const { readyRegions } = candidate;
  return includedRegions(candidate).filter((name) =>
    readyRegions === undefined ? !isUnsettled(candidate) : readyRegions.includes(name),
  );
}

/**
 * `usable` returns the regions where a version can be used without its number. It is called only
 * for versions that may be the latest in a region, highest first.
 */
export async function latestOf(
  listed: readonly ListedImageVersion[],
  usable: (item: ListedImageVersion) => Promise<readonly string[]>,
): Promise<Latest> {
  const inRegion = new Map<string, string>();
  let version: string | undefined;
  for (const item of descending(listed)) {
    if (includedRegions(item).every((region) => inRegion.has(region))) continue;
    for (const region of await usable(item)) {
      version ??= item.name;
      if (!inRegion.has(region)) inRegion.set(region, item.name);
    }
  }
  return { ...(version !== undefined && { version }), inRegion };
}

/**
 * The versions of a list that may decide the latest, even if any one of them differs from the list:
 * in some region, fewer than two usable ones are above them. Highest first.
 */
export function candidatesOf(listed: readonly ListedImageVersion[]): readonly ListedImageVersion[] {
  const above = new Map<string, number>();
  const aboveIn = (region: string): number => above.get(region) ?? 0;
  return descending(listed).filter((item) => {
    const included = includedRegions(item);
    const mayBe = included.some((region) => aboveIn(region) < 2);
    if (!isUnsettled(item)) for (const region of included) above.set(region, aboveIn(region) + 1);
    return mayBe;
  });
}

function descending(listed: readonly ListedImageVersion[]): readonly ListedImageVersion[] {
  return [...listed].sort((a, b) => compareVersionNumbers(b.name, a.name));
}

/** The change of a region's latest version. */
export interface LatestChange {
  /** Canonical. */
  readonly region: string;
  /** Absent: no version is the latest. */
  readonly from?: string;
  readonly to?: string;
}

/** The latest version of each region, before and after. */
export function latestBetween(before: Latest, after: Latest): readonly LatestChange[] {
  return [...new Set([...before.inRegion.keys(), ...after.inRegion.keys()])]
    .sort()
    .map((region) => {
      const [from, to] = [before, after].map((one) => one.inRegion.get(region));
      return {
        region,
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      };
    });
}

/** Regions that have a latest version, and would have none. */
export function lostOf(changes: readonly LatestChange[]): readonly LatestChange[] {
  return changes.filter(({ to }) => to === undefined);
}
