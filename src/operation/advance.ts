/**
 * How a transition is written down: the part that all state machines share. Each is pure: a stored state and something
 * that happened give the next state, and in it everything that must be told because of it. Invariants:
 *  1. Whatever a transition causes (events, messages, index rows) is in the outbox of the very record that states it:
 *     one write, so neither exists without the other.
 *  2. Every transition but `wake` and those of a single member (members.ts) raises `step` by one, and only the message of
 *     the current step may cause the next.
 *  3. A state that is not final always has a message for its step: in the outbox, in the queue, or found overdue.
 *  4. Final states are left only by a new operation.
 *  5. Operations that have begun share the record's state; each has its own regions, history, events and end.
 *  6. An operation that is not over says what it waits for and when it goes on. One that waits longer than
 *     `pace.operationStalledMs` is told once, and once more when it goes on.
 */
import type { EventType } from "../events/documented-event.js";
import {
  operationEvent,
  type EventContent,
  type OperationEventData,
} from "../events/operation-event.js";
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

/** What one transition changes, says and causes. */
export interface Advance<R extends TrackedRecord> {
  readonly patch: Partial<R>;
  readonly operation?: Partial<OperationRecord>;
  /** History entry; the state's own name unless `state` says otherwise. */
  readonly message?: string;
  readonly state?: string;
  /** The operations that the message is said of; absent: all that have begun. */
  readonly concerns?: readonly string[];
  /** What is waited for until the next step. */
  readonly waits?: string;
  /** It gets on, though there is nothing new to say: it has not waited in vain. */
  readonly resumes?: boolean;
  /** Until the next step; absent in a final state. */
  readonly waitMs?: number;
  readonly effects?: readonly Effect[];
  /** In a final state, where operations end each in its own way. */
  readonly ending?: (operation: OperationRecord) => OperationEnd;
}

/** How one operation ends. */
export interface OperationEnd {
  readonly status: Extract<OperationStatus, "Succeeded" | "Failed" | "Canceled">;
  readonly message: string;
  readonly error?: OperationFailure;
  readonly canceledBy?: Requester;
  readonly event: Effect;
}

/** The one way a transition is made: step, due time, status, history and outbox follow from the change. */
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
    // Invariant 1: what is not yet told stays in front of what is new.
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

/** It does not go on waiting: something new has happened, or is said to. */
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

/** An operation without what it waited for, what it waits for now, and what is to be told of that. Invariant 6. */
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
  const { waitReason: _, nextAttemptTime: __, ...rest } = before;
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

/** `beside` of a pair that has changed these operations too. */
export function written(
  { beside = [] }: Pick<Pair<TrackedRecord>, "beside">,
  operations: readonly OperationRecord[],
): Pick<Pair<TrackedRecord>, "beside"> {
  const ids = operations.map(({ id }) => id);
  const all = [...beside.filter(({ id }) => !ids.includes(id)), ...operations];
  return all.length > 0 ? { beside: all } : {};
}

/** The pair with what `change` makes of each operation that has begun. */
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

/** Nothing more is to be told of an operation. */
export function closing(operationId: string): Effect {
  return { kind: "close", operationId };
}

/** An operation after a transition of the record, and what it causes for this one. */
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
  // What has begun is not taken back, though it may have to wait again.
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

/** Those of a record's regions that an operation is about. */
export function regionsOf(
  { regions: own }: Pick<OperationRecord, "regions">,
  regions: readonly RegionRecord[],
): readonly RegionRecord[] {
  return regions.filter((region) => own.some(({ name }) => name === region.name));
}

/** A history that is longer than this loses entries from its middle. */
const MOST_ENTRIES = 200;
const FIRST_ENTRIES = 20;

/** Waiting may take long: only the latest of several waits in a row is history. */
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

/** An event of one operation as an effect; `eventKey` makes its id. */
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

/** An event of each operation that is done: of each that has the region, where the event is about one. */
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
