import type { OperationRecord, Requester } from "../operation/records.js";

/** The requester of deletions by a policy. */
export const REQUESTED_BY = {
  name: "retention",
  policy: "retention",
} as const satisfies Requester;

/** By `policy`, because a person may have the same name. */
export function isByRetention({ requestedBy }: Pick<OperationRecord, "requestedBy">): boolean {
  return requestedBy.policy === REQUESTED_BY.policy;
}
