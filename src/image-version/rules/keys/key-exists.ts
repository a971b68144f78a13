import { keyProblems } from "../key-problems.js";
import type { GatheredRule } from "../rule.js";

export const keyExists: GatheredRule = {
  name: "key-exists",
  code: "KeyNotFound",
  severity: "error",
  basis: {
    own: "Azure encrypts nothing with a deleted key, and shuts down machines whose disks use it.",
  },
  summary: "The key of every disk encryption set in use exists.",
  check: (subject) => keyProblems(subject, "KeyNotFound"),
};
