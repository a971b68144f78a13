/** Waves are regions that a rule names one after the other: the version knows none. Pure. */
import {
  latestIn,
  regionsOf,
  type PromotionRule,
  type Look,
  type RolloutRecord,
} from "../image-version/index.js";
import { canonicalRegion } from "../resource-id.js";

export type Wave = NonNullable<PromotionRule["waves"]>[number];

/** Undefined for a rule that has none. */
export function wavesOf(
  rule: PromotionRule | undefined,
): readonly Wave[] | undefined {
  return rule?.when === "waves" ? (rule.waves ?? []) : undefined;
}

/** The canonical regions of a wave in which the version is. */
export function regionsOfWave(
  { regions }: Wave,
  { resource }: Pick<Look, "resource">,
): readonly string[] {
  const there = regionsOf(resource);
  return regions.map(canonicalRegion).filter((name) => there.includes(name));
}

/** How many waves have the version, in each of their regions: those before the first that lacks it. */
export function promotedWaves(
  waves: readonly Wave[],
  look: Pick<Look, "resource">,
): number {
  const included = latestIn(look.resource);
  const next = waves.findIndex((wave) =>
    regionsOfWave(wave, look).some((name) => !included.includes(name)),
  );
  return next === -1 ? waves.length : next;
}

/** Since when each of the waves has the version that have it, as far as is known; RFC 3339. */
export function waveTimes(
  waves: readonly Wave[],
  rollout: RolloutRecord | undefined,
  look: Look,
): readonly string[] {
  return waves
    .slice(0, promotedWaves(waves, look))
    .map((_, i) => rollout?.waves?.[i] ?? look.time);
}
