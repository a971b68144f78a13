import type { PromotionRule } from "../../contract.js";
import { sameAt } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../../properties/table.js";
import { isExcluded } from "../../resources.js";
import { wavesOf } from "../../state/waves.js";
import type { ChangeRule } from "../rule.js";

export const nothingHeldBack: ChangeRule = {
  name: "nothing-held-back",
  code: "NothingHeldBack",
  severity: "warning",
  basis: {
    own: "A promotion rule says when a version is included in latest that is excluded from it; it takes none out of latest.",
  },
  summary:
    "A new promotion rule without waves is for a version that is excluded from latest: of any other it holds nothing back.",
  check: ({ change }) => {
    if (change === undefined) return [];
    const { observed, toBe = observed, patch, lastApplied } = change;
    const before = lastApplied?.[PROMOTION] as PromotionRule | undefined;
    const rule = patch[PROMOTION] as PromotionRule | null | undefined;
    return rule == null ||
      // Of these, promotion and waves-end tell.
      patch[EXCLUDE_FROM_LATEST] === true ||
      [before, rule].some((one) => wavesOf(one) !== undefined) ||
      sameAt(PROMOTION, before, rule) ||
      isExcluded(toBe)
      ? []
      : [
          {
            pointer: "/sigil/promotion",
            message:
              "The version's own flag does not exclude it from latest: the rule holds nothing back.",
            remediation:
              "Leave it out; or, to hold the version back until the rule is met, leave it out, demote the version (POST …/demote), and send the rule then.",
          },
        ];
  },
};
