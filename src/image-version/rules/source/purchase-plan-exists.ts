import { termsBreach } from "../purchase-terms.js";
import type { GatheredRule } from "../rule.js";

export const purchasePlanExists: GatheredRule = {
  name: "purchase-plan-exists",
  code: "PurchasePlanNotFound",
  severity: "warning",
  basis: {
    own: "Azure creates the version without it, but no machine.",
  },
  summary: "The Marketplace knows the image definition's purchase plan.",
  check: (subject) => termsBreach(subject, "PurchasePlanNotFound"),
};
