/**
 * The state machine of one subscription's preparation. Pure: the stored state and an event give the
 * next state, with everything to report because of it.
 *
 *   Requested ──not all Registered──▶ Registering ──all Registered, every feature propagated──▶ Succeeded
 *      │  └───────────────────────all Registered───────────────────────────────────────────────▶ │
 *      └──refused, or unknown to Azure──┴──▶ Failed
 *
 * Invariants, in addition to those of every transition (operation/advance.ts):
 *  1. A feature that was seen unregistered is marked before its registration is requested. The mark
 *     is removed when its provider was registered after the feature was seen Registered. It
 *     survives an operation that ends before that.
 *  2. An operation becomes Succeeded only after a look in which everything is Registered and no
 *     feature is marked.
 *  3. Each state of a registration is reported once, as an event and a history entry, however often
 *     it comes back, so the record stays small.
 *  4. The operation's registrations are those of the record.
 */
import { createHash } from "node:crypto";
import { SUBSCRIPTION_EVENT } from "../events/subscription-events.js";
import { indexed } from "../operation/catalog.js";
import { advance, event } from "../operation/advance.js";
import type { TransitionContext } from "../operation/ports.js";
import {
  type Pair,
  newRecord,
  operationIdOf,
  type Effect,
  type OperationRecord,
  type Requester,
} from "../operation/records.js";
import { nextSequence } from "../operation/sequence.js";
import { pollDelayMs } from "../operation/waiting.js";
import { nameOf, type Registrable, type RegistrationState } from "./ports.js";
import type { PreparationRecord, RegistrationRecord, Registrations } from "./records.js";

export type PreparationPair = Pair<PreparationRecord>;

/**
 * States by a registration's name, as ARM just returned them. Those that ARM does not return are
 * absent.
 */
export type ObservedStates = ReadonlyMap<string, RegistrationState>;

/** Accepts the request. `previous` is a preparation that has ended and is fully reported. */
export function accept(
  input: {
    readonly key: string;
    readonly resourceId: string;
    readonly required: readonly Registrable[];
    readonly requestedBy: Requester;
    readonly traceparent: string;
    readonly requestKey?: string;
  },
  previous: PreparationRecord | undefined,
  context: TransitionContext,
): PreparationPair {
  const time = context.now.toISOString();
  const registrations = input.required.map((what): RegistrationRecord => ({
    ...what,
    name: nameOf(what),
    state: "Unknown",
    seen: [],
  }));
  const names = registrations.map(({ name }) => name);
  const record: PreparationRecord = {
    ...newRecord(
      {
        key: input.key,
        resourceId: input.resourceId,
        state: "Requested",
        sequence: nextSequence(previous, context.now),
      },
      time,
      previous?.createdTime,
    ),
    registrations,
    // Invariant 1: what the previous operation left undone is still to be done.
    unpropagated: (previous?.unpropagated ?? []).filter((name) => names.includes(name)),
  };
  const operation: OperationRecord = {
    id: operationIdOf(record),
    kind: "PrepareSubscription",
    status: "NotStarted",
    resourceId: input.resourceId,
    fingerprint: createHash("sha256").update(JSON.stringify(names)).digest("hex"),
    createdTime: time,
    lastUpdatedTime: time,
    requestedBy: input.requestedBy,
    traceparent: input.traceparent,
    ...(input.requestKey !== undefined && { requestKey: input.requestKey }),
    regions: [],
    detail: statesOf(record),
    history: [],
  };
  return advance({ record, operation }, context, {
    patch: { state: "Requested" },
    message: "Sigil stored the request and queued its work.",
    effects: [
      indexed(operation, context),
      event(operation, context, SUBSCRIPTION_EVENT.preparationRequested, "requested", {
        requestedBy: input.requestedBy,
        registrations: names,
      }),
    ],
  });
}

/**
 * What to register in this state: everything unregistered, and the providers of marked features.
 */
export function toRegister(record: PreparationRecord): readonly RegistrationRecord[] {
  const propagating = record.registrations
    .filter(({ name, state }) => state === "Registered" && record.unpropagated.includes(name))
    .map(({ namespace }) => namespace);
  return record.registrations.filter(
    ({ namespace, feature, state }) =>
      isUnregistered(state) ||
      (feature === undefined && propagating.includes(namespace) && state !== "Unregistering"),
  );
}

/** Applies one look at the registrations. `toRegister` then has the requests to make. */
export function observe(
  pair: PreparationPair,
  states: ObservedStates,
  context: TransitionContext,
): PreparationPair {
  const look = see(pair, states, context);
  const asked = toRegister(look.pair.record);
  if (asked.length === 0) return follow(look, context);
  return advance(look.pair, context, {
    patch: {
      state: "Registering",
      ticks: look.news.length > 0 ? 0 : pair.record.ticks,
    },
    operation: { detail: statesOf(look.pair.record) },
    // A registration refused for days is requested often. An entry for each request would only make
    // the record grow.
    ...(look.news.length > 0 && {
      message: [...look.news, ...asked.map(request)].join(" "),
    }),
    effects: look.effects,
    // If this process dies with the calls in flight, the next step comes when they cannot be any
    // more.
    waitMs: context.pace.putTimeoutMs * 2,
  });
}

