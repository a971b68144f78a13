/**
 * What may open a gate is acted on at once: a result that is stored, an operation on the version that has ended. Invariant: nothing
 * depends on it. What is cut off here, or comes twice, the timer looks at like anything else that is held back (roll-out.ts).
 */
import { ServiceError } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { testedRow } from "../image-version/listings.js";
import { presentRule } from "../image-version/state/wanted.js";
import type { EventPublisher } from "../operation/ports.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import type { RolloutDependencies } from "./ports.js";
import { lookAfter } from "./roll-out.js";

/** Throws only where the version cannot be listed to be looked after. */
export async function moveOn(
  deps: RolloutDependencies,
  versionId: string,
  traceparent: string,
): Promise<void> {
  if (parseImageVersionId(versionId) === undefined) return;
  const { store, index } = deps.imageVersions;
  const record = await store.readRecord(keyOf(versionId));
  const when = record && presentRule(record)?.when;
  if (record === undefined || (when !== "tested" && when !== "waves")) return;
  await index.put([testedRow(record.resourceId)]); // Invariant 3 of roll-out.ts: it may be over, and begin anew.
  try {
    await lookAfter(deps, record.resourceId, traceparent);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error; // The timer comes to it.
  }
}

/** Takes a step that publishes to `events`, and then moves on the versions whose operations have ended by it. */
export async function takeAndMoveOn(
  deps: RolloutDependencies,
  events: EventPublisher,
  take: (events: EventPublisher) => Promise<void>,
): Promise<void> {
  const ends: CloudEvent[] = [];
  await take({
    async publish(published) {
      await events.publish(published);
      ends.push(...published.filter(({ type }) => ENDS.includes(type)));
    },
  });
  for (const [i, { subject, traceparent }] of ends.entries())
    if (
      subject !== undefined &&
      traceparent !== undefined &&
      ends.findIndex((end) => end.subject === subject) === i
    )
      await moveOn(deps, subject, traceparent);
}

/** Of operations on a version. */
const ENDS: readonly string[] = [
  IMAGE_VERSION_EVENT.promoted,
  IMAGE_VERSION_EVENT.demoted,
  IMAGE_VERSION_EVENT.completed,
  IMAGE_VERSION_EVENT.failed,
  IMAGE_VERSION_EVENT.canceled,
];
