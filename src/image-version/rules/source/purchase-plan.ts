import { found } from "../facts.js";
import { purchasePlanOf } from "../source.js";
import { differingPlan } from "../differing-plan.js";
import type { FactRule } from "../rule.js";

export const purchasePlan: FactRule = {
  name: "purchase-plan",
  code: "PurchasePlanMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "A source machine's Marketplace purchase plan is that of the image definition.",
  check: (subject) => {
    const shown = purchasePlanOf(subject.request, subject.facts);
    return shown?.ofMachine === true && shown.plan !== undefined
      ? differingPlan(subject, shown, found(subject.facts.imageDefinition))
      : [];
  },
};
