import { formatImageVersionId } from "../../resource-id.js";
import { isFinal } from "../../operation/states.js";
import { fingerprintOf } from "../canonical-form.js";
import { contradictions } from "../merging.js";
import type { FactRule } from "./rule.js";

export const requestedOtherwise: FactRule = {
  name: "requested-otherwise",
  code: "ImageVersionRequestedOtherwise",
  severity: "error",
  summary:
    "While an operation on the version runs, nothing is asked that contradicts it; what adds to it is done with it or after it.",
  check: ({ id, request, facts: { known } }) => {
    if (
      known === undefined ||
      isFinal(known.state) ||
      known.operations.has(fingerprintOf(request))
    )
      return [];
    const told = ["DeletionRequested", "Deleting"].includes(known.state)
      ? [{ pointer: "", message: "it is being deleted." }]
      : contradictions(known, request);
    return told.map(({ pointer, message }) => ({
      pointer,
      message: `${formatImageVersionId(id)} is being worked on as another request asks (operation ${known.operationId}, ${known.state}): ${message}`,
      remediation: `Wait until operation ${known.operationId} has ended and send the request again, or use another version name.`,
    }));
  },
};
