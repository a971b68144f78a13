/**
 * What is told of a rollout, and what is kept of it: since when each of its waves has the version, what has stopped it, which copies
 * are others by now. Invariants:
 *  1. What was told is in the record that says so: both are one write, while no operation works on the version. Where another has
 *     written the record since it was read, nothing is told: whoever comes next looks again.
 *  2. Each event has an id that is made of its fact, so that it may be sent twice.
 */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { EventData, EventType } from "../events/documented-event.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import type { StoredVersion } from "../image-version/ports.js";
import { targetRegionsOf } from "../image-version/properties/canonical-form.js";
import { isExcluded, type Look } from "../image-version/resources.js";
import { telling } from "../image-version/state/at-rest.js";
import { wavesIn, withWaves } from "../image-version/state/held.js";
import type { ImageVersionRecord } from "../image-version/state/record.js";
import { copiesAfter } from "../image-version/state/see.js";
import { openRow } from "../operation/catalog.js";
import { deliver, isStateConflict } from "../operation/outbox.js";
import type { OperationRecord } from "../operation/records.js";
import { canonicalRegion } from "../resource-id.js";
import type { Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { isByRollout } from "./requested-by.js";
import { overruledTime, sinceOf, type Decisions } from "./situation.js";

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
      { failed: [...failed], message },
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
  { message, wave }: Decision,
  traceparent: string,
): Promise<Told> {
  const { resourceId, rollout } = stored.record;
  // Waves that a rule begins anew are told anew.
  const begun = rollout?.waves?.[0] ?? [];
  const fact = [...lifeOf(stored.record, look), begun, wave ?? 0, message];
  return tellOnce(
    deps,
    stored,
    eventOf(
      deps,
      resourceId,
      traceparent,
      IMAGE_VERSION_EVENT.rolloutHalted,
      `rollout-halted/${hashOf(fact)}`,
      { failed: [], message },
    ),
  );
}

/** What a look shows: the waves that have the version, and that it was taken back. Answers what is stored then. */
export async function tellReached(
  deps: RolloutDependencies,
  stored: StoredVersion,
  look: Look,
  decisions: Decisions,
  traceparent: string,
): Promise<Told> {
  const noted = await tellWaves(deps, stored, look, decisions, traceparent);
  const { last } = decisions;
  if (
    noted === undefined ||
    last?.kind !== "DemoteImageVersion" ||
    last.status !== "Succeeded" ||
    !isByRollout(last) ||
    !isExcluded(look.resource)
  )
    return noted;
  const { record } = noted;
  const { rollout } = record;
  const event = eventOf(
    deps,
    record.resourceId,
    traceparent,
    IMAGE_VERSION_EVENT.rolledBack,
    `rolled-back/${hashOf([...lifeOf(record, look), last.id])}`,
    { operationId: last.id },
  );
  // Told by an earlier release.
  if (rollout?.rolledBack === last.id || rollout?.told === event.id)
    return noted;
  const after = { ...record, rollout: { ...rollout, rolledBack: last.id } };
  return committed(deps, { ...noted, record: after }, [event]);
}

async function tellWaves(
  deps: RolloutDependencies,
  stored: StoredVersion,
  look: Look,
  decisions: Decisions,
  traceparent: string,
): Promise<Told> {
  const { record } = stored;
  const seen = withRefusals(
    { ...record, ...copiesAfter(record, look) },
    decisions,
  );
  if (
    isDeepStrictEqual(
      withWaves(seen, look, () => look.time),
      record,
    )
  )
    return stored;
  const after = withOverruled(seen, look, decisions.carriedOut);
  const waves = wavesIn(record, look) ?? [];
  const before = record.rollout?.waves ?? [];
  const there = targetRegionsOf(look.resource).map(({ name }) =>
    canonicalRegion(name),
  );
  const events = (after.rollout?.waves ?? []).flatMap((time, i) => {
    const regions = (waves[i]?.regions ?? []).filter((region) =>
      there.includes(region),
    );
    return time === null || time === before[i] || regions.length === 0
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
  return committed(deps, { ...stored, record: after }, events);
}

function withRefusals(
  record: ImageVersionRecord,
  { refused, undoing }: Decisions,
): ImageVersionRecord {
  const {
    refused: refusedBefore,
    undoing: undoingBefore,
    ...rollout
  } = record.rollout ?? {};
  return isDeepStrictEqual([refusedBefore, undoingBefore], [refused, undoing])
    ? record
    : {
        ...record,
        rollout: {
          ...rollout,
          ...(refused && { refused }),
          ...(undoing && { undoing }),
        },
      };
}

/** Also until when a person has overruled what had failed, of the last wave that has the version. */
function withOverruled(
  record: ImageVersionRecord,
  look: Look,
  promotion: OperationRecord | undefined,
): ImageVersionRecord {
  const after = withWaves(record, look, (wave) =>
    sinceOf(record, look, wave, promotion),
  );
  if (after.rollout === undefined) return after;
  const { overruledTime: _, ...rollout } = after.rollout;
  const last = (rollout.waves ?? []).findLastIndex((time) => time !== null);
  const overruled = overruledTime(record, last, promotion);
  return {
    ...after,
    rollout: {
      ...rollout,
      ...(overruled !== undefined && { overruledTime: overruled }),
    },
  };
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

/** Invariant 1. */
async function committed(
  { imageVersions }: RolloutDependencies,
  changed: StoredVersion,
  events: readonly CloudEvent[],
): Promise<Told> {
  const { record, operation } = telling(
    changed,
    events.map((event) => ({ kind: "event", event })),
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
