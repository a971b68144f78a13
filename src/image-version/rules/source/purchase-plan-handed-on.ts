import { found } from "../../../bounded-reads.js";
import { purchasePlanOf } from "../source.js";
import { differingPlan } from "../differing-plan.js";
import type { GatheredRule } from "../rule.js";

export const purchasePlanHandedOn: GatheredRule = {
  name: "purchase-plan-handed-on",
  code: "PurchasePlanDiffers",
  severity: "warning",
  basis: {
    guess:
      "Microsoft documents that Azure refuses a machine with another plan, but not what happens to disks, versions, or a machine without one.",
  },
  summary:
    "The image definition has the purchase plan of the source's disk or version, and none if its machine has none: machines created from the version must name it.",
  check: (subject) => {
    const shown = purchasePlanOf(subject.request, subject.gathered);
    return shown === undefined || (shown.ofMachine && shown.plan !== undefined)
      ? []
      : differingPlan(subject, shown, found(subject.gathered.imageDefinition));
  },
};
