/**
 * Operations beside the current one: those that are done together with it, and those that wait for its end. Invariants:
 *  1. One that ends leaves the others as they are: the message of the present step stays good, or, where it was the
 *     current one's, is sent for the one that takes its place.
 *  2. It is told and its row closed by the same commit that ends it.
 */
import {
  closing,
  stepMessage,
  withEntry,
  written,
  type Ending,
} from "./advance.js";
import { indexed } from "./catalog.js";
import type { Moment } from "./ports.js";
import {
  sequenceOf,
  type Effect,
  type OperationRecord,
  type Pair,
  type TrackedRecord,
} from "./records.js";

/** The operation of that id where it is not the current one: done together with it, or waiting. */
export function besideOf(
  { fellows, waiting }: Pick<TrackedRecord, "fellows" | "waiting">,
  operationId: string,
): OperationRecord | undefined {
  return [...fellows, ...waiting.map(({ operation }) => operation)].find(
    ({ id }) => id === operationId,
  );
}

/** Ends one operation that waits, or one of several that are done together. */
export function endOne<R extends TrackedRecord>(
  pair: Pair<R>,
  operationId: string,
  ending: Ending,
  moment: Moment,
): Pair<R> {
  const { record, operation } = pair;
  const ends = operation.id === operationId;
  const found = ends ? operation : besideOf(record, operationId);
  if (found === undefined) return pair;
  const ended = endedOf(found, ending, moment);
  const effects: Effect[] = [
    indexed(ended, found.status),
    ending.event,
    closing(ended.id),
  ];
  if (!ends)
    return {
      record: {
        ...record,
        fellows: record.fellows.filter(({ id }) => id !== operationId),
        waiting: record.waiting.filter(
          (waiting) => waiting.operation.id !== operationId,
        ),
        outbox: [...record.outbox, ...effects],
      },
      operation,
      ...written(pair, [ended]),
    };
  const [next, ...fellows] = record.fellows;
  if (next === undefined)
    throw new TypeError(`${operationId} is done with no other`);
  const handed: R = {
    ...record,
    sequence: sequenceOf(next.id),
    step: record.step + 1,
    wakes: 0,
    fellows,
  };
  return {
    // Invariant 1.
    record: {
      ...handed,
      outbox: [...handed.outbox, ...effects, ...stepMessage(handed, next)],
    },
    operation: next,
    ...written(pair, [ended]),
  };
}

function endedOf(
  operation: OperationRecord,
  { status, message, error, canceledBy }: Ending,
  { now }: Moment,
): OperationRecord {
  const time = now.toISOString();
  return {
    ...operation,
    status,
    ...(error && { error }),
    ...(canceledBy && { canceledBy }),
    lastUpdatedTime: time,
    endTime: time,
    history: withEntry(operation.history, { time, state: status, message }),
  };
}
