import { keyProblems } from "../key-problems.js";
import type { FactRule } from "../rule.js";

export const keyStaysValid: FactRule = {
  name: "key-stays-valid",
  code: "KeyExpiring",
  severity: "warning",
  basis: {
    own: "The key encrypts today, but will not for as long as SIGIL_KEY_EXPIRY_DAYS asks.",
  },
  summary: "No key that is put to use expires soon, unless its set takes a newer one before.",
  check: (subject) => keyProblems(subject, "KeyExpiring"),
};
