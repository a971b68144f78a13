import { fieldsOf, regionsIn, removedBy } from "../../properties/fields.js";
import { TARGET_REGIONS, type ChangeRule } from "../rule.js";

export const regionKept: ChangeRule = {
  name: "region-kept",
  code: "RegionKept",
  severity: "warning",
  basis: { own: "Leaving out a region does not remove it." },
  summary:
    "A request names each region that the version has; one that it leaves out stays as it is.",
  check: ({ request, change }) => {
    if (change === undefined) return [];
    const named = regionsIn(fieldsOf(request));
    const removed = removedBy(change.patch);
    return regionsIn(fieldsOf(change.observed))
      .filter((name) => !named.includes(name) && !removed.includes(name))
      .map((name) => ({
        pointer: TARGET_REGIONS,
        message: `The version is in ${name}, which the request leaves out. It stays there as it is.`,
        remediation: `To remove it there, send ?removeRegions=${name}.`,
      }));
  },
};
