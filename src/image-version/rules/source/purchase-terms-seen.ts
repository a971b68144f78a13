import { termsBreach } from "../purchase-terms.js";
import type { GatheredRule } from "../rule.js";

export const purchaseTermsSeen: GatheredRule = {
  name: "purchase-terms-seen",
  code: "PurchaseTermsNotSeen",
  severity: "warning",
  basis: {
    own: "Sigil never calls unseen terms accepted, but a missing permission stops nothing.",
  },
  summary:
    "Sigil's identity can see whether the terms of the image definition's purchase plan are accepted.",
  check: (subject) => termsBreach(subject, "PurchaseTermsNotSeen"),
};
