import { keyProblems } from "../key-problems.js";
import type { GatheredRule } from "../rule.js";

export const keyVaultExists: GatheredRule = {
  name: "key-vault-exists",
  code: "KeyVaultNotFound",
  severity: "warning",
  basis: {
    own: "A set keeps its vault's old id: a vault moved to another resource group still works.",
  },
  summary: "The vault of every key in use is where its disk encryption set says.",
  check: (subject) => keyProblems(subject, "KeyVaultNotFound"),
};
