/**
 * Members: operations that have begun together with the current one. Invariants:
 *  1. Ending one operation does not disturb the others. If the current one ends, the next member
 *     leads, and a message of a new step is sent for it.
 *     A step that ends another operation sends the message of the next step itself, because its own
 *     message served all of them.
 *  2. The commit that ends an operation also reports its end and closes its row.
 */
import { omit } from "../objects.js";
import {
  closing,
  regionsOf,
  stepMessage,
  withEntry,
  written,
  type OperationEnd,
} from "./advance.js";
import { indexed } from "./catalog.js";
import type { TransitionContext } from "./ports.js";
import {
  operationIn,
  sequenceOf,
  type Effect,
  type OperationRecord,
  type Pair,
  type TrackedRecord,
} from "./records.js";

/** Ends one of several operations that have begun. */
export function endOne<R extends TrackedRecord>(
  pair: Pair<R>,
  operationId: string,
  ending: OperationEnd,
  context: TransitionContext,
): Pair<R> {
  const { record, operation } = pair;
  const found = operationIn(pair, operationId);
  if (found === undefined) return pair;
  const ended = endedOf(withRegions(record, found), ending, context);
  const effects: Effect[] = [
    indexed(ended, context, found.status),
    ending.event,
    closing(ended.id),
  ];
  if (found !== operation)
    return {
      record: {
        ...record,
        members: record.members.filter(({ id }) => id !== operationId),
        outbox: [...record.outbox, ...effects],
      },
      operation,
      ...written(pair, [ended]),
    };
  const [next, ...members] = record.members;
  if (next === undefined) throw new TypeError(`${operationId} is the last that has begun`);
  const handed: R = {
    ...record,
    sequence: sequenceOf(next.id),
    step: record.step + 1,
    resends: 0,
    members,
  };
  return {
    // Invariant 1.
    record: {
      ...handed,
      outbox: [...handed.outbox, ...effects, ...stepMessage(handed, next, context)],
    },
    operation: next,
    ...written(
      { changedOperations: (pair.changedOperations ?? []).filter(({ id }) => id !== next.id) },
      [ended],
    ),
  };
}

/** The operation with its regions as they are now. */
function withRegions({ regions }: TrackedRecord, operation: OperationRecord): OperationRecord {
  return { ...operation, regions: regionsOf(operation, regions) };
}

function endedOf(
  operation: OperationRecord,
  { status, message, error, canceledBy }: OperationEnd,
  { now }: TransitionContext,
): OperationRecord {
  const time = now.toISOString();
  const rest = omit(operation, "waitReason", "nextAttemptTime");
  const kept = omit(rest, "waitingSince", "stalled");
  return {
    ...kept,
    status,
    ...(error && { error }),
    ...(canceledBy && { canceledBy }),
    lastUpdatedTime: time,
    endTime: time,
    history: withEntry(operation.history, { time, state: status, message }),
  };
}
