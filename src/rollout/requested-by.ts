import type { OperationRecord } from "../operation/records.js";

/** By whom what Sigil begins by itself is requested. */
export const REQUESTED_BY = { name: "rollout" };

/** Sigil has begun it by itself. */
export function isByRollout({
  requestedBy,
}: Pick<OperationRecord, "requestedBy">): boolean {
  return requestedBy.name === REQUESTED_BY.name;
}

/** A promotion because its gate was open. */
export function isPromotionByRollout(
  operation: Pick<OperationRecord, "kind" | "requestedBy">,
): boolean {
  return operation.kind === "PromoteImageVersion" && isByRollout(operation);
}
