import { removals } from "../change.js";
import { TARGET_REGIONS, type ChangeRule } from "./rule.js";

export const regionRemoval: ChangeRule = {
  name: "region-removal",
  code: "RegionRemovalNotConfirmed",
  severity: "error",
  summary:
    "A region that the version has is in the request, or its removal is confirmed.",
  check: ({ request, known }) => {
    if (known?.base === undefined || known.regionRemovalAllowed === true)
      return [];
    return removals(known.base, request).regions.map((region) => ({
      pointer: TARGET_REGIONS,
      message: `The version is in ${region}; the request leaves it out, which would remove it there.`,
      remediation: `Add ${region} to the target regions, or confirm its removal: PUT …?allowRegionRemoval=true.`,
    }));
  },
};
