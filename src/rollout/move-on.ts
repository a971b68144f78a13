/**
 * What may open or close a gate is acted on at once: a result that is stored, an operation on the version or a test of it that has
 * ended.
 * Invariant: nothing depends on it. What is cut off here, or comes twice, the timer looks at like anything else that is held back
 * (roll-out.ts): a version is listed for that before a result of it is stored.
 */
import { orNone } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { MACHINE_TEST_EVENT } from "../events/machine-test-events.js";
import { testedRow, ruleIn } from "../image-version/index.js";
import type { EventPublisher } from "../operation/ports.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import type { RolloutDependencies } from "./ports.js";
import { lookAfter } from "./roll-out.js";

/**
 * A result of the version is about to be stored: lists one that waits for tests, or has, to be looked after, and answers its id;
 * undefined for any other.
 */
export async function expectResult(
  { imageVersions: { store, index } }: RolloutDependencies,
  versionId: string,
): Promise<string | undefined> {
  if (parseImageVersionId(versionId) === undefined) return undefined;
  const record = await store.readRecord(keyOf(versionId));
  if (record === undefined || (ruleIn(record)?.when ?? "manual") === "manual") return undefined;
  await index.put([testedRow(record.resourceId)]); // Invariant 3 of roll-out.ts: it may be over, and begin anew.
  return record.resourceId;
}

/** Throws only where the version cannot be listed to be looked after. */
export async function moveOn(
  deps: RolloutDependencies,
  versionId: string,
  traceparent: string,
): Promise<void> {
  const resourceId = await expectResult(deps, versionId);
  if (resourceId === undefined) return;
  // Where it fails, the timer comes to it.
  await orNone(lookAfter(deps, resourceId, traceparent));
}

/** Takes the step of a message that publishes to `events`, and then moves on the versions whose operations have ended by it. */
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
  const bySubject = new Map(ends.map((end) => [end.subject, end]));
  for (const { subject, traceparent } of bySubject.values())
    if (subject !== undefined && traceparent !== undefined)
      await moveOn(deps, subject, traceparent);
}

/** Of operations on a version, and of its tests. */
const ENDS: readonly string[] = [
  IMAGE_VERSION_EVENT.promoted,
  IMAGE_VERSION_EVENT.demoted,
  IMAGE_VERSION_EVENT.completed,
  IMAGE_VERSION_EVENT.failed,
  IMAGE_VERSION_EVENT.canceled,
  MACHINE_TEST_EVENT.tested,
  MACHINE_TEST_EVENT.failed,
  MACHINE_TEST_EVENT.canceled,
];
