import type { ImageVersions } from "./image-versions.js";
import { canonicalRegion } from "./regions.js";
import { viewRegion } from "./replication.js";
import type { ExclusionReading, ImageVersionRecord } from "./state.js";
import type { Store } from "./store.js";

/**
 * The version that a machine gets in a region without naming a number; `latestWhereNotReady`
 * decides whether it must be ready there.
 */
export function latestIn(
  store: Store,
  versions: ImageVersions,
  imageId: string,
  region: string,
): ImageVersionRecord | undefined {
  const { exclusionReading, latestWhereNotReady } = store.state;
  const included = versions
    .list(store.requireResource(imageId))
    .filter((version) => isIncluded(version, region, exclusionReading))
    .sort(byNumber);
  const isReady = ({ regions }: ImageVersionRecord): boolean =>
    regions.some(
      (entry) =>
        entry.region === region && viewRegion(entry, store.replicationNow()).state === "Completed",
    );
  const highest = included.at(-1);
  switch (latestWhereNotReady) {
    case "itself":
      return highest;
    case "below":
      return included.findLast(isReady);
    case "none":
      return highest !== undefined && isReady(highest) ? highest : undefined;
  }
}

function isIncluded(
  { properties, regions }: ImageVersionRecord,
  region: string,
  reading: ExclusionReading,
): boolean {
  const { excludeFromLatest: ofVersion = false, targetRegions = [] } =
    properties.publishingProfile ?? {};
  const ofRegion = targetRegions.find(
    ({ name }) => canonicalRegion(name ?? "") === region,
  )?.excludeFromLatest;
  const isExcluded =
    reading === "regionFirst" ? (ofRegion ?? ofVersion) : ofVersion || ofRegion === true;
  return !isExcluded && regions.some((entry) => entry.region === region);
}

function byNumber(one: ImageVersionRecord, other: ImageVersionRecord): number {
  return one.name.localeCompare(other.name, "en", { numeric: true });
}
