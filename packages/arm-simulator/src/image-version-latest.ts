import type { ImageVersions } from "./image-versions.js";
import { canonicalRegion } from "./regions.js";
import type { ExclusionReading, ImageVersionRecord } from "./state.js";
import type { Store } from "./store.js";

/** The version that a machine gets in a region that names the definition alone, ready there or not. */
export function latestIn(
  store: Store,
  versions: ImageVersions,
  imageId: string,
  region: string,
): ImageVersionRecord | undefined {
  return versions
    .list(store.requireResource(imageId))
    .filter((version) => isIncluded(version, region, store.state.exclusionReading))
    .sort(byNumber)
    .at(-1);
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
