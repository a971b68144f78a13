/** How operations of a record are numbered. */
import type { TrackedRecord } from "./records.js";

type Counted = Pick<TrackedRecord, "sequence" | "lastSequence">;

/** When numbers that the time gives begin; nine digits last until 2057. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/**
 * The sequence of the next operation of a record. Only the first one is given by the time: if the tables are lost, no operation gets the
 * id of an earlier one, whose events the topic would drop as duplicates. All others follow without a gap.
 */
export function nextSequence(previous: Counted | undefined, now: Date): number {
  return previous === undefined
    ? Math.max(1, 1 + Math.floor((now.getTime() - EPOCH_MS) / 1_000))
    : lastSequenceOf(previous) + 1;
}

/** The highest sequence of an operation that was accepted. */
export function lastSequenceOf({ sequence, lastSequence = sequence }: Counted): number {
  return lastSequence;
}

/** The sequence of a record's first operation: 1 in those that 0.2.0 began. */
export function firstSequenceOf(record: Counted & Pick<TrackedRecord, "createdTime">): number {
  const given = nextSequence(undefined, new Date(record.createdTime));
  return given <= lastSequenceOf(record) ? given : 1;
}
