/**
 * How a transition is written down: the part that all state machines share. Each is pure: a stored state and something
 * that happened give the next state, and in it everything that must be told because of it. Invariants:
 *  1. Whatever a transition causes (events, messages, index rows) is in the outbox of the very record that states it:
 *     one write, so neither exists without the other.
 *  2. Every transition but `wake` raises `step` by one, and only the message of the current step may cause the next.
 *  3. A state that is not final always has a message for its step: in the outbox, in the queue, or found overdue.
 *  4. Final states are left only by a new operation.
 */
import { operationEvent } from "../events/operation-event.js";
import type { Pace } from "./ports.js";
import type {
  Effect,
  OperationRecord,
  OperationStatus,
  TrackedRecord,
  TrackedState,
  WorkQueueName,
} from "./records.js";

/** A record and its operation, before or after a transition. */
export interface Pair<R extends TrackedRecord> {
  readonly record: R;
  readonly operation: OperationRecord;
}

/** What every transition needs beside the state. */
export interface Moment {
  readonly now: Date;
  readonly pace: Pace;
  readonly eventSource: string;
}

/** Each state in the API's words, and the queue whose messages drive it on; a state without one is final. */
const STATES: Readonly<
  Record<
    TrackedState,
    { readonly status: OperationStatus; readonly queue?: WorkQueueName }
  >
> = {
  Accepted: { status: "NotStarted", queue: "image-version-creations" },
  Creating: { status: "Running", queue: "image-version-creations" },
  Updating: { status: "Running", queue: "image-version-creations" },
  Replicating: { status: "Running", queue: "image-version-replications" },
  Requested: { status: "NotStarted", queue: "subscription-preparations" },
  Registering: { status: "Running", queue: "subscription-preparations" },
  Succeeded: { status: "Succeeded" },
  Failed: { status: "Failed" },
  Canceled: { status: "Canceled" },
  DeletionRequested: {
    status: "NotStarted",
    queue: "image-version-creations",
  },
  Deleting: { status: "Running", queue: "image-version-creations" },
  Deleted: { status: "Succeeded" },
};

export function isFinal(state: TrackedState): boolean {
  return STATES[state].queue === undefined;
}

/** What one transition changes, says and causes. */
export interface Advance<R extends TrackedRecord> {
  readonly patch: Partial<R>;
  readonly operation?: Partial<OperationRecord>;
  /** History entry; the state's own name unless `state` says otherwise. */
  readonly message?: string;
  readonly state?: string;
  /** Until the next step; absent in a final state. */
  readonly waitMs?: number;
  readonly effects?: readonly Effect[];
}

/** The one way a transition is made: step, due time, status, history and outbox follow from the change. */
export function advance<R extends TrackedRecord>(
  pair: Pair<R>,
  moment: Moment,
  change: Advance<R>,
): Pair<R> {
  const time = moment.now.toISOString();
  const record: R = {
    ...pair.record,
    ...change.patch,
    step: pair.record.step + 1,
    wakes: 0,
    dueTime: new Date(
      moment.now.getTime() + (change.waitMs ?? 0),
    ).toISOString(),
  };
  const { status } = STATES[record.state];
  const final = isFinal(record.state);
  const operation: OperationRecord = {
    ...pair.operation,
    ...change.operation,
    status,
    regions: record.regions,
    lastUpdatedTime: time,
    ...(status === "Running" &&
      pair.operation.startedTime === undefined && { startedTime: time }),
    ...(final && { endTime: time }),
    history:
      change.message === undefined
        ? pair.operation.history
        : withEntry(pair.operation.history, {
            time,
            state: change.state ?? record.state,
            message: change.message,
          }),
  };
  const statusChanged: Effect[] =
    status === pair.operation.status
      ? []
      : [{ kind: "index", previousStatus: pair.operation.status }];
  return {
    // Invariant 1: what is not yet told stays in front of what is new.
    record: {
      ...record,
      outbox: [
        ...pair.record.outbox,
        ...statusChanged,
        ...(change.effects ?? []),
        ...(final
          ? [{ kind: "close" } as const]
          : stepMessage(record, operation)),
      ],
    },
    operation,
  };
}

/** Waiting may take long: only the latest of several waits in a row is history. */
function withEntry(
  history: OperationRecord["history"],
  entry: OperationRecord["history"][number],
): OperationRecord["history"] {
  const last = history.at(-1);
  return last?.state === "Waiting" && entry.state === "Waiting"
    ? [...history.slice(0, -1), entry]
    : [...history, entry];
}

/** The message of the present step; none in a final state. */
export function stepMessage(
  record: TrackedRecord,
  operation: OperationRecord,
): Effect[] {
  const { queue } = STATES[record.state];
  if (queue === undefined) return [];
  const again = record.wakes === 0 ? "" : `.${record.wakes}`;
  return [
    {
      kind: "message",
      message: {
        queue,
        id: `${operation.id}:${record.step}${again}`,
        operationId: operation.id,
        step: record.step,
        traceparent: operation.traceparent,
        enqueueTime: record.dueTime,
      },
    },
  ];
}

/** An event as an effect of a transition; `fact` makes its id. */
export function event(
  pair: Pair<TrackedRecord>,
  moment: Moment,
  type: string,
  fact: string,
  data: Readonly<Record<string, unknown>>,
): Effect {
  return {
    kind: "event",
    event: operationEvent(
      {
        source: moment.eventSource,
        operationId: pair.operation.id,
        subject: pair.record.resourceId,
        time: moment.now.toISOString(),
        traceparent: pair.operation.traceparent,
      },
      type,
      fact,
      data,
    ),
  };
}
