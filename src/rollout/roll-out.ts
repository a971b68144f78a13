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
import {
  keyOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";
import type { Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { REQUESTED_BY } from "./last-operations.js";
import { decisionOn, withoutMachines, type Found } from "./situation.js";
import { tellNothing, tellReached, tellStopped, type Telling } from "./tell.js";

/** Nothing more is to be done for it; or not now, as where Azure has not shown it as it is. */
type Outcome = Decision | "over" | "later";

export interface RolloutRun {
  readonly versions: number;
  /** Ids of those that were promoted, or are being tested now. */
  readonly promoted: readonly string[];
  readonly tested: readonly string[];
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
  const promoted: string[] = [];
  const tested: string[] = [];
  const errors: RolloutRun["errors"][number][] = [];
  let versions = 0;
  for await (const rows of pagesOf(deps.imageVersions.index, TESTED_SCOPE))
    for (const { target: resourceId } of rows) {
      versions += 1;
      try {
        const outcome = await lookAfter(deps, resourceId, traceparent);
        if (typeof outcome === "string") continue;
        if (outcome.kind === "promote") promoted.push(resourceId);
        if (outcome.kind === "test") tested.push(resourceId);
      } catch (error) {
        if (!isOvertaken(error)) errors.push({ resourceId, error }); // Invariant 4.
      }
    }
  return { versions, promoted, tested, errors };
}

/** Looks at one, and does what follows. */
export async function lookAfter(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<Outcome> {
  const { index } = deps.imageVersions;
  const outcome = await rollOut(deps, resourceId, traceparent);
  if (!isOver(outcome)) return outcome;
  await index.remove([testedRow(resourceId)]);
  // A request or a result that came meanwhile has listed it before that.
  if (!isOver(await outcomeOf(deps, resourceId, traceparent)))
    await index.put([testedRow(resourceId)]);
  return outcome;
}

function isOver(outcome: Outcome): boolean {
  return (
    outcome === "over" ||
    (typeof outcome !== "string" && outcome.kind === "halt")
  );
}

async function outcomeOf(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<Outcome> {
  const seen = await lookOnce(deps, resourceId, traceparent);
  if (typeof seen === "string") return seen;
  const found = await foundOf(deps, seen);
  return typeof found === "string" ? found : found.decision;
}

/** A version, and a look that shows it as it is. */
interface Seen extends Telling {
  readonly id: ImageVersionId;
}

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
  if (look === undefined)
    return status === undefined && isFinal(state) ? "over" : "later";
  // What others have changed counts before anything is decided.
  const stored = isFinal(state)
    ? await noteLook(imageVersions, read, look)
    : read;
  return stored &&
    believed(stored.record, look, contextOf(imageVersions)).isFact
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
  const found =
    status &&
    (await decisionOn(deps, id, withoutMachines(record), status, true));
  if (found === undefined) return "Its promotion rule is in force no more.";
  const kind = change.kind === "include" ? "promote" : "rollBack";
  return found.decision.kind === kind ? undefined : found.decision.message;
}

async function foundOf(
  deps: RolloutDependencies,
  { id, stored: { record }, look }: Seen,
): Promise<Found | "over" | "later"> {
  const found = await decisionOn(deps, id, record, look);
  if (found !== undefined) return found;
  return isFinal(record.state) &&
    ruleInForce(record) === undefined &&
    !isPaused(record)
    ? "over"
    : "later";
}

async function rollOut(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<Outcome> {
  const seen = await lookOnce(deps, resourceId, traceparent);
  if (typeof seen === "string") return seen;
  const stored = isFinal(seen.stored.record.state)
    ? await tellReached(deps, seen)
    : seen.stored;
  if (stored === undefined) return "later";
  const told = { ...seen, stored };
  const found = await foundOf(deps, told);
  return typeof found === "string" ? found : act(deps, told, found);
}

async function act(
  deps: RolloutDependencies,
  seen: Seen,
  { decision, regions }: Found,
): Promise<Outcome> {
  const { id, stored, look, traceparent } = seen;
  const { publishedDate = "" } = look;
  const command = { id, requestedBy: REQUESTED_BY, traceparent };
  const byMachine = { publishedDate }; // Invariant 1.
  const tell = (): ReturnType<typeof tellStopped> =>
    tellStopped(deps, seen, decision);
  if (decision.state === "Waiting" && isFinal(stored.record.state))
    await tellNothing(deps, stored);
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
      if (!(await tell())) return "later";
      break;
    case "wait":
      if (decision.state === "NeedsAttention") await tell();
      break;
  }
  return decision;
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
