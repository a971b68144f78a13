/** How a transition is written down: the part that all transitions of transitions.ts share, and its invariants 1 and 2. */
import {
  IMAGE_VERSION_EVENT,
  imageVersionEvent,
} from "../events/image-version-events.js";
import type { Pace } from "./ports.js";
import type {
  Effect,
  ImageVersionRecord,
  OperationRecord,
  VersionState,
  WorkQueueName,
} from "./records.js";

/** A version and its operation, before or after a transition. */
export interface Pair {
  readonly version: ImageVersionRecord;
  readonly operation: OperationRecord;
}

/** What every transition needs beside the state. */
export interface Moment {
  readonly now: Date;
  readonly pace: Pace;
  readonly eventSource: string;
}

const STATUS = {
  Accepted: "NotStarted",
  Creating: "Running",
  Replicating: "Running",
  Succeeded: "Succeeded",
  Failed: "Failed",
} as const satisfies Record<VersionState, OperationRecord["status"]>;

const QUEUE: Partial<Record<VersionState, WorkQueueName>> = {
  Accepted: "image-version-creations",
  Creating: "image-version-creations",
  Replicating: "image-version-replications",
};

export function isFinal(state: VersionState): boolean {
  return QUEUE[state] === undefined;
}

/** What one transition changes, says and causes. */
export interface Advance {
  readonly patch: Partial<ImageVersionRecord>;
  readonly operation?: Partial<OperationRecord>;
  /** History entry; the state's own name unless `state` says otherwise. */
  readonly message?: string;
  readonly state?: string;
  /** Until the next step; absent in a final state. */
  readonly waitMs?: number;
  readonly effects?: readonly Effect[];
}

/** The one way a transition is made: step, due time, status, history and outbox follow from the change. */
export function advance(pair: Pair, moment: Moment, change: Advance): Pair {
  const time = moment.now.toISOString();
  const version: ImageVersionRecord = {
    ...pair.version,
    ...change.patch,
    step: pair.version.step + 1,
    wakes: 0,
    dueTime: new Date(
      moment.now.getTime() + (change.waitMs ?? 0),
    ).toISOString(),
  };
  const status = STATUS[version.state];
  const final = isFinal(version.state);
  const operation: OperationRecord = {
    ...pair.operation,
    ...change.operation,
    status,
    regions: version.regions,
    lastUpdatedTime: time,
    ...(status === "Running" &&
      pair.operation.startedTime === undefined && { startedTime: time }),
    ...(final && { endTime: time }),
    history:
      change.message === undefined
        ? pair.operation.history
        : withEntry(pair.operation.history, {
            time,
            state: change.state ?? version.state,
            message: change.message,
          }),
  };
  const statusChanged: Effect[] =
    status === pair.operation.status
      ? []
      : [{ kind: "index", previousStatus: pair.operation.status }];
  return {
    // Invariant 1: what is not yet told stays in front of what is new.
    version: {
      ...version,
      outbox: [
        ...pair.version.outbox,
        ...statusChanged,
        ...(change.effects ?? []),
        ...(final
          ? [{ kind: "close" } as const]
          : stepMessage(version, operation)),
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
  version: ImageVersionRecord,
  operation: OperationRecord,
): Effect[] {
  const queue = QUEUE[version.state];
  if (queue === undefined) return [];
  const again = version.wakes === 0 ? "" : `.${version.wakes}`;
  return [
    {
      kind: "message",
      message: {
        queue,
        id: `${operation.id}:${version.step}${again}`,
        operationId: operation.id,
        step: version.step,
        traceparent: operation.traceparent,
        enqueueTime: version.dueTime,
      },
    },
  ];
}

/** An event as an effect of a transition; `fact` makes its id. */
export function event(
  pair: Pair,
  moment: Moment,
  type: keyof typeof IMAGE_VERSION_EVENT,
  fact: string,
  data: Readonly<Record<string, unknown>>,
): Effect {
  return {
    kind: "event",
    event: imageVersionEvent(
      {
        source: moment.eventSource,
        operationId: pair.operation.id,
        subject: pair.version.resourceId,
        time: moment.now.toISOString(),
        traceparent: pair.operation.traceparent,
      },
      IMAGE_VERSION_EVENT[type],
      fact,
      data,
    ),
  };
}

/** The wait before the next look: doubles with each tick, up to the longest. */
export function pollDelayMs(ticks: number, pace: Pace): number {
  return Math.min(
    pace.pollMaxMs,
    pace.pollInitialMs * 2 ** Math.min(ticks, 30),
  );
}
