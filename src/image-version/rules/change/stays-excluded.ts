import { pointerTo, sameAt } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../../properties/table.js";
import { canonicalRegion } from "../../../resource-id.js";
import { targetRegionsOf } from "../../properties/canonical-form.js";
import { isExcluded } from "../../resources.js";
import type { ChangeRule } from "../rule.js";

export const staysExcluded: ChangeRule = {
  name: "stays-excluded",
  code: "StaysExcluded",
  severity: "warning",
  basis: {
    own: "Tools say false in every body: it promotes nothing that a person or a rule has held back.",
  },
  summary:
    "A request that says false of a version which is excluded from latest promotes it only where an earlier one has said true; and one that repeats a rule which somebody has overridden by hand has nothing promoted.",
  check: ({ request, change }) => {
    if (
      change === undefined ||
      change.held === true ||
      !isExcluded(change.observed) ||
      change.patch[EXCLUDE_FROM_LATEST] === false
    )
      return [];
    const own = targetRegionsOf(change.observed)
      .filter(({ excludeFromLatest }) => excludeFromLatest === false)
      .map(({ name }) => canonicalRegion(name));
    const stays = `The version is excluded from latest${own.length > 0 ? `, but in ${own.join(", ")} by the region's own flag` : ""}, and stays so`;
    if (request.properties.publishingProfile?.excludeFromLatest === false)
      return [
        {
          pointer: pointerTo(request, EXCLUDE_FROM_LATEST),
          message: `${stays}: tools repeat excludeFromLatest false in every body, and who holds a version back is not overruled by that.`,
          remediation: "To include it in latest, promote it: POST …/promote.",
        },
      ];
    const rule = request.sigil?.promotion;
    return rule !== undefined &&
      sameAt(PROMOTION, change.lastApplied?.[PROMOTION], rule)
      ? [
          {
            pointer: PROMOTION,
            message: `${stays}: somebody has promoted or excluded it by hand since the rule was asked for, and that overrides the rule.`,
            remediation:
              "To include it in latest, promote it: POST …/promote. To have the rule decide again, send the body without it, and then with it.",
          },
        ]
      : [];
  },
};
