import type { ImageVersionBody } from "./image-version-shape.js";
import { canonicalRegion } from "./regions.js";
import type { ImageVersionRecord, Omission } from "./state.js";

/**
 * How an update treats what its body leaves out. By default that gets its default value; `omission`
 * can keep the present value. A target region that is left out is always removed.
 */
export function keepOmitted(
  asked: ImageVersionBody,
  { location, tags, properties }: ImageVersionRecord,
  { mode, excludeFromLatest }: Omission,
): ImageVersionBody {
  const members = mode === "keep";
  const exclusion = excludeFromLatest === "keep";
  if (!members && !exclusion) return asked;
  const excluded = exclusion ? (["excludeFromLatest"] as const) : [];
  const had = properties.publishingProfile ?? {};
  const profile = asked.properties?.publishingProfile ?? {};
  const targetRegions = profile.targetRegions ?? [{ name: location }];
  return {
    ...asked,
    ...(members && tags !== undefined ? { tags: { ...tags, ...asked.tags } } : {}),
    properties: {
      ...asked.properties,
      publishingProfile: {
        ...pick(had, [...excluded, ...(members ? KEPT_OF_PROFILE : [])]),
        ...profile,
        targetRegions: targetRegions.map((region) => {
          const before = had.targetRegions?.find(
            ({ name }) => canonicalRegion(name ?? "") === canonicalRegion(region.name ?? ""),
          );
          const kept = [...excluded, ...(members ? KEPT_OF_REGION : [])];
          return { ...pick(before ?? {}, kept), ...region };
        }),
      },
      ...(members
        ? {
            safetyProfile: {
              ...properties.safetyProfile,
              ...asked.properties?.safetyProfile,
            },
          }
        : {}),
    },
  };
}

const KEPT_OF_PROFILE = ["endOfLifeDate"] as const;
const KEPT_OF_REGION = ["additionalReplicaSets"] as const;

function pick<T extends object, Name extends keyof T>(
  from: T,
  names: readonly Name[],
): Partial<Pick<T, Name>> {
  const picked: Partial<Pick<T, Name>> = {};
  for (const name of names) if (from[name] !== undefined) picked[name] = from[name];
  return picked;
}
