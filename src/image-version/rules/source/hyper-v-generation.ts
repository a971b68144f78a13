import { traitMismatch } from "../trait-mismatch.js";
import type { GatheredRule } from "../rule.js";

export const hyperVGeneration: GatheredRule = {
  name: "hyper-v-generation",
  code: "HyperVGenerationMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The source's hyperVGeneration is that of the image definition.",
  check: (subject) => traitMismatch(subject, "hyperVGeneration"),
};
