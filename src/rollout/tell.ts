/** Events of a rollout. Each has an id that is made of its fact, so that it may be sent twice. */
import { createHash } from "node:crypto";
import type { EventData, EventType } from "../events/documented-event.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { targetRegionsOf } from "../image-version/properties/canonical-form.js";
import { isExcluded, type Look } from "../image-version/resources.js";
import { wavesIn } from "../image-version/state/held.js";
import type { ImageVersionRecord } from "../image-version/state/record.js";
import { promotedWaves } from "../image-version/state/waves.js";
import type { IdempotencyClaim } from "../operation/ports.js";
import { operationIdOf } from "../operation/records.js";
import { canonicalRegion } from "../resource-id.js";
import type { Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { isByRollout } from "./requested-by.js";

/** What holds the version back. */
export async function tellHalt(
  { imageVersions }: RolloutDependencies,
  resourceId: string,
  { publishedDate }: { readonly publishedDate: string },
  { gate: { failed }, message }: Decision,
  traceparent: string,
): Promise<void> {
  const fact = hashOf([resourceId.toLowerCase(), publishedDate, failed]);
  await imageVersions.events.publish([
    eventOf(
      imageVersions,
      resourceId,
      traceparent,
      IMAGE_VERSION_EVENT.rolloutHalted,
      `rollout-halted/${fact}`,
      { failed: [...failed], message },
    ),
  ]);
}

/** That it waits for a person: once for each reason. */
export async function tellAttention(
  deps: RolloutDependencies,
  record: ImageVersionRecord,
  look: Look,
  { message, wave }: Decision,
  traceparent: string,
): Promise<void> {
  const fact = hashOf([...lifeOf(record, look), wave ?? 0, message]);
  await tellOnce(
    deps,
    record,
    eventOf(
      deps.imageVersions,
      record.resourceId,
      traceparent,
      IMAGE_VERSION_EVENT.rolloutHalted,
      `rollout-halted/${fact}`,
      { failed: [], message },
    ),
  );
}

/** The waves that have the version, and that it was taken back: at least once, and never again once that is noted. */
export async function tellReached(
  deps: RolloutDependencies,
  record: ImageVersionRecord,
  look: Look,
  traceparent: string,
): Promise<void> {
  const { imageVersions } = deps;
  const { resourceId } = record;
  const waves = wavesIn(record, look);
  if (waves === undefined) return;
  const tell = <Type extends EventType>(
    type: Type,
    fact: string,
    data: EventData<Type>,
  ) =>
    tellOnce(
      deps,
      record,
      eventOf(imageVersions, resourceId, traceparent, type, fact, data),
    );
  const reached = promotedWaves(waves, look.resource) ?? 0;
  const there = targetRegionsOf(look.resource).map(({ name }) =>
    canonicalRegion(name),
  );
  for (const [i, wave] of waves.slice(0, reached).entries()) {
    const regions = wave.regions.filter((region) => there.includes(region));
    if (regions.length > 0)
      await tell(
        IMAGE_VERSION_EVENT.wavePromoted,
        reachedId(record, look, i + 1),
        { wave: i + 1, waves: waves.length, regions },
      );
  }
  if (!isExcluded(look.resource)) return;
  const operationId = operationIdOf(record);
  const last = await imageVersions.store.readOperation(operationId);
  if (
    last?.kind === "DemoteImageVersion" &&
    last.status === "Succeeded" &&
    isByRollout(last)
  )
    await tell(
      IMAGE_VERSION_EVENT.rolledBack,
      `rolled-back/${hashOf([...lifeOf(record, look), operationId])}`,
      { operationId },
    );
}

/** Since when Azure is known to show that so many waves have the version; RFC 3339. Whoever is the first to see it notes that. */
export async function reachedTime(
  deps: RolloutDependencies,
  record: ImageVersionRecord,
  look: Look,
  waves: number,
): Promise<string> {
  const { claimedTime } = await claim(
    deps,
    record,
    reachedId(record, look, waves),
  );
  return claimedTime ?? look.time;
}

async function tellOnce(
  deps: RolloutDependencies,
  record: ImageVersionRecord,
  event: CloudEvent,
): Promise<void> {
  const { events, idempotencyKeys } = deps.imageVersions;
  const { operationId } = await claim(deps, record, event.id);
  if (operationId !== undefined) return;
  await events.publish([event]);
  await idempotencyKeys.bind(hashOf([event.id]), operationIdOf(record));
}

function claim(
  { imageVersions: { idempotencyKeys } }: RolloutDependencies,
  { key }: ImageVersionRecord,
  eventId: string,
): Promise<IdempotencyClaim> {
  return idempotencyKeys.claim(hashOf([eventId]), {
    resourceKey: key,
    fingerprint: eventId,
  });
}

/** Of the event that so many waves have the version. */
function reachedId(
  record: ImageVersionRecord,
  look: Look,
  waves: number,
): string {
  return `wave-promoted/${hashOf([...lifeOf(record, look), waves - 1])}`;
}

function lifeOf(
  { resourceId }: ImageVersionRecord,
  { publishedDate }: Look,
): readonly unknown[] {
  return [resourceId.toLowerCase(), publishedDate];
}

function eventOf<Type extends EventType>(
  {
    eventSource,
    now,
  }: Pick<RolloutDependencies["imageVersions"], "eventSource" | "now">,
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
