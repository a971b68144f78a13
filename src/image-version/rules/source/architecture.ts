import { traitMismatch } from "../trait-mismatch.js";
import type { FactRule } from "../rule.js";

export const architecture: FactRule = {
  name: "architecture",
  code: "ArchitectureMismatch",
  severity: "error",
  summary: "The source's architecture is that of the image definition.",
  check: (subject) => traitMismatch(subject, "architecture"),
};
