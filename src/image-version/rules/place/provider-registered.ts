import { unregistered } from "../unregistered.js";
import type { GatheredRule } from "../rule.js";

export const providerRegistered: GatheredRule = {
  name: "provider-registered",
  code: "ProviderNotRegistered",
  severity: "error",
  basis: { documented: "armErrors" },
  summary: "The resource providers that Sigil needs are registered in the version's subscription.",
  check: (subject) => unregistered(subject, "resource provider"),
};
