import { keyProblems } from "../key-problems.js";
import type { GatheredRule } from "../rule.js";

export const keyEnabled: GatheredRule = {
  name: "key-enabled",
  code: "KeyDisabled",
  severity: "error",
  basis: {
    own: "Azure encrypts nothing with a disabled key, and shuts down machines whose disks use it.",
  },
  summary: "The key of every disk encryption set in use is enabled.",
  check: (subject) => keyProblems(subject, "KeyDisabled"),
};
