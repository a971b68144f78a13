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
    own: "Microsoft's pages do not agree on which flag counts, and tools say false where nothing was said.",
  },
  summary:
    "A version that is excluded from latest is not said to be included in a region: there it is in latest.",
  check: ({ request, change }) => {
    const says = fieldsOf(request);
    if (change !== undefined || says[EXCLUDE_FROM_LATEST] !== true) return [];
    return latestIn(request).map((name) => ({
      pointer: pointerTo(request, exclusionIn(name)),
      message: `The version is excluded from latest, and the request says that it is not in ${name}. There it is in latest: the region's own flag goes before the version's.`,
      remediation: `Leave excludeFromLatest out for ${name}. To include the version in some regions alone, say false of the version and true of the other regions.`,
    }));
  },
};
