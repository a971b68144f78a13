import { termsBreach } from "../purchase-terms.js";
import type { FactRule } from "../rule.js";

export const purchasePlanExists: FactRule = {
  name: "purchase-plan-exists",
  code: "PurchasePlanNotFound",
  severity: "warning",
  basis: {
    own: "The version is made without, but no machine of it.",
  },
  summary: "The Marketplace knows the image definition's purchase plan.",
  check: (subject) => termsBreach(subject, "PurchasePlanNotFound"),
};
