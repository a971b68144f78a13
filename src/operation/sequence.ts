/** Numbers the operations of a record. */
import type { TrackedRecord } from "./records.js";

type Counted = Pick<TrackedRecord, "sequence" | "lastSequence">;

/** The start of time-based numbers. Nine digits last until 2057. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/**
 * The sequence of the next operation of a record. Only the first one comes from the time: if the
 * tables are lost, no operation gets the id of an earlier one, whose events the topic would drop as
 * duplicates. All others follow without a gap.
 */
export function nextSequence(previous: Counted | undefined, now: Date): number {
  return previous === undefined
    ? Math.max(1, 1 + Math.floor((now.getTime() - EPOCH_MS) / 1_000))
    : lastSequenceOf(previous) + 1;
}

/** The highest sequence of an accepted operation. */
export function lastSequenceOf({ sequence, lastSequence = sequence }: Counted): number {
  return lastSequence;
}

/** The sequence of a record's first operation; 1 for records begun by 0.2.0. */
export function firstSequenceOf(record: Counted & Pick<TrackedRecord, "createdTime">): number {
  const given = nextSequence(undefined, new Date(record.createdTime));
  return given <= lastSequenceOf(record) ? given : 1;
}
