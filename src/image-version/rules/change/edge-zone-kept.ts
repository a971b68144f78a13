import { edgeZonesIn, fieldsOf } from "../../properties/fields.js";
import { TARGET_EXTENDED_LOCATIONS } from "../../properties/table.js";
import type { ChangeRule } from "../rule.js";

export const edgeZoneKept: ChangeRule = {
  name: "edge-zone-kept",
  code: "EdgeZoneKept",
  severity: "warning",
  basis: {
    own: "Nobody loses an edge zone by leaving it out, and Sigil removes none.",
  },
  summary:
    "A request names each edge zone that the version has; one that it does not name is kept as it is.",
  check: ({ request, change }) => {
    if (change === undefined) return [];
    const named = edgeZonesIn(fieldsOf(request));
    return edgeZonesIn(fieldsOf(change.observed))
      .filter((zone) => !named.includes(zone))
      .map((zone) => {
        const [region, ...name] = zone.split(" ");
        return {
          pointer: TARGET_EXTENDED_LOCATIONS,
          message: `The version is in the edge zone ${name.join(" ")} of ${region} and the request does not name it: it is kept there as it is.`,
          remediation:
            "Sigil removes no edge zone: remove it in the Azure portal, or publish another version without it.",
        };
      });
  },
};
