/**
 * Makes a transition; every state machine uses it. Pure: the stored state and an event give the
 * next state, with everything to report because of it. Invariants:
 *  1. Everything that a transition causes (events, messages, index rows) is in the outbox of the
 *     record that states it. One write stores both, so neither exists without the other.
 *  2. Every transition except `resendStep` and those of a single member (members.ts) raises `step` by
 *     one. Only the message of the current step may cause the next transition.
 *  3. A state that is not final always has a message for its step: in the outbox, in the queue, or
 *     found overdue.
 *  4. Only a new operation leaves a final state.
 *  5. Operations that have begun share the record's state. Each has its own regions, history,
 *     events and end.
 *  6. An unfinished operation shows what it is waiting for and when it continues. One that waits
 *     longer than `pace.operationStalledMs` is reported once, and once more when it continues.
 */
import type { EventType } from "../events/documented-event.js";
import {
  operationEvent,
  type EventContent,
  type OperationEventData,
} from "../events/operation-event.js";
import { omit } from "../objects.js";
import { indexed } from "./catalog.js";
import { kindOf, stateOf } from "./kinds.js";
import type { TransitionContext } from "./ports.js";
import {
  operationsOf,
  SCHEMA,
  type Effect,
  type OperationFailure,
  type OperationRecord,
  type OperationStatus,
  type Pair,
  type RegionRecord,
  type Requester,
  type TrackedRecord,
} from "./records.js";
import { isFinalState, mayFollow, type State } from "./states.js";

/** What one transition changes, reports and causes. */
export interface Advance<R extends TrackedRecord> {
  readonly patch: Partial<R>;
  readonly operation?: Partial<OperationRecord>;
  /** History entry, under the name of the state unless `state` gives another. */
  readonly message?: string;
  readonly state?: string;
  /** The operations that the message applies to; absent: all that have begun. */
  readonly concerns?: readonly string[];
  /** What the operation waits for until the next step. */
  readonly waits?: string;
  /** True if the operation makes progress without a message, so it is no longer waiting. */
  readonly resumes?: boolean;
  /** Time until the next step; absent in a final state. */
  readonly waitMs?: number;
  readonly effects?: readonly Effect[];
  /** How each operation ends, for a final state where they end differently. */
  readonly ending?: (operation: OperationRecord) => OperationEnd;
}

/** The end of one operation. */
export interface OperationEnd {
  readonly status: Extract<OperationStatus, "Succeeded" | "Failed" | "Canceled">;
  readonly message: string;
  readonly error?: OperationFailure;
  readonly canceledBy?: Requester;
  readonly event: Effect;
}

/** Makes a transition. Step, due time, status, history and outbox follow from the change. */
export function advance<R extends TrackedRecord>(
  pair: Pair<R>,
  context: TransitionContext,
  change: Advance<R>,
): Pair<R> {
  const { now } = context;
  const { state: from } = pair.record;
  const { state: to = from } = change.patch;
  if (!mayFollow(kindOf(context, pair.operation).states, from, to))
    throw new TypeError(`no operation goes from ${from} to ${to}`);
  const record = {
    ...pair.record,
    ...change.patch,
    schema: SCHEMA,
    step: pair.record.step + 1,
    resends: 0,
    dueTime: new Date(now.getTime() + (change.waitMs ?? 0)).toISOString(),
  } as R;
  const state = stateOf(context, { record, operation: pair.operation });
  const given = { ...change, goesOn: goesOn(pair.record, change) };
  const current = follow(pair.operation, record, state, given, context);
  const members = record.members.map((member) =>
    follow(member, record, state, { ...given, operation: {} }, context),
  );
  const { operation } = current;
  const all = [current, ...members];
  return {
    // Invariant 1: what is not yet reported stays in front.
    record: {
      ...record,
      members: members.map((member) => member.operation),
      outbox: [
        ...pair.record.outbox,
        ...all.flatMap(({ rows }) => rows),
        ...(change.effects ?? []),
        ...all.flatMap(({ stall }) => stall),
        ...all.flatMap(({ ended }) => ended),
        ...(isFinalState(state)
          ? all.map(({ operation: { id } }) => closing(id))
          : stepMessage(record, operation, context)),
      ],
    },
    operation,
    ...written(
      pair,
      members.map((one) => one.operation),
    ),
  };
}

