import { ArmError, invalidParameter } from "./arm-error.js";
import type { PublishingProfile, TargetRegion } from "./image-version-shape.js";
import { findRegion, offeredRegions } from "./regions.js";
import type { ArmResource, SubscriptionState } from "./state.js";

const PROFILE = "galleryImageVersion.properties.publishingProfile";
/**
 * In one region. The sum over regions has no limit: Microsoft's own AKS image has 1,020 replicas
 * (Azure/azure-cli#16632).
 */
const MOST_REPLICAS = 100;
const VERSION_NAME = /^\d+\.\d+\.\d+$/u;
const LARGEST_PART = 2_147_483_647;

/** `Major.Minor.Patch`, each a 32-bit integer. */
export function validateName(name: string): void {
  const fits =
    VERSION_NAME.test(name) && name.split(".").every((part) => Number(part) <= LARGEST_PART);
  if (!fits)
    throw invalidParameter(
      "galleryImageVersion.name",
      "The image version name is invalid. The image version name should follow Major(int).Minor(int).Patch(int) format, for e.g: 1.0.0, 2018.12.1 etc",
    );
}

/** The canonical name of a location that ARM knows and the subscription is offered. */
export function validateLocation(
  location: string | undefined,
  subscription: SubscriptionState,
): string {
  if (location === undefined || location === "")
    throw new ArmError(
      400,
      "LocationRequired",
      "The location property is required for this definition.",
    );
  const region = findRegion(location);
  // "Cause: The region name is incorrect or requires an access request."
  const offered = offeredRegions(subscription);
  if (region === undefined || !offered.includes(region))
    throw new ArmError(
      400,
      "LocationNotAvailableForResourceType",
      `The provided location '${location}' is not available for resource type 'Microsoft.Compute/galleries'. List of available regions for the resource type is '${offered.map(({ name }) => name).join(",")}'.`,
    );
  return region.name;
}

/** Region names, their number of replicas, their storage, and what excludes what in a publishing profile. */
export function validateProfile(
  profile: PublishingProfile,
  regions: readonly TargetRegion[],
  location: string,
  subscription: SubscriptionState,
): void {
  if (profile.storageAccountType !== undefined && profile.storageAccountStrategy !== undefined)
    throw invalidParameter(
      `${PROFILE}.storageAccountStrategy`,
      "'storageAccountStrategy' cannot be specified along with 'storageAccountType'.",
    );
  validateCount(profile.replicaCount, `${PROFILE}.replicaCount`);

  const offered = offeredRegions(subscription);
  const seen = new Set<string>();
  regions.forEach((region, index) => {
    const path = `${PROFILE}.targetRegions[${index}]`;
    const known = findRegion(region.name ?? "");
    if (known === undefined || !offered.includes(known))
      throw invalidParameter(
        `${path}.name`,
        `The value '${region.name ?? ""}' of parameter '${path}.name' is not a region where galleries are available.`,
      );
    if (seen.has(known.name))
      throw invalidParameter(
        `${path}.name`,
        "Duplicate regions are not allowed in target publishing regions",
      );
    seen.add(known.name);
    validateCount(region.regionalReplicaCount, `${path}.regionalReplicaCount`);
    const sets = region.additionalReplicaSets ?? [];
    sets.forEach((set, setIndex) =>
      validateCount(
        set.regionalReplicaCount,
        `${path}.additionalReplicaSets[${setIndex}].regionalReplicaCount`,
      ),
    );
    const zonal = [region, ...sets].some(
      ({ storageAccountType = profile.storageAccountType }) =>
        storageAccountType === "Standard_ZRS",
    );
    if (zonal && !known.zones)
      throw invalidParameter(
        `${path}.storageAccountType`,
        "ZRS storage account type is not supported in this region.",
      );
  });
  if (!seen.has(location))
    throw invalidParameter(
      `${PROFILE}.targetRegions`,
      `Gallery image version publishing profile regions '${[...seen].join(", ")}' must contain the location of image version '${location}'`,
    );
}

/** One replica in one region; the words are a guess. */
export function validateShallow(
  { replicaCount = 1, replicationMode }: PublishingProfile,
  regions: readonly TargetRegion[],
): void {
  if (replicationMode !== "Shallow") return;
  const replicas = regions.flatMap(
    ({ regionalReplicaCount = replicaCount, additionalReplicaSets = [] }) => [
      regionalReplicaCount,
      ...additionalReplicaSets,
    ],
  );
  if (replicas.length > 1 || replicas[0] !== 1)
    throw invalidParameter(
      `${PROFILE}.replicationMode`,
      "Shallow replication allows one replica, in the home region alone.",
    );
}

function validateCount(count: number | undefined, path: string): void {
  if (count !== undefined && (count < 1 || count > MOST_REPLICAS))
    throw invalidParameter(
      path,
      `The value '${count}' of parameter '${path}' is out of range. The value must be between 1 and ${MOST_REPLICAS}, inclusive`,
    );
}

/** A version with own keys cannot be shared, so a shared gallery cannot hold one. */
export function validateGallery(gallery: ArmResource): void {
  const permissions = (
    gallery.properties?.["sharingProfile"] as { permissions?: string } | undefined
  )?.permissions;
  if (permissions !== undefined && permissions !== "Private")
    throw invalidParameter(
      `${PROFILE}.targetRegions`,
      `The gallery '${gallery.id}' is shared ('${permissions}'). A gallery image version that is encrypted with customer-managed keys cannot be created in a shared gallery.`,
    );
}
