/**
 * Promotion in waves: which regions have a version as their latest, told from Azure alone. Pure. Where the flags of a version
 * and of a region differ, the region's goes first; only one page says so, so no two are set that differ (a false of a region is
 * left out: properties/body.ts):
 *
 *                    version  westus  eastus2
 *   no wave yet      true     true    true
 *   first: westus    false    false   true
 *   second: eastus2  false    false   false
 */
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import { patched } from "../properties/body.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { regionField } from "../properties/fields.js";
import { combined, type Asked, type Patch } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { canonicalRegion } from "../../resource-id.js";
import { isExcluded, isExcludedIn } from "../resources.js";
import type { RolloutRecord } from "./record.js";

export type Wave = NonNullable<PromotionRule["waves"]>[number];

/** By wave, since when it has the version; null of one that others have taken it from. */
export type WaveTimes = readonly (string | null)[];

/** Undefined for a rule that has none. */
export function wavesOf(
  rule: PromotionRule | undefined,
): readonly Wave[] | undefined {
  return rule?.when === "waves" ? (rule.waves ?? []) : undefined;
}

/**
 * How many waves have the version as their latest; undefined where their regions are not as the waves leave them. A region that others
 * have added, and that is in no wave, is theirs.
 */
export function promotedWaves(
  waves: readonly Wave[],
  shown: ImageVersionRequest,
): number | undefined {
  const inWaves = regionsUntil(waves, waves.length);
  const targets = targetRegionsOf(shown).filter(({ name }) =>
    inWaves.includes(canonicalRegion(name)),
  );
  // A region that says otherwise, where the version is excluded, is of nobody's waves; but where each does.
  if (
    isExcluded(shown) &&
    targets.some((one) => one.excludeFromLatest === false) &&
    targets.some((one) => isExcludedIn(shown, one))
  )
    return undefined;
  const included = targets
    .filter((region) => !isExcludedIn(shown, region))
    .map(({ name }) => canonicalRegion(name));
  const counts = waves.map((_, i) => i + 1).reverse();
  // Before the first wave the version's own flag excludes it: regions that are held back one by one are of nobody's waves.
  return [...counts, ...(isExcluded(shown) ? [0] : [])].find((count) => {
    const meant = regionsUntil(waves, count).filter((region) =>
      targets.some(({ name }) => canonicalRegion(name) === region),
    );
    return (
      meant.length === included.length &&
      meant.every((region) => included.includes(region))
    );
  });
}

/**
 * Since when each wave has the version, where a look shows it; `before`, as it was known. Null of one that others have taken it
 * from, in one of its regions; the others have it still. A wave that has no region any more has what it had: none that follows it
 * waits for it.
 */
export function waveTimes(
  before: WaveTimes,
  waves: readonly Wave[],
  shown: ImageVersionRequest,
  timeOf: (wave: number) => string,
): WaveTimes {
  const promoted = promotedWaves(waves, shown) ?? 0;
  const have = lastThere(waves.slice(0, promoted), shown) + 1;
  return Array.from({ length: Math.max(have, before.length) }, (_, i) => {
    if (i < have) return before[i] ?? timeOf(i);
    const isTaken = isHeldIn(waves[i]?.regions ?? [], shown);
    return isTaken ? null : (before[i] ?? null);
  });
}

/** What is known of waves once others have held these canonical regions back. */
export function takenFrom(
  held: readonly string[],
  waves: readonly Wave[],
  { waves: times, included, ...rollout }: RolloutRecord,
): RolloutRecord {
  const isHeld = (region: string): boolean =>
    held.includes(canonicalRegion(region));
  return {
    ...rollout,
    ...(times && {
      waves: times.map((time, i) =>
        waves[i]?.regions.some(isHeld) === true ? null : time,
      ),
    }),
    ...(included && { included: included.filter((name) => !isHeld(name)) }),
  };
}

/** Canonical regions of the waves that neither have the version, as Azure shows it, nor are known to. */
export function regionsWithout(
  waves: readonly Wave[],
  shown: ImageVersionRequest,
  times: WaveTimes,
): readonly string[] {
  const now = waveTimes(times, waves, shown, () => "now");
  return regionsOfWaves(
    waves.filter((_, i) => (times[i] ?? now[i] ?? null) === null),
  );
}

/** The last wave, counted from 0, that has a region in which the version is; -1 where none has. */
export function lastThere(
  waves: readonly Wave[],
  shown: ImageVersionRequest,
): number {
  const there = targetRegionsOf(shown).map(({ name }) => canonicalRegion(name));
  return waves.findLastIndex(({ regions }) =>
    regions.some((region) => there.includes(canonicalRegion(region))),
  );
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
        exclusionIn(region),
        !included.includes(region),
      ]),
    ),
  };
}

