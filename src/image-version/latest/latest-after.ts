/**
 * Which version is the latest, as a virtual machine made without a version number would get it: the highest that is not
 * excluded, of all that Azure has, whoever made it. In a region it is the highest that is ready there and not excluded
 * there, also while its other regions still replicate.
 */
import { compareVersionNumbers } from "../version-numbers.js";
import { latestIn } from "./flags.js";
import type { ListedImageVersion } from "../resources.js";

/** A version as Azure lists it, with the regions where it is known to be ready; undefined: not known of any. */
export interface Candidate extends ListedImageVersion {
  readonly readyRegions?: readonly string[] | undefined;
}

export interface Latest {
  /** Its number; absent where no version is ready and not excluded. */
  readonly version?: string;
  /** By canonical region. */
  readonly inRegion: ReadonlyMap<string, string>;
}

/** True while ARM creates or updates it: whether a region is ready is only known by its replication. */
export function isUnsettled({
  provisioningState,
}: Pick<ListedImageVersion, "provisioningState">): boolean {
  return ["Creating", "Updating", "Failed"].includes(provisioningState);
}

/** In latest in some region, ready or not. */
export function isPromoted({ resource }: Pick<ListedImageVersion, "resource">): boolean {
  return latestIn(resource).length > 0;
}

/** Canonical regions in which a version is included in latest, ready or not. */
function includedRegions(item: ListedImageVersion): readonly string[] {
  return item.provisioningState === "Deleting" ? [] : latestIn(item.resource);
}

/** Canonical regions in which a version may be used without its number. */
export function usableRegions(candidate: Candidate): readonly string[] {
  const { readyRegions } = candidate;
  return includedRegions(candidate).filter((name) =>
    readyRegions === undefined ? !isUnsettled(candidate) : readyRegions.includes(name),
  );
}

/**
 * `usable` says in which regions a version may be used without its number. It is asked of those alone that may be the latest
 * in a region, highest first.
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
 * Those of a list that its latest can be found of, also where any one version is otherwise than listed: in some region fewer than two above
 * them may be used as listed. Highest first.
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

/** What becomes of the latest of a region. */
export interface LatestChange {
  /** Canonical. */
  readonly region: string;
  /** Absent where no version is the latest. */
  readonly from?: string;
  readonly to?: string;
}

/** The latest of each region, before and after. */
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

/** Those that have a latest, and would have none. */
export function lostOf(changes: readonly LatestChange[]): readonly LatestChange[] {
  return changes.filter(({ to }) => to === undefined);
}
