import { keyProblems } from "../key-problems.js";
import type { FactRule } from "../rule.js";

export const keyEnabled: FactRule = {
  name: "key-enabled",
  code: "KeyDisabled",
  severity: "error",
  basis: {
    own: "Azure encrypts nothing with a key that is disabled, and shuts machines down whose disks have one.",
  },
  summary: "The key of every disk encryption set that is put to use is enabled.",
  check: (subject) => keyProblems(subject, "KeyDisabled"),
};
