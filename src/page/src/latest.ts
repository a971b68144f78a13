import type { Schemas } from "@sigil/client";

type VersionSummary = Schemas["ImageVersionSummary"];
type RegionSummary = Schemas["RegionSummary"];

/** What becomes of the latest version in each region. */
export interface LatestChange {
  readonly region: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/**
 * The regions whose latest version changes where one version is included, excluded or deleted, by what is shown of all
 * versions: the highest that is ready and not excluded, as Azure chooses it.
 */
export function latestChanges(
  versions: readonly VersionSummary[],
  changed: string,
  becomes: "included" | "excluded" | "deleted",
): readonly LatestChange[] {
  const regions = [
    ...new Set(
      versions.flatMap((version) => version.regions.map(({ name }) => name)),
    ),
  ].sort();
  return regions
    .map((region) => ({
      region,
      from: versions.find((version) => regionOf(version, region)?.latest)?.name,
      // Highest first, as the summary has them.
      to: versions.find((version) => {
        const state = regionOf(version, region);
        if (state === undefined) return false;
        if (version.name === changed)
          return (
            becomes === "included" &&
            // One that is in latest somewhere is held back elsewhere by the region's own flag.
            (version.excludeFromLatest || !state.excludeFromLatest) &&
            isReady(version, state)
          );
        return !state.excludeFromLatest && isReady(version, state);
      })?.name,
    }))
    .filter(({ from, to }) => from !== to);
}

function regionOf(
  version: VersionSummary,
  name: string,
): RegionSummary | undefined {
  return version.regions.find((region) => region.name === name);
}

/** The latest is ready, also where its state is not known as others work on it. */
function isReady(version: VersionSummary, region: RegionSummary): boolean {
  return (
    (region.state === "Completed" || region.latest) &&
    version.provisioningState !== "Deleting"
  );
}
