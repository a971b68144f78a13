import { traitMismatch } from "../trait-mismatch.js";
import type { GatheredRule } from "../rule.js";

export const osType: GatheredRule = {
  name: "os-type",
  code: "OsTypeMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The source's osType is that of the image definition.",
  check: (subject) => traitMismatch(subject, "osType"),
};
