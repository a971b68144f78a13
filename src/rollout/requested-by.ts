import type { OperationRecord, Requester } from "../operation/records.js";

/** By whom what Sigil begins by itself is requested. */
export const REQUESTED_BY = {
  name: "rollout",
  policy: "rollout",
} as const satisfies Requester;

/** Sigil has begun it by itself: a person may have that name, too. */
export function isByRollout({
  requestedBy,
}: Pick<OperationRecord, "requestedBy">): boolean {
  return requestedBy.policy === REQUESTED_BY.policy;
}
