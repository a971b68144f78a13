import { targetRegionsOf } from "./canonical-form.js";
import { changesBetween, type PropertyChange } from "./changes.js";
import type { ImageVersionRequest } from "./contract.js";

/** What a request changes of the one that it follows, as far as ARM lets it be changed. */
export interface Change {
  readonly removing: {
    readonly regions: readonly string[];
    readonly tags: readonly string[];
  };
  /** Regions that were there before and get something else now. */
  readonly changing: readonly string[];
}

export function changeOf(
  before: ImageVersionRequest,
  after: ImageVersionRequest,
): Change {
  const kept = targetRegionsOf(after);
  const names = kept.map((region) => region.name);
  return {
    removing: {
      regions: targetRegionsOf(before)
        .map((region) => region.name)
        .filter((name) => !names.includes(name)),
      tags: Object.keys(before.tags ?? {}).filter(
        (name) => after.tags?.[name] === undefined,
      ),
    },
    changing: kept
      .filter((region, i) => {
        const known = targetRegionsOf(before).some(
          ({ name }) => name === region.name,
        );
        return (
          known &&
          changesBetween(before, after).some((change) =>
            `${change.pointer}/`.startsWith(
              `/properties/publishingProfile/targetRegions/${i}/`,
            ),
          )
        );
      })
      .map((region) => region.name),
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
