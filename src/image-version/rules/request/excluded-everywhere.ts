import { exclusionIn, latestIn } from "../../latest/flags.js";
import { fieldsOf, pointerTo } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../../properties/table.js";
import type { RequestRule } from "../rule.js";

/** "You can set both the global and regional `excludeFromLatest` flag, but the regional flag takes precedence." */
export const excludedEverywhere: RequestRule = {
  name: "excluded-everywhere",
  code: "ExcludedEverywhere",
  severity: "warning",
  basis: {
    own: "Microsoft's pages do not agree on which flag counts, and tools send false by default.",
  },
  summary:
    "A version excluded from latest has no region with excludeFromLatest false: there it would be in latest.",
  check: ({ request, change }) => {
    const says = fieldsOf(request);
    if (change !== undefined || says[EXCLUDE_FROM_LATEST] !== true) return [];
    return latestIn(request).map((name) => ({
      pointer: pointerTo(request, exclusionIn(name)),
      message: `The version is excluded from latest, but its target region ${name} is not. The region's flag takes precedence, so the version is in latest there.`,
      remediation: `Remove excludeFromLatest from ${name}. To include only some regions, set it to false for the version and to true for the other regions.`,
    }));
  },
};
