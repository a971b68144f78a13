import { traitMismatch } from "../trait-mismatch.js";
import type { FactRule } from "../rule.js";

export const osState: FactRule = {
  name: "os-state",
  code: "OsStateMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The source's osState is that of the image definition.",
  check: (subject) => traitMismatch(subject, "osState"),
};
