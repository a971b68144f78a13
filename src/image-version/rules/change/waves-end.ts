import type { PromotionRule } from "../../contract.js";
import { targetRegionsOf } from "../../properties/canonical-form.js";
import { regionField, sameAt } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../../properties/table.js";
import { isExcluded, isExcludedIn } from "../../resources.js";
import { wavesOf } from "../../state/waves.js";
import { newRegions, TARGET_REGIONS, type ChangeRule } from "../rule.js";

export const wavesEnd: ChangeRule = {
  name: "waves-end",
  code: "WavesEnd",
  severity: "warning",
  basis: {
    own: "Waves include one region after the other: where they end, the rest stays excluded.",
  },
  summary:
    "A request that leaves out a promotion rule of waves, or has another rule instead, leaves no region excluded that a wave was to include, and adds none in which the version is the latest at once.",
  check: (subject) => {
    const { change } = subject;
    if (change === undefined) return [];
    const { observed, toBe = observed, patch, lastApplied } = change;
    const before = lastApplied?.[PROMOTION] as PromotionRule | undefined;
    const after = patch[PROMOTION] as PromotionRule | null | undefined;
    if (
      wavesOf(before) === undefined ||
      after === undefined ||
      sameAt(PROMOTION, before, after ?? undefined) ||
      // Another rule includes it; other waves are for a version that is the latest nowhere.
      (after !== null && (isExcluded(toBe) || wavesOf(after) !== undefined)) ||
      patch[EXCLUDE_FROM_LATEST] === false
    )
      return [];
    const own = (name: string): unknown =>
      patch[`${regionField(name)}/excludeFromLatest`];
    const targets = targetRegionsOf(toBe);
    const excluded = targets
      .filter(
        (region) =>
          isExcludedIn(toBe, region) &&
          // Of a region false is left out: the version's own flag excludes it.
          (isExcluded(toBe) || own(region.name) !== false),
      )
      .map(({ name }) => name);
    const kept = excluded.filter((name) => own(name) === true);
    const butKept =
      kept.length === 0 || kept.length === targets.length
        ? ""
        : ` but ${kept.join(", ")}, of which the request says true`;
    const added =
      isExcluded(toBe) || patch[EXCLUDE_FROM_LATEST] === true
        ? []
        : newRegions(subject);
    const included = added
      .filter(({ region }) => region.excludeFromLatest !== true)
      .map(({ i, region: { name } }) => ({
        pointer: `${TARGET_REGIONS}/${i}`,
        message: `The request ends the waves, and adds ${name}: the version is the latest there as soon as it is there, whether its turn had come or not.`,
        remediation: `Keep the rule; or say "excludeFromLatest": true of ${name}, and take that off once its tests have passed.`,
      }));
    return excluded.length === 0
      ? included
      : [
          ...included,
          {
            pointer: "/sigil/promotion",
            message: `The request ends the waves by which the version was to become the latest in ${excluded.join(", ")}: it stays excluded from latest there.`,
            remediation: isExcluded(toBe)
              ? `Keep the rule; or promote it by hand (POST …/promote), which includes it in every region${butKept}.`
              : `Keep the rule; or include it there by a PATCH of targetRegions that says "excludeFromLatest": false of ${excluded.join(", ")}.`,
          },
        ];
  },
};
