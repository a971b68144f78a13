import { keyProblems } from "../key-problems.js";
import type { FactRule } from "../rule.js";

export const keyVaultExists: FactRule = {
  name: "key-vault-exists",
  code: "KeyVaultNotFound",
  severity: "warning",
  basis: {
    own: "A set keeps the id that its vault had: one that was moved to another resource group works on.",
  },
  summary: "The vault of every key that is put to use is where its disk encryption set says.",
  check: (subject) => keyProblems(subject, "KeyVaultNotFound"),
};
