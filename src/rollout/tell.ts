/**
 * What is told of a rollout, and what is kept of it: since when each of its waves has the version, what has stopped it. Invariants:
 *  1. What was told is in the record that says so: both are one write, while no operation works on the version. Where another has
 *     written the record since it was read, nothing is told: whoever comes next looks again.
 *  2. Each event has an id that is made of its fact, so that it may be sent twice.
 */
import { createHash } from "node:crypto";
import { whatToDo } from "../conditions/conditions.js";
import type { EventData, EventType } from "../events/documented-event.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import type { StoredVersion } from "../image-version/ports.js";
import { latestIn } from "../image-version/latest/flags.js";
import type { Look } from "../image-version/resources.js";
import { isPaused, ruleIn } from "../image-version/state/fold.js";
import type { ImageVersionRecord } from "../image-version/state/record.js";
import { telling } from "../image-version/state/told.js";
import { closing } from "../operation/advance.js";
import { openRow } from "../operation/catalog.js";
import { deliver, isStateConflict } from "../operation/outbox.js";
import type { Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { isByRollout, lastOfLatest } from "./last-operations.js";
import { regionsOfWave, wavesOf, waveTimes } from "./waves.js";

/** What is stored now; undefined where another has written the record. */
type Told = StoredVersion | undefined;

/** What holds the version back, or that it waits for a person: once for each reason. */
export function tellStopped(
  deps: RolloutDependencies,
  stored: StoredVersion,
  look: Look,
  { state, gate, message }: Decision,
  traceparent: string,
): Promise<Told> {
  const { resourceId, rollout } = stored.record;
  const failed = state === "Halted" ? gate.failed : [];
  // Waves that a rule begins anew are told anew.
  const why =
    failed.length > 0 ? [failed] : [rollout?.waves?.[0] ?? [], message];
  return tellOnce(
    deps,
    stored,
    eventOf(
      deps,
      resourceId,
      traceparent,
      IMAGE_VERSION_EVENT.rolloutHalted,
      `rollout-halted/${hashOf([...lifeOf(stored.record, look), ...why])}`,
      {
        failed: [...failed],
        message,
        whatToDo: whatToDo("NeedsAttention", resourceId),
      },
    ),
  );
}

/** What a look shows: the waves that have the version, and that it was taken back. Answers what is stored then. */
export async function tellReached(
  deps: RolloutDependencies,
  stored: StoredVersion,
  look: Look,
  traceparent: string,
): Promise<Told> {
  const noted = await tellWaves(deps, stored, look, traceparent);
  if (noted === undefined) return undefined;
  const { record } = noted;
  const operation = await lastOfLatest(deps.imageVersions, record);
  if (
    operation?.kind !== "DemoteImageVersion" ||
    operation.status !== "Succeeded" ||
    !isByRollout(operation) ||
    latestIn(look.resource).length > 0
  )
    return noted;
  return tellOnce(
    deps,
    noted,
    eventOf(
      deps,
      record.resourceId,
      traceparent,
      IMAGE_VERSION_EVENT.rolledBack,
      `rolled-back/${hashOf([...lifeOf(record, look), operation.id])}`,
      { operationId: operation.id },
    ),
  );
}

async function tellWaves(
  deps: RolloutDependencies,
  stored: StoredVersion,
  look: Look,
  traceparent: string,
): Promise<Told> {
  const { record } = stored;
  // What others have changed is no wave.
  if (isPaused(record)) return stored;
  const waves = wavesOf(ruleIn(record)) ?? [];
  const before = record.rollout?.waves ?? [];
  const times =
    latestIn(look.resource).length > 0
      ? waveTimes(waves, record.rollout, look)
      : [];
  if (times.length === before.length) return stored;
  const events = times.flatMap((time, i) => {
    const wave = waves[i];
    const regions = wave === undefined ? [] : regionsOfWave(wave, look);
    return time === before[i] || regions.length === 0
      ? []
      : [
          eventOf(
            deps,
            record.resourceId,
            traceparent,
            IMAGE_VERSION_EVENT.wavePromoted,
            `wave-promoted/${hashOf([...lifeOf(record, look), i, time])}`,
            { wave: i + 1, waves: waves.length, regions },
          ),
        ];
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
  if (record.rollout?.told === event.id) return stored;
  const rollout = { ...record.rollout, told: event.id };
  return committed(deps, { ...stored, record: { ...record, rollout } }, [
    event,
  ]);
}

/** Invariant 1. */
async function committed(
  { imageVersions }: RolloutDependencies,
  changed: StoredVersion,
  events: readonly CloudEvent[],
): Promise<Told> {
  const told = events.map((event) => ({ kind: "event" as const, event }));
  const { record, operation } = telling(
    changed,
    told.length === 0 ? [] : [...told, closing(changed.operation.id)],
  );
  // Whoever dies after the write leaves it to the reconciler to tell.
  if (events.length > 0) await imageVersions.index.put([openRow(operation.id)]);
  try {
    const stored = await imageVersions.store.commit(record, operation, changed);
    return await deliver(imageVersions, stored);
  } catch (error) {
    if (isStateConflict(error)) return undefined;
    throw error;
  }
}

function lifeOf(
  { resourceId }: ImageVersionRecord,
  { publishedDate }: Look,
): readonly unknown[] {
  return [resourceId.toLowerCase(), publishedDate];
}

function eventOf<Type extends EventType>(
  { imageVersions: { eventSource, now } }: RolloutDependencies,
  subject: string,
  traceparent: string,
  type: Type,
  id: string,
  data: EventData<Type>,
): CloudEvent {
  return {
    specversion: "1.0",
    id,
    source: eventSource,
    type,
    subject,
    time: now().toISOString(),
    datacontenttype: "application/json",
    traceparent,
    data,
  };
}

function hashOf(fact: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(fact))
    .digest("hex")
    .slice(0, 32);
}
