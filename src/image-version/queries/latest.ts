/**
 * Which version is the latest, as a virtual machine made without a version number would get it: the highest that is not
 * excluded, of all that Azure has, whoever made it. In a region it is the highest that is ready there and not excluded
 * there, also while its other regions still replicate. Pure.
 */
import { canonicalRegion } from "../../resource-id.js";
import { compareVersionNumbers } from "../version-numbers.js";
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

export function isPromoted({ resource }: ListedImageVersion): boolean {
  return resource.properties.publishingProfile?.excludeFromLatest !== true;
}

/** Canonical regions in which a version may be used without its number. */
export function usableRegions(candidate: Candidate): readonly string[] {
  if (!isPromoted(candidate) || candidate.provisioningState === "Deleting")
    return [];
  const { resource, readyRegions } = candidate;
  const regions = (
    resource.properties.publishingProfile?.targetRegions ?? []
  ).filter(({ excludeFromLatest }) => excludeFromLatest !== true);
  return regions
    .map(({ name }) => canonicalRegion(name))
    .filter((name) =>
      readyRegions === undefined
        ? !isUnsettled(candidate)
        : readyRegions.includes(name),
    );
}

export function latestOf(candidates: readonly Candidate[]): Latest {
  const descending = [...candidates].sort((a, b) =>
    compareVersionNumbers(b.name, a.name),
  );
  const inRegion = new Map<string, string>();
  let version: string | undefined;
  for (const candidate of descending) {
    const regions = usableRegions(candidate);
    if (regions.length > 0) version ??= candidate.name;
    for (const region of regions)
      if (!inRegion.has(region)) inRegion.set(region, candidate.name);
  }
  return { ...(version !== undefined && { version }), inRegion };
}
