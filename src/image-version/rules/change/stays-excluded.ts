import { pointerTo } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../../properties/table.js";
import { isExcluded } from "../../resources.js";
import type { ChangeRule } from "../rule.js";

export const staysExcluded: ChangeRule = {
  name: "stays-excluded",
  code: "StaysExcluded",
  severity: "warning",
  basis: {
    own: "Tools say false in every body: it promotes nothing that a person or a rule has held back.",
  },
  summary:
    "A request that says false of a version which is excluded from latest promotes it only where an earlier one has said true.",
  check: ({ request, change }) =>
    change === undefined ||
    change.held === true ||
    request.properties.publishingProfile?.excludeFromLatest !== false ||
    !isExcluded(change.observed) ||
    change.patch[EXCLUDE_FROM_LATEST] === false
      ? []
      : [
          {
            pointer: pointerTo(request, EXCLUDE_FROM_LATEST),
            message:
              "The version is excluded from latest, and stays so: tools repeat excludeFromLatest false in every body, and who holds a version back is not overruled by that.",
            remediation: "To include it in latest, promote it: POST …/promote.",
          },
        ],
};
