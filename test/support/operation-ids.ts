import { operationIdOf, type TrackedRecord } from "../../src/operation/records.js";
import { firstSequenceOf } from "../../src/operation/sequence.js";

/** The id of the `n`th operation of a record. */
export function nthOf(record: TrackedRecord, n: number): string {
  return operationIdOf({
    key: record.key,
    sequence: firstSequenceOf(record) + n - 1,
  });
}
