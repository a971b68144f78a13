import { keyProblems } from "../key-problems.js";
import type { GatheredRule } from "../rule.js";

export const keyValidAlready: GatheredRule = {
  name: "key-valid-already",
  code: "KeyNotYetValid",
  severity: "error",
  basis: { own: "A key cannot be used before its date of activation." },
  summary: "The key of every disk encryption set in use is already valid.",
  check: (subject) => keyProblems(subject, "KeyNotYetValid"),
};
