import { formatImageVersionId } from "../../resource-id.js";
import { fingerprintOf } from "../canonical-form.js";
import { differencesBetween } from "../differences.js";
import type { FactRule } from "./rule.js";

export const requestedOtherwise: FactRule = {
  name: "requested-otherwise",
  code: "ImageVersionRequestedOtherwise",
  severity: "error",
  summary:
    "A version that Sigil was asked for before was asked for with the same properties.",
  check: ({ id, request, facts: { known } }) => {
    if (known === undefined || known.fingerprint === fingerprintOf(request))
      return [];
    const resourceId = formatImageVersionId(id);
    const differences = differencesBetween(known.request, request);
    const told =
      differences.length > 0
        ? differences
        : [{ pointer: "", message: "its properties are others." }];
    return told.map(({ pointer, message }) => ({
      pointer,
      message: `${resourceId} was requested otherwise before (operation ${known.operationId}, ${known.state}): ${message}`,
      remediation: `Use another version name, or send the request of operation ${known.operationId} again to follow it.`,
    }));
  },
};