/** Whether it stops waiting: something new happened, or `resumes` is set. */
function goesOn(
  record: TrackedRecord,
  { waits, message, patch, resumes }: Advance<TrackedRecord>,
): boolean {
  return (
    resumes === true ||
    (waits === undefined &&
      (message !== undefined || (patch.state !== undefined && patch.state !== record.state)))
  );
}

/** Replaces what an operation waits for, and returns what to report about that. Invariant 6. */
function waiting(
  before: OperationRecord,
  now: {
    readonly state: string;
    readonly waits: string | undefined;
    readonly nextAttemptTime: string;
    readonly goesOn: boolean;
  },
  context: TransitionContext,
): { readonly operation: OperationRecord; readonly stall: readonly Effect[] } {
  const rest = omit(before, "waitReason", "nextAttemptTime");
  const { waitingSince, stalled, ...kept } = rest;
  const { state, waits: reason, nextAttemptTime } = now;
  const time = context.now.toISOString();
  const since = now.goesOn
    ? undefined
    : (waitingSince ?? (reason === undefined ? undefined : time));
  const stalls =
    since !== undefined &&
    reason !== undefined &&
    stalled !== true &&
    Date.parse(time) - Date.parse(since) >= context.pace.operationStalledMs;
  const { events: kind } = kindOf(context, before);
  const tell = (eventKey: string, content: EventContent | undefined): Effect[] =>
    content === undefined ? [] : [event(before, context, content.type, eventKey, content.data)];
  return {
    operation: {
      ...kept,
      ...(reason !== undefined && { waitReason: reason, nextAttemptTime }),
      ...(since !== undefined && {
        waitingSince: since,
        ...((stalls || stalled === true) && { stalled: true }),
      }),
    },
    stall: stalls
      ? tell(`stalled/${since}`, kind.stalled?.(before, { state, since, reason, nextAttemptTime }))
      : stalled === true && since === undefined
        ? tell(`resumed/${waitingSince}`, kind.resumed?.({ state }))
        : [],
  };
}

/** The pair's `changedOperations`, with these added. */
export function written(
  { changedOperations = [] }: Pick<Pair<TrackedRecord>, "changedOperations">,
  operations: readonly OperationRecord[],
): Pick<Pair<TrackedRecord>, "changedOperations"> {
  const ids = operations.map(({ id }) => id);
  const all = [...changedOperations.filter(({ id }) => !ids.includes(id)), ...operations];
  return all.length > 0 ? { changedOperations: all } : {};
}

/** The pair, with `change` applied to each operation that has begun. */
export function withOperations<R extends TrackedRecord>(
  pair: Pair<R>,
  change: (operation: OperationRecord) => OperationRecord,
): Pair<R> {
  const members = pair.record.members.map(change);
  return {
    record: { ...pair.record, members },
    operation: change(pair.operation),
    ...written(pair, members),
  };
}

/** Marks that nothing more is to be reported about an operation. */
export function closing(operationId: string): Effect {
  return { kind: "close", operationId };
}

