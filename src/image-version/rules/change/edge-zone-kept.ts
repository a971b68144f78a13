import { edgeZonesIn, fieldsOf } from "../../properties/fields.js";
import { TARGET_EXTENDED_LOCATIONS } from "../../properties/table.js";
import type { ChangeRule } from "../rule.js";

export const edgeZoneKept: ChangeRule = {
  name: "edge-zone-kept",
  code: "EdgeZoneKept",
  severity: "warning",
  basis: {
    own: "Leaving out an edge zone does not remove it, and Sigil removes none.",
  },
  summary:
    "A request names each edge zone that the version has; one that it leaves out stays as it is.",
  check: ({ request, change }) => {
    if (change === undefined) return [];
    const named = edgeZonesIn(fieldsOf(request));
    return edgeZonesIn(fieldsOf(change.observed))
      .filter((zone) => !named.includes(zone))
      .map((zone) => {
        const [region, ...name] = zone.split(" ");
        return {
          pointer: TARGET_EXTENDED_LOCATIONS,
          message: `The version is in the edge zone ${name.join(" ")} of ${region}, which the request leaves out. It stays there as it is.`,
          remediation:
            "Sigil removes no edge zone: remove it in the Azure portal, or publish another version without it.",
        };
      });
  },
};
