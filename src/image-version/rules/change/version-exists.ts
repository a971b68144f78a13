import { formatImageVersionId } from "../../../resource-id.js";
import { found } from "../../../bounded-reads.js";
import { fieldsOf } from "../../properties/fields.js";
import { unmetBy } from "../../properties/patch.js";
import type { GatheredRule } from "../rule.js";

export const versionExists: GatheredRule = {
  name: "version-exists",
  code: "ImageVersionExists",
  severity: "info",
  basis: { own: "It is adopted, not made again." },
  summary:
    "The version does not exist in Azure yet; one that others created as the request asks is adopted, not created again.",
  check: ({ id, change, gathered: { imageVersion } }) =>
    change?.unmanaged !== true || unmetBy(fieldsOf(change.observed), change.patch).length > 0
      ? []
      : [
          {
            pointer: "",
            message: `${formatImageVersionId(id)} already exists in Azure as requested, in provisioning state ${found(imageVersion)?.provisioningState}.`,
            remediation: "Send the PUT to adopt it: it creates nothing.",
          },
        ],
};
