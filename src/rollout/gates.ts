/** What a rule waits for: gates, one after the other. A wave is one, and a rule without waves has one; the version knows none. Pure. */
import {
  latestIn,
  regionsOf,
  type ImageVersionRecord,
  type PromotionRule,
  type Look,
  type RolloutRecord,
} from "../image-version/index.js";
import { canonicalRegion } from "../resource-id.js";
import { MACHINE_TEST, type GateTerms } from "../test-results/results.js";

/** The regions of the version in which it waits, and the tests that have to pass there. */
interface RuleGate extends GateTerms {
  /** What opens a wave beside its tests. */
  readonly after?: NonNullable<PromotionRule["waves"]>[number]["after"];
}

/** `targets`: the canonical regions of the version. */
export function gatesOf(rule: PromotionRule, targets: readonly string[]): readonly RuleGate[] {
  const there = (regions: readonly string[]): readonly string[] =>
    regions.map(canonicalRegion).filter((name) => targets.includes(name));
  if (rule.when === "waves")
    return (rule.waves ?? []).map(({ regions, after, results }) => ({
      regions: there(regions),
      names: results ?? (after === "tested" ? [MACHINE_TEST] : []),
      ...(after !== undefined && { after }),
    }));
  const { results = [MACHINE_TEST], regions = targets } = rule;
  const names = rule.when === "tested" ? results : [];
  return [{ regions: there(regions), names }];
}

/** Those of a rule that has waves, without the regions that are held back, unless that are all. */
export function wavesOf(
  rule: PromotionRule | undefined,
  { resource }: Pick<Look, "resource">,
  { release }: Pick<ImageVersionRecord, "release">,
): readonly RuleGate[] {
  if (rule?.when !== "waves") return [];
  const targets = regionsOf(resource);
  const left = targets.filter((name) => !release?.but.includes(name));
  return gatesOf(rule, left.length === 0 ? targets : left);
}

/** How many waves have the version, in each of their regions: those before the first that lacks it. */
export function promotedWaves(
  waves: readonly RuleGate[],
  { resource }: Pick<Look, "resource">,
): number {
  const included = latestIn(resource);
  const next = waves.findIndex(({ regions }) => regions.some((name) => !included.includes(name)));
  return next === -1 ? waves.length : next;
}

/** Since when each of the waves has the version that have it, as far as is known; RFC 3339. */
export function waveTimes(
  waves: readonly RuleGate[],
  rollout: RolloutRecord | undefined,
  look: Look,
): readonly string[] {
  return waves.slice(0, promotedWaves(waves, look)).map((_, i) => rollout?.waves?.[i] ?? look.time);
}
