/** The audit trail of an operation: each call to ARM that was made for it, as far as the record of it can hold. */
import { written } from "./advance.js";
import type {
  ArmCall,
  OperationRecord,
  Pair,
  TrackedRecord,
} from "./records.js";

/** A version that is looked at for days must not grow with each look: beyond this many, the oldest reads go. */
const MOST_CALLS = 200;

/** The pair with these calls written down for each operation that they were made for. */
export function withCalls<R extends TrackedRecord>(
  pair: Pair<R>,
  calls: readonly ArmCall[],
): Pair<R> {
  if (calls.length === 0) return pair;
  const fellows = pair.record.fellows.map((one) => noted(one, calls));
  return {
    record: { ...pair.record, fellows },
    operation: noted(pair.operation, calls),
    ...written(pair, fellows),
  };
}

function noted(
  operation: OperationRecord,
  calls: readonly ArmCall[],
): OperationRecord {
  const all = [...(operation.calls ?? []), ...calls];
  let excess = all.length - MOST_CALLS;
  const kept = all.filter(({ method }) => {
    const goes = excess > 0 && method === "GET";
    if (goes) excess -= 1;
    return !goes;
  });
  const omittedReads =
    (operation.omittedReads ?? 0) + (all.length - kept.length);
  return {
    ...operation,
    calls: kept,
    ...(omittedReads > 0 && { omittedReads }),
  };
}
