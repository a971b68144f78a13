import { targetRegionsOf } from "../../properties/canonical-form.js";
import { TARGET_REGIONS, type RequestRule } from "../rule.js";

export const locationAmongRegions: RequestRule = {
  name: "location-among-regions",
  code: "LocationNotInTargetRegions",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The target regions of a new version include its own location.",
  check: ({ request, change }) => {
    // An update keeps regions that it does not name.
    if (change !== undefined) return [];
    const { location } = request;
    const names = targetRegionsOf(request).map((region) => region.name);
    return names.includes(location)
      ? []
      : [
          {
            pointer: TARGET_REGIONS,
            message: `The version's own location "${location}" is not among its target regions (${names.join(", ") || "none"}): Azure requires a replica there.`,
            remediation: `Add ${location} to targetRegions, or set location to one of them.`,
          },
        ];
  },
};
