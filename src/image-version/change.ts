import { targetRegionsOf } from "./canonical-form.js";
import type { PropertyChange } from "./changes.js";
import type { ImageVersionRequest } from "./contract.js";

/** Regions and tags that a request leaves out of the one that it follows. */
export function removals(
  before: ImageVersionRequest,
  after: ImageVersionRequest,
): { readonly regions: readonly string[]; readonly tags: readonly string[] } {
  const kept = targetRegionsOf(after).map((region) => region.name);
  return {
    regions: targetRegionsOf(before)
      .map((region) => region.name)
      .filter((name) => !kept.includes(name)),
    tags: Object.keys(before.tags ?? {}).filter(
      (name) => after.tags?.[name] === undefined,
    ),
  };
}

const MUTABLE =
  /^\/(?:tags(?:\/|$)|sigil(?:\/|$)|properties\/safetyProfile(?:\/|$)|properties\/publishingProfile\/(?:excludeFromLatest|endOfLifeDate|targetRegions)(?:\/|$))/u;
const REGION = /^\/properties\/publishingProfile\/targetRegions\/\d+\/(.*)$/u;
const MUTABLE_IN_REGION =
  /^(?:regionalReplicaCount|excludeFromLatest|additionalReplicaSets|encryption)(?:\/|$)/u;

/** "Immutable after creation: source, disks and LUNs, replicationMode, storageAccountType, storageAccountStrategy." */
export function isMutable({
  pointer,
}: Pick<PropertyChange, "pointer">): boolean {
  const inRegion = REGION.exec(pointer)?.[1];
  return inRegion === undefined
    ? MUTABLE.test(pointer)
    : MUTABLE_IN_REGION.test(inRegion);
}
