/**
 * Promotion in waves: which regions have a version as their latest, told from Azure alone. Pure. How Azure combines the flag of a
 * version with that of a region is not documented; so each is set as both readings need it:
 *
 *                    version  westus  eastus2
 *   no wave yet      true     true    true
 *   first: westus    false    false   true
 *   second: eastus2  false    false   false
 */
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { regionField } from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { canonicalRegion } from "../../resource-id.js";
import { isExcluded } from "../resources.js";

export type Wave = NonNullable<PromotionRule["waves"]>[number];

/** Undefined for a rule that has none. */
export function wavesOf(
  rule: PromotionRule | undefined,
): readonly Wave[] | undefined {
  return rule?.when === "waves" ? (rule.waves ?? []) : undefined;
}

/** How many waves have the version as their latest; undefined where its regions are not as the waves leave them. */
export function promotedWaves(
  waves: readonly Wave[],
  shown: ImageVersionRequest,
): number | undefined {
  const targets = targetRegionsOf(shown);
  const included = isExcluded(shown)
    ? []
    : targets
        .filter(({ excludeFromLatest }) => excludeFromLatest !== true)
        .map(({ name }) => canonicalRegion(name));
  const counts = waves.map((_, i) => i + 1).reverse();
  return [...counts, 0].find((count) => {
    const meant = regionsUntil(waves, count).filter((region) =>
      targets.some(({ name }) => canonicalRegion(name) === region),
    );
    return (
      meant.length === included.length &&
      meant.every((region) => included.includes(region))
    );
  });
}

/** The flags of these regions once so many waves have it. */
export function flagsOf(
  waves: readonly Wave[],
  count: number,
  regions: readonly string[],
): Patch {
  const included = regionsUntil(waves, count);
  return {
    [EXCLUDE_FROM_LATEST]: count === 0,
    ...Object.fromEntries(
      regions.map((region) => [
        `${regionField(region)}/excludeFromLatest`,
        !included.includes(region),
      ]),
    ),
  };
}

/** Held back in every region that is shown, by its own flag and the version's. */
export function isHeldEverywhere(shown: ImageVersionRequest): boolean {
  return (
    isExcluded(shown) &&
    targetRegionsOf(shown).every(
      ({ excludeFromLatest }) => excludeFromLatest === true,
    )
  );
}

function regionsUntil(
  waves: readonly Wave[],
  count: number,
): readonly string[] {
  return waves
    .slice(0, count)
    .flatMap(({ regions }) => regions.map(canonicalRegion));
}
