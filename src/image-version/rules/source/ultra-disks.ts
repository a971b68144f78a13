import { disksOfType } from "../disks-of-type.js";
import type { GatheredRule } from "../rule.js";

export const ultraDisks: GatheredRule = {
  name: "ultra-disks",
  code: "UltraDisk",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "No disk of the source is an Ultra disk.",
  check: (subject) =>
    disksOfType(subject, "UltraSSD_LRS", "Azure creates no image version from Ultra disks"),
};
