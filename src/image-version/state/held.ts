/** Versions whose promotion waits for what Azure does not know: tests, time, a person. Pure. */
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import type { Asked } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import { isExcluded, type Look } from "../resources.js";
import { known } from "./adoption.js";
import type { ImageVersionRecord } from "./record.js";
import { isFinal } from "./states.js";
import { openRequests, presentRule, ruleInForce } from "./wanted.js";
import { promotedWaves, wavesOf } from "./waves.js";

/** A rule that is to promote the version further, and how many of its waves have it. */
export interface Held {
  readonly rule: PromotionRule;
  readonly promoted: number;
}

/**
 * The rule by which the version that Azure shows is held back, or by which its next wave is. Undefined where nothing is to be
 * promoted, where somebody has decided otherwise by hand, and where the regions are as no wave leaves them.
 */
export function heldBy(
  record: ImageVersionRecord,
  look: Look,
): Held | undefined {
  const now = atRest(record, look);
  const rule = presentRule(now);
  const waves = wavesOf(rule);
  if (rule === undefined || (waves === undefined && rule.when !== "tested"))
    return undefined;
  const isInForce = ruleInForce(now) !== undefined;
  if (waves === undefined)
    return isInForce && isExcluded(look.resource)
      ? { rule, promoted: 0 }
      : undefined;
  const promoted = promotedWaves(waves, look.resource);
  // The first wave overrides the rule, as any promotion does: from then on the regions tell how far it is.
  return promoted === undefined ||
    promoted === waves.length ||
    (isExcluded(look.resource) && !isInForce)
    ? undefined
    : { rule, promoted };
}

/** The rule, of whatever kind, that holds the version back which Azure shows. */
export function ruleHolding(
  record: ImageVersionRecord,
  look: Look,
): PromotionRule | undefined {
  return isExcluded(look.resource)
    ? ruleInForce(atRest(record, look))
    : undefined;
}

/**
 * A rule that the request asks for, or repeats in a whole body, is to include the version in latest; or an open request says
 * whether it is.
 */
export function isHeld(
  { changes }: Asked,
  whole: ImageVersionRequest | undefined,
  {
    record,
    look,
  }: {
    readonly record: ImageVersionRecord | undefined;
    readonly look: Look | undefined;
  },
): boolean {
  return (
    changes[PROMOTION] != null ||
    (record !== undefined &&
      openRequests(record).some(
        ([, other]) => EXCLUDE_FROM_LATEST in other.changes,
      )) ||
    (whole?.sigil?.promotion !== undefined &&
      record !== undefined &&
      look !== undefined &&
      ruleHolding(record, look) !== undefined)
  );
}

/** What its rule is, whatever became of it: a rule of waves says what a promotion by hand includes. */
export function wavesIn(
  record: ImageVersionRecord | undefined,
  look: Look,
): ReturnType<typeof wavesOf> {
  return record && wavesOf(presentRule(atRest(record, look)));
}

/** Of an operation that is over, what was applied alone counts: its rule ends with one that has failed. */
function atRest(record: ImageVersionRecord, look: Look): ImageVersionRecord {
  return isFinal(record.state)
    ? { ...known(record, look), requests: {} }
    : record;
}
