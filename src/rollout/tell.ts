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
import {
  latestIn,
  isPaused,
  ruleIn,
  telling,
  type StoredVersion,
  type Look,
  type ImageVersionRecord,
} from "../image-version/index.js";
import { closing } from "../operation/advance.js";
import { openRow } from "../operation/catalog.js";
import { deliver, isStateConflict } from "../operation/outbox.js";
import type { Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { lastOfLatest } from "./last-operations.js";
import { isByRollout } from "./requested-by.js";
import { regionsOfWave, wavesOf, waveTimes } from "./waves.js";

/** What is stored now; undefined where another has written the record. */
type Told = StoredVersion | undefined;

/** What holds the version back. */
export function tellHalt(
  deps: RolloutDependencies,
  stored: StoredVersion,
  look: Look,
  { gate: { failed }, message }: Decision,
  traceparent: string,
): Promise<Told> {
  const { resourceId } = stored.record;
  return tellOnce(
    deps,
    stored,
    eventOf(
      deps,
      resourceId,
      traceparent,
      IMAGE_VERSION_EVENT.rolloutHalted,
      `rollout-halted/${hashOf([...lifeOf(stored.record, look), failed])}`,
      {
        failed: [...failed],
        message,
        whatToDo: whatToDo("NeedsAttention", resourceId),
      },
    ),
    failed
      .map(({ time }) => time)
      .sort((one, other) => Date.parse(one) - Date.parse(other))
      .at(-1),
  );
}

/** That it waits for a person: once for each reason. */
export function tellAttention(
  deps: RolloutDependencies,
  stored: StoredVersion,
  look: Look,
  { message }: Decision,
  traceparent: string,
): Promise<Told> {
  const { resourceId, rollout } = stored.record;
  // Waves that a rule begins anew are told anew.
  const begun = rollout?.waves?.[0] ?? [];
  const fact = [...lifeOf(stored.record, look), begun, message];
  return tellOnce(
    deps,
    stored,
    eventOf(
      deps,
      resourceId,
      traceparent,
      IMAGE_VERSION_EVENT.rolloutHalted,
      `rollout-halted/${hashOf(fact)}`,
      {
        failed: [],
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
  failedTime?: string,
): Promise<Told> {
  const { record } = stored;
  if (record.rollout?.told === event.id) return stored;
  const rollout = {
    ...record.rollout,
    told: event.id,
    ...(failedTime !== undefined && { failedTime }),
  };
  return committed(deps, { ...stored, record: { ...record, rollout } }, [
    event,
  ]);
}

/** It waits for nobody any more. */
export async function tellNothing(
  deps: RolloutDependencies,
  stored: StoredVersion,
): Promise<Told> {
  const { told, ...rollout } = stored.record.rollout ?? {};
  return told === undefined
    ? stored
    : committed(deps, { ...stored, record: { ...stored.record, rollout } }, []);
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
