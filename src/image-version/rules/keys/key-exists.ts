import { keyProblems } from "../key-problems.js";
import type { FactRule } from "../rule.js";

export const keyExists: FactRule = {
  name: "key-exists",
  code: "KeyNotFound",
  severity: "error",
  basis: {
    own: "Azure encrypts nothing with a key that is deleted, and shuts machines down whose disks have one.",
  },
  summary: "The key of every disk encryption set that is put to use exists.",
  check: (subject) => keyProblems(subject, "KeyNotFound"),
};
