/**
 * Reacts at once to whatever may open or close a gate: a stored result, or the end of an operation
 * on the version or of its test.
 * Invariant: nothing depends on it. If it is cut off or runs twice, the timer (roll-out.ts) still
 * checks the version, because the version is listed before its result is stored.
 */
import { orNone } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { MACHINE_TEST_EVENT } from "../events/machine-test-events.js";
import { ruleIn } from "../image-version/index.js";
import { testedRow } from "../listings.js";
import type { EventPublisher } from "../operation/ports.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import type { RolloutDependencies } from "./ports.js";
import { lookAfter } from "./roll-out.js";

/**
 * Prepares for a result that is about to be stored. Lists the version for the timer if it waits for
 * tests, or did, and returns its id; undefined for any other version.
 */
export async function expectResult(
  { imageVersions: { store, index } }: RolloutDependencies,
  versionId: string,
): Promise<string | undefined> {
  if (parseImageVersionId(versionId) === undefined) return undefined;
  const record = await store.readRecord(keyOf(versionId));
  if (record === undefined || (ruleIn(record)?.when ?? "manual") === "manual") return undefined;
  await index.put([testedRow(record.resourceId)]); // Invariant 3 of roll-out.ts: a finished rollout may start again.
  return record.resourceId;
}

/** Throws only if the version cannot be listed for the timer. */
export async function moveOn(
  deps: RolloutDependencies,
  versionId: string,
  traceparent: string,
): Promise<void> {
  const resourceId = await expectResult(deps, versionId);
  if (resourceId === undefined) return;
  // If this fails, the timer tries again.
  await orNone(lookAfter(deps, resourceId, traceparent));
}

/**
 * Takes the step of a message and publishes to `events`. Then moves on each version with an
 * operation that this step ended.
 */
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

/** The events that end an operation on a version or a test of it. */
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
