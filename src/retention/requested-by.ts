import type { OperationRecord, Requester } from "../operation/records.js";

/** By whom what a policy deletes is deleted. */
export const REQUESTED_BY = {
  name: "retention",
  policy: "retention",
} as const satisfies Requester;

/** Nobody's but a policy's: a person may have that name, too. */
export function isByRetention({ requestedBy }: Pick<OperationRecord, "requestedBy">): boolean {
  return requestedBy.policy === REQUESTED_BY.policy;
}
