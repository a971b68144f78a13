import { traitMismatch } from "../trait-mismatch.js";
import type { FactRule } from "../rule.js";

export const osType: FactRule = {
  name: "os-type",
  code: "OsTypeMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The source's osType is that of the image definition.",
  check: (subject) => traitMismatch(subject, "osType"),
};
