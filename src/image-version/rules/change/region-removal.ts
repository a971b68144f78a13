import { fieldsOf, pointerTo, regionField, regionsIn, removedBy } from "../../properties/fields.js";
import type { Breach, ChangeRule } from "../rule.js";

export const regionRemoval: ChangeRule = {
  name: "region-removal",
  code: "InvalidRegionRemoval",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "A region to remove is not the version's own location, and is not among the target regions of the same request.",
  check: ({ request, change }) => {
    if (change === undefined) return [];
    const { observed, patch } = change;
    const named = regionsIn(fieldsOf(request));
    return removedBy(patch).flatMap((region): Breach[] => {
      if (region === observed.location)
        return [
          {
            pointer: "",
            message: `${region} is the version's own location, which Azure cannot remove.`,
            remediation: `Leave ${region} out of removeRegions, or delete the version.`,
          },
        ];
      return named.includes(region)
        ? [
            {
              pointer: pointerTo(request, regionField(region)),
              message: `removeRegions removes ${region}, but the request also has it among its target regions.`,
              remediation: `Leave ${region} out of one of the two.`,
            },
          ]
        : [];
    });
  },
};
