import { formatImageVersionId } from "../../resource-id.js";
import { found } from "../facts.js";
import { differsFrom } from "../read-back.js";
import type { FactRule } from "./rule.js";

export const versionExistsOtherwise: FactRule = {
  name: "version-exists-otherwise",
  code: "ImageVersionConflict",
  severity: "error",
  summary:
    "A version that exists in Azure already, and was not made by Sigil, is as the request asks for.",
  check: ({ id, request, facts: { imageVersion, known } }) => {
    const existing = found(imageVersion);
    if (existing === undefined || known !== undefined) return [];
    return differsFrom(request, existing.request).map(
      ({ pointer, message }) => ({
        pointer,
        message,
        remediation: `Use another version name: ${formatImageVersionId(id)} exists already and is left as it is.`,
      }),
    );
  },
};
