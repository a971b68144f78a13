import { traitMismatch } from "../trait-mismatch.js";
import type { GatheredRule } from "../rule.js";

export const architecture: GatheredRule = {
  name: "architecture",
  code: "ArchitectureMismatch",
  severity: "error",
  basis: {
    own: "Machines of the definition's architecture cannot start from another one's disk.",
  },
  summary: "The source's architecture is that of the image definition.",
  check: (subject) => traitMismatch(subject, "architecture"),
};
