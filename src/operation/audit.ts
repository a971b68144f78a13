/** The audit trail of an operation: each call to ARM that was made for it, up to a limit. */
import { withOperations } from "./advance.js";
import type { ArmCall, OperationRecord, Pair, TrackedRecord } from "./records.js";

/**
 * A limit, because an operation may poll for months. The oldest reads are dropped first, then the
 * oldest writes.
 */
const MOST_CALLS = 200;
/** The first writes stay, because they explain the most. */
const FIRST_WRITES = 20;

/** The pair, with these calls added to each operation they were made for. */
export function withCalls<R extends TrackedRecord>(
  pair: Pair<R>,
  calls: readonly ArmCall[],
): Pair<R> {
  return calls.length === 0 ? pair : withOperations(pair, (one) => noted(one, calls));
}

function noted(operation: OperationRecord, calls: readonly ArmCall[]): OperationRecord {
  const all = [...(operation.calls ?? []), ...calls];
  let excess = all.length - MOST_CALLS;
  const writes = all.filter(({ method }) => method !== "GET");
  const withoutReads = all.filter(({ method }) => {
    const goes = excess > 0 && method === "GET";
    if (goes) excess -= 1;
    return !goes;
  });
  const gone = new Set(writes.slice(FIRST_WRITES, FIRST_WRITES + Math.max(0, excess)));
  const kept = withoutReads.filter((call) => !gone.has(call));
  const omittedReads = (operation.omittedReads ?? 0) + (all.length - withoutReads.length);
  const omittedWrites = (operation.omittedWrites ?? 0) + gone.size;
  return {
    ...operation,
    calls: kept,
    ...(omittedReads > 0 && { omittedReads }),
    ...(omittedWrites > 0 && { omittedWrites }),
  };
}
