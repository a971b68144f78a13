import { termsBreach } from "../purchase-terms.js";
import type { GatheredRule } from "../rule.js";

export const purchaseTermsAccepted: GatheredRule = {
  name: "purchase-terms-accepted",
  code: "PurchaseTermsNotAccepted",
  severity: "warning",
  basis: {
    own: "Azure creates the version without it, but no machine.",
  },
  summary:
    "The version's subscription has accepted the terms of the image definition's purchase plan.",
  check: (subject) => termsBreach(subject, "PurchaseTermsNotAccepted"),
};
