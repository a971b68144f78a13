import { targetRegionsOf } from "../../properties/canonical-form.js";
import { isExcluded } from "../../state/see.js";
import type { Breach, RequestRule } from "../rule.js";

const REGIONS = "/sigil/promotion/regions";

export const promotion: RequestRule = {
  name: "promotion",
  code: "InvalidPromotion",
  severity: "error",
  basis: { own: "It is Sigil's own word." },
  summary:
    "A promotion rule names target regions exactly when it waits for some, and leaves exclusion from latest to Sigil.",
  check: ({ request, change }) => {
    const rule = request.sigil?.promotion;
    if (rule === undefined) return [];
    const targets = [
      ...targetRegionsOf(request),
      ...(change === undefined ? [] : targetRegionsOf(change.observed)),
    ].map(({ name }) => name);
    const given = rule.regions ?? [];
    return [
      ...(isExcluded(request)
        ? [
            {
              pointer: "/properties/publishingProfile/excludeFromLatest",
              message:
                "The promotion rule says when the version is excluded from latest; the request says it too.",
              remediation:
                "Leave out excludeFromLatest, or leave out sigil.promotion.",
            },
          ]
        : []),
      ...unnamed(rule.when, given),
      ...(rule.when === "regions" ? given : []).flatMap((name, i) =>
        targets.includes(name)
          ? []
          : [
              {
                pointer: `${REGIONS}/${i}`,
                message: `"${name}" is no target region; the request has ${targets.join(", ")}.`,
                remediation:
                  "Name target regions of the request, or add it to them.",
              },
            ],
      ),
    ];
  },
};

function unnamed(when: string, regions: readonly string[]): Breach[] {
  if (when === "regions" && regions.length === 0)
    return [
      {
        pointer: "/sigil/promotion",
        message: 'The rule "regions" names no region to wait for.',
        remediation: "Add regions: those that are to be ready first.",
      },
    ];
  if (when !== "regions" && regions.length > 0)
    return [
      {
        pointer: REGIONS,
        message: `The rule "${when}" waits for no named region.`,
        remediation: 'Leave regions out, or say "when": "regions".',
      },
    ];
  return [];
}
