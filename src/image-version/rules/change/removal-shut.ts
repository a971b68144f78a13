import { fieldsOf } from "../../properties/fields.js";
import { unmetBy } from "../../properties/patch.js";
import { ALLOW_DELETION } from "../../properties/table.js";
import type { ChangeRule } from "../rule.js";

export const removalShut: ChangeRule = {
  name: "removal-shut",
  code: "RemovalShut",
  severity: "warning",
  basis: {
    own: "Azure has no guard between a look and a write: an update that may remove no region cannot lose one that others add meanwhile.",
  },
  summary:
    "A version that Azure allows to be removed from regions at any time is updated only by requests that say so; any other update takes that off.",
  check: ({ change }) => {
    if (change === undefined) return [];
    const { observed, patch, lastApplied } = change;
    const shown = fieldsOf(observed);
    return shown[ALLOW_DELETION] === true &&
      (patch[ALLOW_DELETION] ?? lastApplied?.[ALLOW_DELETION]) !== true &&
      unmetBy(shown, patch).length > 0
      ? [
          {
            pointer: ALLOW_DELETION,
            message:
              "Azure allows the version to be removed from regions at any time, and the request does not ask for that: its update takes it off.",
            remediation:
              "To keep it, send a PATCH whose safetyProfile says allowDeletionOfReplicatedLocations true.",
          },
        ]
      : [];
  },
};
