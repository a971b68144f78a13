import { formatImageVersionId } from "../../resource-id.js";
import { found } from "../facts.js";
import { differsFrom } from "../read-back.js";
import type { FactRule } from "./rule.js";

export const versionExists: FactRule = {
  name: "version-exists",
  code: "ImageVersionExists",
  severity: "info",
  summary:
    "The version does not exist in Azure yet; where it does, as the request asks for, it is followed and not created again.",
  check: ({ id, request, facts: { imageVersion, known } }) => {
    const existing = found(imageVersion);
    return existing === undefined ||
      known !== undefined ||
      differsFrom(request, existing.request).length > 0
      ? []
      : [
          {
            pointer: "",
            message: `${formatImageVersionId(id)} exists in Azure as the request asks for, in provisioning state ${existing.provisioningState}.`,
            remediation:
              "Nothing need be done: a PUT follows it and does not create it again.",
          },
        ];
  },
};