/** An operation after a transition of the record, with the effects for this operation. */
function follow<R extends TrackedRecord>(
  before: OperationRecord,
  record: R,
  state: State,
  change: Advance<R> & { readonly goesOn: boolean },
  context: TransitionContext,
): {
  readonly operation: OperationRecord;
  readonly rows: readonly Effect[];
  readonly stall: readonly Effect[];
  readonly ended: readonly Effect[];
} {
  const final = isFinalState(state);
  const ending = final ? change.ending?.(before) : undefined;
  const reached = ending?.status ?? state.status;
  // An operation that has begun stays Running, even if it waits again.
  const status = reached === "NotStarted" && before.status === "Running" ? "Running" : reached;
  const time = context.now.toISOString();
  const concerned = change.concerns?.includes(before.id) ?? true;
  const message = ending?.message ?? (concerned ? change.message : undefined);
  const { operation: kept, stall } = waiting(
    before,
    {
      state: record.state,
      waits: final ? undefined : change.waits,
      nextAttemptTime: record.dueTime,
      goesOn: final || change.goesOn,
    },
    context,
  );
  const operation: OperationRecord = {
    ...kept,
    ...change.operation,
    ...(ending?.error && { error: ending.error }),
    ...(ending?.canceledBy && { canceledBy: ending.canceledBy }),
    status,
    regions: regionsOf(before, record.regions),
    lastUpdatedTime: time,
    ...(status === "Running" && before.startedTime === undefined && { startedTime: time }),
    ...(final && { endTime: time }),
    history:
      message === undefined
        ? before.history
        : withEntry(before.history, {
            time,
            state: change.state ?? ending?.status ?? record.state,
            message,
          }),
  };
  return {
    operation,
    rows: status === before.status ? [] : [indexed(operation, context, before.status)],
    stall: final ? [] : stall,
    ended: ending === undefined ? [] : [ending.event],
  };
}

/** The regions of the record that belong to the operation. */
export function regionsOf(
  { regions: own }: Pick<OperationRecord, "regions">,
  regions: readonly RegionRecord[],
): readonly RegionRecord[] {
  return regions.filter((region) => own.some(({ name }) => name === region.name));
}

/** A longer history loses entries from its middle. */
const MOST_ENTRIES = 200;
const FIRST_ENTRIES = 20;

/** Adds an entry. Of several waits in a row only the latest stays. */
export function withEntry(
  history: OperationRecord["history"],
  entry: OperationRecord["history"][number],
): OperationRecord["history"] {
  const last = history.at(-1);
  if (last?.state === "Waiting" && entry.state === "Waiting")
    return [...history.slice(0, -1), entry];
  return history.length < MOST_ENTRIES
    ? [...history, entry]
    : [...history.slice(0, FIRST_ENTRIES), ...history.slice(FIRST_ENTRIES + 1), entry];
}

/** The message of the present step; none in a final state. */
export function stepMessage(
  record: TrackedRecord,
  operation: OperationRecord,
  context: Pick<TransitionContext, "kinds">,
): Effect[] {
  const { queue } = stateOf(context, { record, operation });
  if (queue === undefined) return [];
  const again = record.resends === 0 ? "" : `.${record.resends}`;
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

/** An event of one operation as an effect. Its id is derived from `eventKey`. */
export function event<Type extends EventType>(
  operation: Pick<OperationRecord, "id" | "resourceId" | "traceparent">,
  context: Pick<TransitionContext, "now" | "eventSource">,
  type: Type,
  eventKey: string,
  data: OperationEventData<Type>,
): Effect {
  return {
    kind: "event",
    event: operationEvent(
      {
        source: context.eventSource,
        operationId: operation.id,
        subject: operation.resourceId,
        time: context.now.toISOString(),
        traceparent: operation.traceparent,
      },
      type,
      eventKey,
      data,
    ),
  };
}

/**
 * One event for each operation that has begun; if the event is about a region, only for those that
 * have the region.
 */
export function events<Type extends EventType>(
  pair: Pair<TrackedRecord>,
  context: TransitionContext,
  type: Type,
  eventKey: string,
  data: OperationEventData<Type>,
): Effect[] {
  return operationsOf(pair)
    .filter(
      ({ regions }) => !("region" in data) || regions.some(({ name }) => name === data.region),
    )
    .map((one) => event(one, context, type, eventKey, data));
}
