/** A rule's gates, in order. Each wave is a gate, and a rule without waves has one gate. Pure. */
import {
  latestIn,
  regionsOf,
  type ImageVersionRecord,
  type PromotionRule,
  type Look,
} from "../image-version/index.js";
import { canonicalRegion } from "../resource-id.js";
import { MACHINE_TEST, type GateTerms } from "../test-results/results.js";

/** The version's regions in the gate, and the tests that must pass there. */
interface RuleGate extends GateTerms {
  /** What else must happen before the wave starts. */
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

/** The gates of a rule with waves, without excluded regions unless all are excluded. */
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

/**
 * How many waves have the version in each of their regions, counted up to the first that does not.
 */
export function promotedWaves(
  waves: readonly RuleGate[],
  { resource }: Pick<Look, "resource">,
): number {
  const included = latestIn(resource);
  const next = waves.findIndex(({ regions }) => regions.some((name) => !included.includes(name)));
  return next === -1 ? waves.length : next;
}

/** Since when each wave has the version, if Sigil knows; RFC 3339. */
export function waveTimes(
  waves: readonly RuleGate[],
  rollout: ImageVersionRecord["rollout"],
  look: Look,
): readonly string[] {
  return waves.slice(0, promotedWaves(waves, look)).map((_, i) => rollout?.waves?.[i] ?? look.time);
}
