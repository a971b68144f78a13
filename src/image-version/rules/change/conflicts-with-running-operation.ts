import { formatImageVersionId } from "../../../resource-id.js";
import type { GatheredRule } from "../rule.js";

export const conflictsWithRunningOperation: GatheredRule = {
  name: "conflicts-with-running-operation",
  code: "ImageVersionRequestedOtherwise",
  severity: "error",
  basis: {
    own: "Of two requests that contradict each other, one would be undone silently.",
  },
  summary:
    "While an operation on the version runs, no request contradicts it; a request that adds to it runs with it or after it.",
  check: ({ id, gathered: { known } }) => {
    if (known === undefined) return [];
    const whole = known.deleting
      ? "it is being deleted."
      : known.restoring && "it is being restored.";
    const { operationId } = known;
    const told = whole ? [{ pointer: "", message: whole, operationId }] : known.conflicts;
    return told.map(({ pointer, message, operationId }) => ({
      pointer,
      message: `The request contradicts operation ${operationId} on ${formatImageVersionId(id)}: ${message}`,
      remediation: `Wait until operation ${operationId} has ended and repeat the request, or use another version name.`,
    }));
  },
};
