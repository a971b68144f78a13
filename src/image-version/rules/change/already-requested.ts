import { formatImageVersionId } from "../../../resource-id.js";
import type { GatheredRule } from "../rule.js";

export const alreadyRequested: GatheredRule = {
  name: "already-requested",
  code: "AlreadyRequested",
  severity: "info",
  basis: { own: "The same request is the same operation." },
  summary:
    "The version was not requested from Sigil before; the same request again returns the same operation.",
  check: ({ id, gathered: { known } }) => {
    const operationId = known?.sameRequest;
    return operationId === undefined
      ? []
      : [
          {
            pointer: "",
            message: `${formatImageVersionId(id)} was requested before with the same properties, by operation ${operationId}.`,
            remediation: `Follow it: GET /api/operations/${operationId}. The same PUT returns it and creates nothing.`,
          },
        ];
  },
};
