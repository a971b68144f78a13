/**
 * What may open or close a gate is acted on at once: a result that is stored, an operation on the version or a test of it that has
 * ended.
 * Invariants:
 *  1. Nothing depends on it. What is cut off here, or comes twice, the timer looks at like anything else that is held back
 *     (roll-out.ts): a version is listed for that before a result of it is stored.
 *  2. A promotion by a rule is sent only after a look at its gate in that very step: what was found since it was accepted counts.
 *     Where that cannot be looked at, or Azure does not show the version as it is, the step is taken later, as any whose look fails.
 */
import { ServiceError } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { MACHINE_TEST_EVENT } from "../events/machine-test-events.js";
import { testedRow } from "../image-version/listings.js";
import { isByResults, isToBeSent } from "../image-version/state/held.js";
import { presentRule } from "../image-version/state/wanted.js";
import { hasEnded } from "../operation/kinds.js";
import type { EventPublisher } from "../operation/ports.js";
import type { OperationRecord } from "../operation/records.js";
import {
  commitStep,
  contextOf,
  currentFor,
  type StepMessage,
} from "../operation/steps.js";
import { wait } from "../operation/waiting.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import type { RolloutDependencies } from "./ports.js";
import { isPromotionByRollout } from "./requested-by.js";
import { lookAfter } from "./roll-out.js";

/** A result of the version is about to be stored. Invariant 1. */
export async function expectResult(
  deps: RolloutDependencies,
  versionId: string,
): Promise<void> {
  await listed(deps, versionId);
}

/** Lists a version that waits for tests, or has, to be looked after, and answers its id; undefined for any other. */
async function listed(
  { imageVersions: { store, index } }: RolloutDependencies,
  versionId: string,
): Promise<string | undefined> {
  if (parseImageVersionId(versionId) === undefined) return undefined;
  const record = await store.readRecord(keyOf(versionId));
  if (record === undefined || !isByResults(presentRule(record)))
    return undefined;
  await index.put([testedRow(record.resourceId)]); // Invariant 3 of roll-out.ts: it may be over, and begin anew.
  return record.resourceId;
}

/** Throws only where the version cannot be listed to be looked after. */
export async function moveOn(
  deps: RolloutDependencies,
  versionId: string,
  traceparent: string,
): Promise<void> {
  const resourceId = await listed(deps, versionId);
  if (resourceId === undefined) return;
  try {
    await lookAfter(deps, resourceId, traceparent);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error; // The timer comes to it.
  }
}

/** Takes the step of a message that publishes to `events`, and then moves on the versions whose operations have ended by it. */
export async function takeAndMoveOn(
  deps: RolloutDependencies,
  events: EventPublisher,
  message: StepMessage,
  take: (events: EventPublisher) => Promise<void>,
): Promise<void> {
  const unsent = await unsentPromotion(deps, message);
  const obstacle = unsent && (await lookAtGate(deps, unsent));
  // Invariant 2. It may have been sent, or canceled, by another meanwhile.
  if (
    obstacle !== undefined &&
    (await unsentPromotion(deps, message)) !== undefined
  )
    return postpone({ ...deps.imageVersions, events }, message, obstacle);
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

/** Why the gate of a promotion could not be looked at. */
interface Obstacle {
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

/** Looks at the gate of a promotion, and does what follows; answers why it could not. */
async function lookAtGate(
  deps: RolloutDependencies,
  { resourceId, traceparent }: OperationRecord,
): Promise<Obstacle | undefined> {
  try {
    const outcome = await lookAfter(deps, resourceId, traceparent);
    if (outcome === "unseen")
      return { message: "Azure does not show the version as it is yet." };
    // It was to be canceled, and may still be there.
    return typeof outcome !== "string" && outcome.kind === "cancel"
      ? outcome
      : undefined;
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
}

/** The promotion by a rule that is to be sent. */
async function unsentPromotion(
  { imageVersions }: RolloutDependencies,
  { operationId }: StepMessage,
): Promise<OperationRecord | undefined> {
  const { store } = imageVersions;
  const operation = await store.readOperation(operationId);
  if (operation === undefined || !isPromotionByRollout(operation))
    return undefined;
  const record = await store.readRecord(keyOf(operation.resourceId));
  return record !== undefined &&
    isToBeSent(record, operationId, contextOf(imageVersions))
    ? operation
    : undefined;
}

async function postpone(
  deps: RolloutDependencies["imageVersions"],
  message: StepMessage,
  { message: reason, retryAfterMs = deps.pace.pollMaxMs }: Obstacle,
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored !== undefined && !hasEnded(deps, stored))
    await commitStep(deps, stored, (pair) =>
      wait(pair, reason, retryAfterMs, contextOf(deps)),
    );
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
