import { keyProblems } from "../key-problems.js";
import type { GatheredRule } from "../rule.js";

export const keyNotExpired: GatheredRule = {
  name: "key-not-expired",
  code: "KeyExpired",
  severity: "error",
  basis: {
    own: "Azure encrypts nothing with an expired key, and shuts down machines whose disks use it.",
  },
  summary: "The key of every disk encryption set in use has not expired.",
  check: (subject) => keyProblems(subject, "KeyExpired"),
};