/** Applies ARM's answers to the registration of `asked`. */
export function followRegistrations(
  pair: PreparationPair,
  asked: readonly Registrable[],
  states: ObservedStates,
  context: TransitionContext,
): PreparationPair {
  const providers = asked
    .filter(({ feature }) => feature === undefined)
    .map(({ namespace }) => namespace);
  // Invariant 1: Registered before the call, not by it.
  const propagated = pair.record.registrations
    .filter(({ namespace, state }) => state === "Registered" && providers.includes(namespace))
    .map(({ name }) => name);
  const unpropagated = pair.record.unpropagated.filter((name) => !propagated.includes(name));
  return follow(
    see({ ...pair, record: { ...pair.record, unpropagated } }, states, context),
    context,
  );
}

interface Look {
  readonly pair: PreparationPair;
  /** A sentence for each state not seen before. */
  readonly news: readonly string[];
  readonly effects: readonly Effect[];
}

function see(pair: PreparationPair, states: ObservedStates, context: TransitionContext): Look {
  const looks = pair.record.registrations.map((before) => {
    const state = states.get(before.name) ?? before.state;
    const isNew = states.has(before.name) && !before.seen.includes(state);
    const now: RegistrationRecord = {
      ...before,
      state,
      ...(isNew && { seen: [...before.seen, state] }),
    };
    return { now, isNew };
  });
  const registrations = looks.map(({ now }) => now);
  const unregistered = registrations
    .filter(({ feature, state }) => feature && state !== "Registered")
    .map(({ name }) => name);
  const unpropagated = [...new Set([...pair.record.unpropagated, ...unregistered])];
  const news = looks.filter(({ isNew }) => isNew).map(({ now }) => now);
  return {
    pair: { ...pair, record: { ...pair.record, registrations, unpropagated } },
    news: news.map(sentence),
    effects: news.flatMap((registration) => told(pair, registration, context)),
  };
}

/** Ends the preparation or sets the time of the next look; there is nothing to request. */
function follow(look: Look, context: TransitionContext): PreparationPair {
  const { record } = look.pair;
  const registrations = statesOf(record);
  const isDone =
    record.unpropagated.length === 0 && registrations.every(({ state }) => state === "Registered");
  if (isDone) {
    return advance(look.pair, context, {
      patch: { state: "Succeeded" }, // Invariant 2.
      operation: { detail: registrations },
      message: `The subscription is prepared. Registered: ${registrations.map(({ name }) => name).join(", ")}.`,
      effects: [
        ...look.effects,
        event(look.pair.operation, context, SUBSCRIPTION_EVENT.prepared, "prepared", {
          registrations,
        }),
      ],
    });
  }
  const ticks = look.news.length > 0 ? 0 : record.ticks + 1;
  return advance(look.pair, context, {
    patch: { state: "Registering", ticks },
    operation: { detail: registrations },
    ...(look.news.length > 0 && { message: look.news.join(" ") }),
    resumes: true,
    effects: look.effects,
    waitMs: pollDelayMs(ticks, context.pace),
  });
}

/** Invariant 3: reports a state not seen before. */
function told(
  pair: PreparationPair,
  { name, state }: RegistrationRecord,
  context: TransitionContext,
): Effect[] {
  if (state === "Registered")
    return [
      event(pair.operation, context, SUBSCRIPTION_EVENT.registered, `${name}/registered`, {
        name,
      }),
    ];
  return isUnderWay(state)
    ? [
        event(
          pair.operation,
          context,
          SUBSCRIPTION_EVENT.registering,
          `${name}/registering/${state}`,
          { name, state },
        ),
      ]
    : [];
}

function sentence({ name, state }: RegistrationRecord): string {
  return state === "Pending"
    ? `${name} is Pending: Microsoft must approve it, which may take days.`
    : `${name} is ${state}.`;
}

function request({ name, state }: RegistrationRecord): string {
  return isUnregistered(state)
    ? `Sigil requested the registration of ${name}.`
    : `${name} is being registered again, so that its features take effect.`;
}

/** Whether it is not Registered and can only wait. Pending awaits Microsoft's approval. */
function isUnderWay(state: string): state is "Registering" | "Pending" {
  return state === "Registering" || state === "Pending";
}

function isUnregistered(state: string): boolean {
  return !isUnderWay(state) && !["Registered", "Unregistering", "Unknown"].includes(state);
}

/** Invariant 4. */
function statesOf(record: PreparationRecord): Registrations {
  return record.registrations.map(({ name, state }) => ({ name, state }));
}
