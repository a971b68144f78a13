import { keyProblems } from "../key-problems.js";
import type { FactRule } from "../rule.js";

export const keyNotExpired: FactRule = {
  name: "key-not-expired",
  code: "KeyExpired",
  severity: "error",
  basis: {
    own: "Azure encrypts nothing with a key that has expired, and shuts machines down whose disks have one.",
  },
  summary: "The key of every disk encryption set that is put to use has not expired.",
  check: (subject) => keyProblems(subject, "KeyExpired"),
};
