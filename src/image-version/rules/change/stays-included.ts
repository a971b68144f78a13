import { pointerTo } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../../properties/table.js";
import { isExcluded } from "../../resources.js";
import { isLatestNowhere } from "../../state/waves.js";
import type { ChangeRule } from "../rule.js";

export const staysIncluded: ChangeRule = {
  name: "stays-included",
  code: "StaysIncluded",
  severity: "warning",
  basis: {
    own: "Pipelines repeat true in every body: it takes nothing out of latest that was promoted since.",
  },
  summary:
    "A request that says true, as one before it, of a version that was promoted since does not exclude it.",
  check: ({ request, change }) =>
    change === undefined ||
    change.held === true ||
    request.properties.publishingProfile?.excludeFromLatest !== true ||
    isExcluded(change.observed) ||
    isLatestNowhere(change.observed) ||
    change.patch[EXCLUDE_FROM_LATEST] === true
      ? []
      : [
          {
            pointer: pointerTo(request, EXCLUDE_FROM_LATEST),
            message:
              "The version is in latest, and stays so: an earlier request has said excludeFromLatest true as well, and it was promoted since.",
            remediation: "To take it out of latest, demote it: POST …/demote.",
          },
        ],
};
