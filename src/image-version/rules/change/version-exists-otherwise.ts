import { formatImageVersionId } from "../../../resource-id.js";
import { differs } from "../../properties/changes.js";
import { fieldsOf } from "../../properties/fields.js";
import { impossibleAmong, unmetBy, type Unmet } from "../../properties/patch.js";
import type { GatheredRule } from "../rule.js";

export const versionExistsOtherwise: GatheredRule = {
  name: "version-exists-otherwise",
  code: "ImageVersionConflict",
  severity: "error",
  basis: {
    own: "A caller must not overwrite a version of others without having read it.",
  },
  summary:
    "A version that others created in Azure is as the request asks, or the caller names the one it saw with If-Match.",
  check: ({ id, request, change }) =>
    change?.unmanaged === true
      ? adoptable(unmetBy(fieldsOf(change.observed), change.patch)).map((unmet) => ({
          pointer: differs(unmet, request).pointer,
          message: differs(unmet, request).message,
          remediation: `GET the version and send the request with If-Match, or use another version name. Until then ${formatImageVersionId(id)} stays as it is.`,
        }))
      : [],
};

/** What no update can change has its own finding: If-Match would not help. */
function adoptable(unmet: readonly Unmet[]): readonly Unmet[] {
  const never = impossibleAmong(unmet);
  return unmet.filter((one) => !never.includes(one));
}
