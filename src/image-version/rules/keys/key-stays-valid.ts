import { keyProblems } from "../key-problems.js";
import type { GatheredRule } from "../rule.js";

export const keyStaysValid: GatheredRule = {
  name: "key-stays-valid",
  code: "KeyExpiring",
  severity: "warning",
  basis: {
    own: "The key works today, but expires within SIGIL_KEY_EXPIRY_DAYS.",
  },
  summary: "No key in use expires soon, unless its set takes a newer version first.",
  check: (subject) => keyProblems(subject, "KeyExpiring"),
};
