/**
 * Publishes the events of a rollout, and stores since when each wave has the version and what
 * stopped it. Invariants:
 *  1. One write stores an event and the record of it, while no operation works on the version. If
 *     the record changed since it was read, nothing is published, and the next run checks again.
 *  2. The id of each event is built from its fact, so it may be sent twice.
 */
import { whatToDo } from "../conditions/conditions.js";
import type { EventData, EventType } from "../events/documented-event.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { keyedEvent } from "../events/operation-event.js";
import {
  commitUnlessWritten,
  latestIn,
  isPaused,
  ruleIn,
  telling,
  type StoredVersion,
  type Look,
} from "../image-version/index.js";
import { closing } from "../operation/advance.js";
import type { Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { isByRollout, lastOfLatest } from "./last-operations.js";
import { wavesOf, waveTimes } from "./gates.js";

/** The stored version now; undefined if the record changed meanwhile. */
type Told = StoredVersion | undefined;

/** A version, a look at it, and where its events go. */
export interface Telling {
  readonly stored: StoredVersion;
  readonly look: Look;
  readonly traceparent: string;
}

/** Reports what blocks the version, or that it waits for a person; once for each reason. */
export function tellStopped(
  deps: RolloutDependencies,
  seen: Telling,
  { state, gate, message }: Decision,
): Promise<Told> {
  const { resourceId, rollout } = seen.stored.record;
  const failed = state === "Halted" ? gate.failed : [];
  // Report waves again if a rule starts them again.
  const why = failed.length > 0 ? failed : (rollout?.waves?.[0] ?? []);
  const event = eventOf(
    deps,
    seen,
    IMAGE_VERSION_EVENT.rolloutHalted,
    ["rollout-halted", why, message],
    {
      failed: [...failed],
      message,
      whatToDo: whatToDo("NeedsAttention", resourceId, undefined, state),
    },
  );
  return tellOnce(deps, seen.stored, event);
}

/**
 * Reports the waves that have the version according to a look, and whether it was rolled back.
 * Returns what is stored then.
 */
export async function tellReached(deps: RolloutDependencies, seen: Telling): Promise<Told> {
  const stored = await tellWaves(deps, seen);
  if (stored === undefined) return undefined;
  const operation = await lastOfLatest(deps.imageVersions, stored.record);
  if (
    operation?.kind !== "DemoteImageVersion" ||
    operation.status !== "Succeeded" ||
    !isByRollout(operation) ||
    latestIn(seen.look.resource).length > 0
  )
    return stored;
  const { id: operationId } = operation;
  const event = eventOf(deps, seen, IMAGE_VERSION_EVENT.rolledBack, ["rolled-back", operationId], {
    operationId,
  });
  return tellOnce(deps, stored, event);
}

async function tellWaves(deps: RolloutDependencies, seen: Telling): Promise<Told> {
  const { stored, look } = seen;
  const { record } = stored;
  // A change by others is not a wave.
  if (isPaused(record)) return stored;
  const waves = wavesOf(ruleIn(record), look, record);
  const before = record.rollout?.waves ?? [];
  const times = waveTimes(waves, record.rollout, look);
  if (times.length === before.length) return stored;
  const events = times.flatMap((time, i) => {
    const { regions = [] } = waves[i] ?? {};
    if (time === before[i] || regions.length === 0) return [];
    return eventOf(deps, seen, IMAGE_VERSION_EVENT.wavePromoted, ["wave-promoted", i, time], {
      wave: i + 1,
      waves: waves.length,
      regions: [...regions],
    });
  });
  const after = { ...record, rollout: { ...record.rollout, waves: times } };
  return committed(deps, { ...stored, record: after }, events);
}

async function tellOnce(
  deps: RolloutDependencies,
  stored: StoredVersion,
  event: CloudEvent,
): Promise<Told> {
  const { record } = stored;
  if (record.rollout?.waitsEventId === event.id) return stored;
  const rollout = { ...record.rollout, waitsEventId: event.id };
  const after = { ...stored, record: { ...record, rollout } };
  return committed(deps, after, [event]);
}

/** Records that it no longer waits for a person. */
export async function tellNothing(deps: RolloutDependencies, stored: StoredVersion): Promise<Told> {
  const { waitsEventId, ...rollout } = stored.record.rollout ?? {};
  return waitsEventId === undefined
    ? stored
    : committed(deps, { ...stored, record: { ...stored.record, rollout } }, []);
}

/** Invariant 1. */
function committed(
  { imageVersions }: RolloutDependencies,
  changed: StoredVersion,
  events: readonly CloudEvent[],
): Promise<Told> {
  const pair = telling(changed, [
    ...events.map((event) => ({ kind: "event" as const, event })),
    closing(changed.operation.id),
  ]);
  return commitUnlessWritten(imageVersions, pair, changed);
}

/** Invariant 2. `fact`: its name in the id, and what distinguishes it within this life. */
function eventOf<Type extends EventType>(
  { imageVersions: { eventSource, now } }: RolloutDependencies,
  { stored, look, traceparent }: Telling,
  type: Type,
  [name, ...eventKey]: readonly [string, ...unknown[]],
  data: EventData<Type>,
): CloudEvent {
  const { resourceId: subject } = stored.record;
  const time = now().toISOString();
  return keyedEvent(
    { source: eventSource, subject, time, traceparent },
    type,
    name,
    [subject.toLowerCase(), look.publishedDate, ...eventKey],
    data,
  );
}
