import { targetRegionsOf } from "../canonical-form.js";
import { TARGET_REGIONS, type RequestRule } from "./rule.js";

export const locationAmongRegions: RequestRule = {
  name: "location-among-regions",
  code: "LocationNotInTargetRegions",
  severity: "error",
  summary: "The target regions include the version's own location.",
  check: ({ request }) => {
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
