import { traitMismatch } from "../trait-mismatch.js";
import type { FactRule } from "../rule.js";

export const hyperVGeneration: FactRule = {
  name: "hyper-v-generation",
  code: "HyperVGenerationMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The source's hyperVGeneration is that of the image definition.",
  check: (subject) => traitMismatch(subject, "hyperVGeneration"),
};
