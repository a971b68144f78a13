import { targetRegionsOf } from "../../properties/canonical-form.js";
import { sameAt } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../../properties/table.js";
import { isExcluded } from "../../resources.js";
import type { PromotionRule } from "../../contract.js";
import type { Breach, RequestRule } from "../rule.js";

const REGIONS = "/sigil/promotion/regions";

export const promotion: RequestRule = {
  name: "promotion",
  code: "InvalidPromotion",
  severity: "error",
  basis: { own: "It is Sigil's own property." },
  summary:
    "A promotion rule names target regions and tests where it waits for some, and nowhere else; a new one excludes nothing that is in latest.",
  check: ({ request, change }) => {
    const rule = request.sigil?.promotion;
    if (rule === undefined) return [];
    const targets = [
      ...targetRegionsOf(request),
      ...(change === undefined ? [] : targetRegionsOf(change.observed)),
    ].map(({ name }) => name);
    const given = rule.regions ?? [];
    return [
      // What is held back already is no contradiction: Sigil itself holds it back until the rule is met.
      ...(change !== undefined &&
      !isExcluded(change.observed) &&
      change.patch[EXCLUDE_FROM_LATEST] === true &&
      !sameAt(PROMOTION, change.lastApplied?.[PROMOTION], rule)
        ? [
            {
              pointer: EXCLUDE_FROM_LATEST,
              message:
                "The version is in latest. The request excludes it, and has a new promotion rule that includes it.",
              remediation:
                "Leave out excludeFromLatest, or leave out sigil.promotion.",
            },
          ]
        : []),
      ...unnamed(rule.when, given),
      ...untested(rule),
      ...(namesRegions(rule.when) ? given : []).flatMap((name, i) =>
        targets.includes(name)
          ? []
          : [
              {
                pointer: `${REGIONS}/${i}`,
                message: `"${name}" is not a target region; the request has ${targets.join(", ")}.`,
                remediation:
                  "Name only target regions of the request, or add this one to them.",
              },
            ],
      ),
    ];
  },
};

/** Regions that the rule names are those that it waits for. */
function namesRegions(when: string): boolean {
  return when === "regions" || when === "tested";
}

function untested({ when, results }: PromotionRule): Breach[] {
  return when === "tested" || results === undefined
    ? []
    : [
        {
          pointer: "/sigil/promotion/results",
          message: `The rule "${when}" waits for no test.`,
          remediation: 'Leave results out, or say "when": "tested".',
        },
      ];
}

function unnamed(when: string, regions: readonly string[]): Breach[] {
  if (when === "regions" && regions.length === 0)
    return [
      {
        pointer: "/sigil/promotion",
        message: 'The rule "regions" names no region to wait for.',
        remediation: "Add regions: those that must be ready first.",
      },
    ];
  if (!namesRegions(when) && regions.length > 0)
    return [
      {
        pointer: REGIONS,
        message: `The rule "${when}" waits for no named region.`,
        remediation: 'Leave regions out, or say "when": "regions".',
      },
    ];
  return [];
}