/**
 * The flags by which the next wave has the version, whoever promotes it: the first one that lacks it in one of its regions. Those of
 * others it leaves to whoever sets them; but where the version's flag excludes it, which is taken off, they keep it excluded.
 */
export function flagsOfNext(
  waves: readonly Wave[],
  shown: ImageVersionRequest,
): Patch {
  const next = nextWave(waves, shown)?.regions ?? [];
  const flags = targetRegionsOf(shown)
    .map((region): [string, boolean] => [
      canonicalRegion(region.name),
      isExcludedIn(shown, region),
    ])
    .filter(([name]) => isExcluded(shown) || next.includes(name))
    .map(([name, excluded]): [string, boolean] => [
      exclusionIn(name),
      excluded && !next.includes(name),
    ]);
  return { [EXCLUDE_FROM_LATEST]: false, ...Object.fromEntries(flags) };
}

/**
 * The flags that a promotion or a demotion by hand sets, where there are no waves: the version's. What is held back everywhere is
 * included everywhere. A region that says that it is not excluded goes before the version: where that is excluded already, or none
 * is excluded by itself, the demotion says the contrary.
 */
export function flagsByHand(
  shown: ImageVersionRequest,
  excluded: boolean,
): Patch {
  const targets = targetRegionsOf(shown).map((region) => ({
    name: canonicalRegion(region.name),
    own: region.excludeFromLatest,
  }));
  const regions = targets.map(({ name }) => name);
  const all = [{ regions, after: "manual" as const }];
  if (!excluded && isHeldEverywhere(shown)) return flagsOf(all, 1, regions);
  const flag = { [EXCLUDE_FROM_LATEST]: excluded };
  const included = targets.filter(({ own }) => own === false);
  if (!excluded || included.length === 0) return flag;
  if (!targets.some(({ own }) => own === true)) return flagsOf(all, 0, regions);
  return isExcluded(shown)
    ? flagsOf(
        all,
        0,
        included.map(({ name }) => name),
      )
    : flag;
}

/** The same of a promotion by a rule that has no waves: a region's own flag is of somebody who has a reason. */
export const FLAGS_BY_RULE: Patch = { [EXCLUDE_FROM_LATEST]: false };

/** A version with the flags that it is still to have: what is accepted now comes after that. */
export function withFlagsOf(
  shown: ImageVersionRequest,
  others: readonly Asked[],
): ImageVersionRequest {
  const regions = targetRegionsOf(shown).map(({ name }) =>
    exclusionIn(canonicalRegion(name)),
  );
  const wanted = combined(
    others.map(({ changes }) => ({ changes, repeats: {} })),
    undefined,
  );
  return patched(
    shown,
    Object.fromEntries(
      Object.entries(wanted).filter(
        ([field]) => field === EXCLUDE_FROM_LATEST || regions.includes(field),
      ),
    ),
  );
}

/** The first one that lacks the version in a region that is shown, counted from 1, and those of its regions, canonical. */
export function nextWave(
  waves: readonly Wave[],
  shown: ImageVersionRequest,
):
  { readonly number: number; readonly regions: readonly string[] } | undefined {
  const at = waves.findIndex(({ regions }) => isHeldIn(regions, shown));
  const there = targetRegionsOf(shown).map(({ name }) => canonicalRegion(name));
  const regions = regionsOfWaves(waves.slice(at, at + 1));
  return at === -1
    ? undefined
    : {
        number: at + 1,
        regions: regions.filter((name) => there.includes(name)),
      };
}

/** Excluded in one of these regions that is shown, by its own flag or the version's. */
export function isHeldIn(
  regions: readonly string[],
  shown: ImageVersionRequest,
): boolean {
  const names = regions.map(canonicalRegion);
  return targetRegionsOf(shown).some(
    (region) =>
      names.includes(canonicalRegion(region.name)) &&
      isExcludedIn(shown, region),
  );
}

/** Held back in every region that is shown by its own flag. */
export function isHeldEverywhere(shown: ImageVersionRequest): boolean {
  return targetRegionsOf(shown).every(
    ({ excludeFromLatest }) => excludeFromLatest === true,
  );
}

/** Excluded in every region that is shown, by its own flag or the version's. */
export function isLatestNowhere(shown: ImageVersionRequest): boolean {
  return targetRegionsOf(shown).every((region) => isExcludedIn(shown, region));
}

/** The field of a region's own flag. */
export function exclusionIn(region: string): string {
  return `${regionField(region)}/excludeFromLatest`;
}

function regionsUntil(
  waves: readonly Wave[],
  count: number,
): readonly string[] {
  return regionsOfWaves(waves.slice(0, count));
}

function regionsOfWaves(waves: readonly Wave[]): readonly string[] {
  return waves.flatMap(({ regions }) => regions.map(canonicalRegion));
}
