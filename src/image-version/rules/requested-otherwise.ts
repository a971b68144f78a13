import { formatImageVersionId } from "../../resource-id.js";
import { isFinal } from "../../operation/advance.js";
import { fingerprintOf } from "../canonical-form.js";
import { differencesBetween } from "../differences.js";
import type { FactRule } from "./rule.js";

export const requestedOtherwise: FactRule = {
  name: "requested-otherwise",
  code: "ImageVersionRequestedOtherwise",
  severity: "error",
  summary:
    "While an operation on the version runs, nothing else is asked of the version.",
  check: ({ id, request, facts: { known } }) => {
    if (
      known === undefined ||
      isFinal(known.state) ||
      known.fingerprint === fingerprintOf(request)
    )
      return [];
    const resourceId = formatImageVersionId(id);
    const differences = differencesBetween(known.request, request);
    const told =
      differences.length > 0
        ? differences
        : [{ pointer: "", message: "its properties are others." }];
    return told.map(({ pointer, message }) => ({
      pointer,
      message: `${resourceId} is being worked on as another request asks (operation ${known.operationId}, ${known.state}): ${message}`,
      remediation: `Wait until operation ${known.operationId} has ended and send the request again, or use another version name.`,
    }));
  },
};
