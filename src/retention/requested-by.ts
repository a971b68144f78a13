import type { OperationRecord } from "../operation/records.js";

/** By whom what a policy deletes is deleted. */
export const REQUESTED_BY = { name: "retention" };

/** Nobody's but a policy's: callers have ids. */
export function isByRetention({
  requestedBy: { name, appId, objectId },
}: Pick<OperationRecord, "requestedBy">): boolean {
  return (
    name === REQUESTED_BY.name && appId === undefined && objectId === undefined
  );
}
