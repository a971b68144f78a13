/**
 * Promotes versions whose rule is met, by the same operation as a caller's promotion. Invariants:
 *  1. What is promoted is what was tested: the same life, the same rule, nothing under way. Whoever accepts it looks again.
 *  2. Runs may come twice, at once, or be cut off: a promotion or a test that runs is that one.
 *  3. A version is looked after from the request of its rule until the rule is in force no more. Where a test has failed that begins anew with the next result, or with what others are seen to have changed.
 *  4. What fails for one version holds back no other.
 */
import { ServiceError, type ErrorCode } from "../errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
  TESTED_SCOPE,
  testedRow,
  noteLook,
  lookAt,
  isPaused,
  ruleInForce,
  believed,
  isFinal,
  type ReleaseChange,
  type ImageVersionRecord,
} from "../image-version/index.js";
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
  /** One for each version that could not be looked after this time. */
  readonly errors: readonly {
    readonly resourceId: string;
    readonly error: unknown;
  }[];
}

/** Looks once at every version that is held back until its tests have passed. Throws when they cannot be listed. */
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

/** Looks at one, and does what follows. */
export async function lookAfter(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<void> {
  const { index } = deps.imageVersions;
  if (!(await rollOut(deps, resourceId, traceparent))) return;
  await index.remove([testedRow(resourceId)]);
  // A request or a result that came meanwhile has listed it before that.
  const seen = await lookOnce(deps, resourceId, traceparent);
  const found = typeof seen === "string" ? seen : await foundOf(deps, seen);
  const isOver = typeof found === "string" ? found === "over" : found.decision.kind === "halt";
  if (!isOver) await index.put([testedRow(resourceId)]);
}

/** A version, and a look that shows it as it is. */
interface Seen extends Telling {
  readonly id: ImageVersionId;
}

/** Or that nothing more is to be done for it; or nothing now, as where Azure has not shown it as it is. */
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
  // What others have changed counts before anything is decided.
  const stored = isFinal(state) ? await noteLook(imageVersions, read, look) : read;
  return stored && believed(stored.record, look, contextOf(imageVersions)).isFact
    ? { id, stored, look, traceparent }
    : "later";
}

/** Why a promotion or demotion that a rule has begun is not to be sent; undefined: it is. Asked right before that. */
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

/** True where nothing more is to be done for it. */
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
        // It stays where no other version would be the latest, until one is.
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
      // Not told, it is looked at again.
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
    "TooManyRequests", // No machine is free.
  );
}

function isRefused(error: unknown, ...codes: readonly ErrorCode[]): boolean {
  return error instanceof ServiceError && codes.includes(error.code);
}
