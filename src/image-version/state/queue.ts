/** The order in which what is queued begins: deletions, then demotions, then all else, each as it was accepted. Pure. */
import type { OperationRecord } from "../../operation/records.js";
import type { QueuedRequest } from "./record.js";

type Kind = Pick<OperationRecord, "kind">;

export function deletes({ kind }: Kind): boolean {
  return kind === "DeleteImageVersion";
}

export function demotes({ kind }: Kind): boolean {
  return kind === "DemoteImageVersion";
}

export function inTurn(
  queued: readonly QueuedRequest[],
): readonly QueuedRequest[] {
  const rank = ({ operation }: QueuedRequest): number =>
    deletes(operation) ? 0 : demotes(operation) ? 1 : 2;
  return [...queued].sort((one, other) => rank(one) - rank(other));
}
