import { found } from "../../../bounded-reads.js";
import { purchasePlanOf } from "../source.js";
import { differingPlan } from "../differing-plan.js";
import type { GatheredRule } from "../rule.js";

export const purchasePlan: GatheredRule = {
  name: "purchase-plan",
  code: "PurchasePlanMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "A source machine's Marketplace purchase plan is that of the image definition.",
  check: (subject) => {
    const shown = purchasePlanOf(subject.request, subject.gathered);
    return shown?.ofMachine === true && shown.plan !== undefined
      ? differingPlan(subject, shown, found(subject.gathered.imageDefinition))
      : [];
  },
};
