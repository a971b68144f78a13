import type { Change } from "../../preflight/facts.js";
import { targetRegionsOf } from "../../properties/canonical-form.js";
import { EXCLUDE_FROM_LATEST } from "../../properties/table.js";
import { isExcluded } from "../../resources.js";
import { TARGET_REGIONS, type RequestRule } from "../rule.js";

/** "You can set both the global and regional `excludeFromLatest` flag, but the regional flag takes precedence." */
export const excludedEverywhere: RequestRule = {
  name: "excluded-everywhere",
  code: "ExcludedEverywhere",
  severity: "warning",
  basis: {
    own: "Microsoft's pages do not agree on which flag counts, and tools say false where nothing was said.",
  },
  summary:
    "A version that is excluded from latest is not said to be included in a region: it is excluded there, too.",
  check: ({ request, change }) =>
    request.properties.publishingProfile?.excludeFromLatest !== true
      ? []
      : targetRegionsOf(request).flatMap(({ name, excludeFromLatest }, i) =>
          excludeFromLatest !== false || isSo(name, change)
            ? []
            : [
                {
                  pointer: `${TARGET_REGIONS}/${i}/excludeFromLatest`,
                  message: `The version is excluded from latest, and the request says that it is not in ${name}. It is excluded there, too.`,
                  remediation: `Leave excludeFromLatest out for ${name}. To include the version in some regions alone, say false of the version and true of the other regions.`,
                },
              ],
        ),
};

/** Others have included it there by itself, and nothing else is asked. */
function isSo(name: string, change: Change | undefined): boolean {
  return (
    change !== undefined &&
    isExcluded(change.observed) &&
    change.patch[EXCLUDE_FROM_LATEST] !== false &&
    targetRegionsOf(change.observed).some(
      (region) => region.name === name && region.excludeFromLatest === false,
    )
  );
}
