import { fieldsOf, regionsIn, removedBy } from "../../properties/fields.js";
import { TARGET_REGIONS, type ChangeRule } from "../rule.js";

export const regionToRemove: ChangeRule = {
  name: "region-to-remove",
  code: "RegionNotInVersion",
  severity: "warning",
  basis: { own: "A misspelled name removes nothing." },
  summary: "A region to remove is one that the version has.",
  check: ({ change }) => {
    if (change === undefined) return [];
    const present = regionsIn(fieldsOf(change.observed));
    return removedBy(change.patch)
      .filter((name) => !present.includes(name))
      .map((name) => ({
        pointer: TARGET_REGIONS,
        message: `removeRegions removes ${name}, but the version is not there, so nothing changes.`,
        remediation: `Name a region of the version: ${present.join(", ")}.`,
      }));
  },
};
