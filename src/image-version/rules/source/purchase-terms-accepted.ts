import { termsBreach } from "../purchase-terms.js";
import type { FactRule } from "../rule.js";

export const purchaseTermsAccepted: FactRule = {
  name: "purchase-terms-accepted",
  code: "PurchaseTermsNotAccepted",
  severity: "warning",
  basis: {
    own: "The version is made without, but no machine of it.",
  },
  summary:
    "The version's subscription has accepted the terms of the image definition's purchase plan.",
  check: (subject) => termsBreach(subject, "PurchaseTermsNotAccepted"),
};
