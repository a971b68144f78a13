import { usesOwnKeys } from "../../properties/disk-encryption-references.js";
import { unregistered } from "../unregistered.js";
import type { GatheredRule } from "../rule.js";

export const featureRegistered: GatheredRule = {
  name: "feature-registered",
  code: "FeatureNotRegistered",
  severity: "error",
  basis: {
    own: "Settings name the features; Azure refuses them with SubscriptionNotRegisteredForFeature.",
  },
  summary:
    "The preview features that customer-managed keys need are registered in the version's subscription, if it uses such keys.",
  check: (subject) =>
    usesOwnKeys(subject.request) ? unregistered(subject, "preview feature") : [],
};
