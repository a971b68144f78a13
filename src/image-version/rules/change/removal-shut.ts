import { fieldsOf } from "../../properties/fields.js";
import { unmetBy } from "../../properties/patch.js";
import { ALLOW_DELETION } from "../../properties/table.js";
import type { ChangeRule } from "../rule.js";

export const removalShut: ChangeRule = {
  name: "removal-shut",
  code: "RemovalShut",
  severity: "warning",
  basis: {
    own: "Azure has no conditional writes: an update that may not remove regions cannot lose one that others add meanwhile.",
  },
  summary:
    "A request for a version with allowDeletionOfReplicatedLocations repeats it; any other update resets it.",
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
              "The version has allowDeletionOfReplicatedLocations, and the request does not, so the update resets it.",
            remediation:
              "To keep it, send a PATCH with allowDeletionOfReplicatedLocations true in safetyProfile.",
          },
        ]
      : [];
  },
};
