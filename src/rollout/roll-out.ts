/**
 * Promotes versions once their rules are met, with the same operation as a caller's promotion.
 * Invariants:
 *  1. It promotes what was tested: the same life and rule, with no operation running. Acceptance
 *     checks this again.
 *  2. Runs may repeat, overlap or be cut off: a promotion or test that already runs is not started
 *     twice.
 *  3. A version is checked from the request of its rule until the rule no longer applies. After a
 *     failed test, the next result, or a change by others, starts that again.
 *  4. A failure for one version delays no other.
 */
import { ServiceError, type ErrorCode } from "../errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
  noteLook,
  lookAt,
  isPaused,
  ruleInForce,
  believed,
  isFinal,
  type ReleaseChange,
  type ImageVersionRecord,
} from "../image-version/index.js";
import { TESTED_SCOPE, testedRow } from "../listings.js";
import { testImageVersion } from "../machine-test/test-image-version.js";
import { pagesOf } from "../operation/pages.js";
import { contextOf } from "../operation/steps.js";
import { keyOf, parseImageVersionId, type ImageVersionId } from "../resource-id.js";
import type { RolloutDependencies } from "./ports.js";
import { REQUESTED_BY } from "./last-operations.js";
import { decisionOn, withoutMachines, type Found } from "./situation.js";
import { tellNothing, tellReached, tellStopped, type Telling } from "./tell.js";

export interface RolloutRun {
  readonly versions: number;
  /** An error for each version that could not be checked this time. */
  readonly errors: readonly {
    readonly resourceId: string;
    readonly error: unknown;
  }[];
}

/**
 * Checks once every version that is excluded from latest until its tests pass. Throws if it cannot
 * list them.
 */
export async function runRollouts(
  deps: RolloutDependencies,
  traceparent: string,
): Promise<RolloutRun> {
  const errors: RolloutRun["errors"][number][] = [];
  let versions = 0;
  for await (const rows of pagesOf(deps.imageVersions.index, TESTED_SCOPE))
    for (const { target: resourceId } of rows) {
      versions += 1;
      try {
        await lookAfter(deps, resourceId, traceparent);
      } catch (error) {
        if (!isOvertaken(error)) errors.push({ resourceId, error }); // Invariant 4.
      }
    }
  return { versions, errors };
}

/** Checks one version, and takes the next step. */
export async function lookAfter(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<void> {
  const { index } = deps.imageVersions;
  if (!(await rollOut(deps, resourceId, traceparent))) return;
  await index.remove([testedRow(resourceId)]);
  // A request or result may have listed it just before the removal, so check once more.
  const seen = await lookOnce(deps, resourceId, traceparent);
  const found = typeof seen === "string" ? seen : await foundOf(deps, seen);
  const isOver = typeof found === "string" ? found === "over" : found.decision.kind === "halt";
  if (!isOver) await index.put([testedRow(resourceId)]);
}

/** A version, and a current look at it. */
interface Seen extends Telling {
  readonly id: ImageVersionId;
}

/**
 * Reads the version once. Returns a word instead if nothing more needs to be done for it, or
 * nothing can be done now, such as when Azure has no current answer.
 */
async function lookOnce(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<Seen | "over" | "later"> {
  const { imageVersions } = deps;
  const id = parseImageVersionId(resourceId);
  const read = await imageVersions.store.read(keyOf(resourceId));
  if (id === undefined || read === undefined) return "over";
  const { status, state } = read.record;
  const look = await lookAt(imageVersions, id);
  if (look === undefined) return status === undefined && isFinal(state) ? "over" : "later";
  // Record changes by others before deciding anything.
  const stored = isFinal(state) ? await noteLook(imageVersions, read, look) : read;
  return stored && believed(stored.record, look, contextOf(imageVersions)).isFact
    ? { id, stored, look, traceparent }
    : "later";
}

/**
 * Why not to send a promotion or demotion that a rule started; undefined: send it. Called right
 * before the send.
 */
export async function whyNotByRule(
  deps: RolloutDependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  change: ReleaseChange,
): Promise<string | undefined> {
  const { status } = record;
  const found = status && (await decisionOn(deps, id, withoutMachines(record), status));
  if (found === undefined) return "Its promotion rule is no longer in force.";
  const kind = change.kind === "include" ? "promote" : "rollBack";
  return found.decision.kind === kind ? undefined : found.decision.message;
}

async function foundOf(
  deps: RolloutDependencies,
  { id, stored: { record }, look }: Seen,
): Promise<Found | "over" | "later"> {
  const found = await decisionOn(deps, id, record, look);
  if (found !== undefined) return found;
  return isFinal(record.state) && ruleInForce(record) === undefined && !isPaused(record)
    ? "over"
    : "later";
}

/** Whether the version needs no further checks. */
async function rollOut(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<boolean> {
  const seen = await lookOnce(deps, resourceId, traceparent);
  if (typeof seen === "string") return seen === "over";
  const stored = isFinal(seen.stored.record.state) ? await tellReached(deps, seen) : seen.stored;
  if (stored === undefined) return false;
  const told = { ...seen, stored };
  const found = await foundOf(deps, told);
  return typeof found === "string" ? found === "over" : act(deps, told, found);
}

async function act(
  deps: RolloutDependencies,
  seen: Seen,
  { decision, regions }: Found,
): Promise<boolean> {
  const { id, stored, look, traceparent } = seen;
  const { publishedDate = "" } = look;
  const command = { id, requestedBy: REQUESTED_BY, traceparent };
  const byMachine = { publishedDate }; // Invariant 1.
  const tell = (): ReturnType<typeof tellStopped> => tellStopped(deps, seen, decision);
  if (decision.state === "Waiting" && isFinal(stored.record.state)) await tellNothing(deps, stored);
  switch (decision.kind) {
    case "promote":
      await promoteImageVersion(deps.imageVersions, {
        ...command,
        byMachine,
        regions,
      });
      break;
    case "rollBack":
      await tell();
      try {
        await demoteImageVersion(deps.imageVersions, { ...command, byMachine });
      } catch (error) {
        // It stays in latest while a region would have no other latest version.
        if (!isRefused(error, "RegionWouldLoseLatest")) throw error;
      }
      break;
    case "test":
      await testImageVersion(deps.machineTests, {
        ...command,
        regions: decision.regions,
      });
      break;
    case "halt":
      // If the event was not stored, check the version again.
      return (await tell()) !== undefined;
    case "wait":
      if (decision.state === "NeedsAttention") await tell();
      break;
  }
  return false;
}

function isOvertaken(error: unknown): boolean {
  return isRefused(
    error,
    "ImageVersionConflict",
    "OperationEnded",
    "TooManyRequests", // All machines are in use.
  );
}

function isRefused(error: unknown, ...codes: readonly ErrorCode[]): boolean {
  return error instanceof ServiceError && codes.includes(error.code);
}
