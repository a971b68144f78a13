/**
 * Promotes versions whose tests have passed, by the same operation as a caller's promotion. Invariants:
 *  1. What is promoted is what was tested: the same life, the same rule, nothing under way. Whoever accepts it looks again.
 *  2. Runs may come twice, at once, or be cut off: a promotion or a test that runs is that one.
 *  3. A version is looked after from the request of its rule until the rule is in force no more, and while others have stopped
 *     its waves. Where a test has failed that begins anew with the next result, or with what others are seen to have changed.
 *  4. What fails for one version holds back no other.
 */
import { ServiceError } from "../errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../image-version/commands/by-hand.js";
import { TESTED_SCOPE, testedRow } from "../image-version/listings.js";
import type { StoredVersion } from "../image-version/ports.js";
import type { Held } from "../image-version/state/record.js";
import { lookAt } from "../image-version/queries/look-at.js";
import type { Look } from "../image-version/resources.js";
import { latestOf } from "../image-version/state/attempts.js";
import { isPaused } from "../image-version/state/held.js";
import { isFinal } from "../image-version/state/states.js";
import { testImageVersion } from "../machine-test/test-image-version.js";
import { cancelOperation } from "../operation/canceling.js";
import type { IndexPage } from "../operation/ports.js";
import { contextOf } from "../operation/steps.js";
import {
  imageIdOf,
  keyOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";
import type { Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { REQUESTED_BY } from "./requested-by.js";
import { decisionOn, decisionsOn, type Decisions } from "./situation.js";
import { tellAttention, tellHalt, tellReached } from "./tell.js";

/** Nothing more is to be done for it; not now; or Azure has not shown it as it is. */
type Outcome = Decision | "over" | "later" | "unseen";

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
  let continuationToken: string | undefined;
  do {
    const page: IndexPage = await deps.imageVersions.index.page(
      TESTED_SCOPE,
      100,
      continuationToken,
    );
    for (const { target: resourceId } of page.rows) {
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
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
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
  if (!isOver(await outcomeOf(deps, resourceId)))
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
): Promise<Outcome> {
  const seen = await lookOnce(deps, resourceId);
  return typeof seen === "string"
    ? seen
    : (await subjectOf(deps, seen)).outcome;
}

/** A version, and a look that shows it as it is. */
interface Seen {
  readonly id: ImageVersionId;
  readonly stored: StoredVersion;
  readonly look: Look;
}

async function lookOnce(
  deps: RolloutDependencies,
  resourceId: string,
): Promise<Seen | "over" | "later" | "unseen"> {
  const { imageVersions } = deps;
  const id = parseImageVersionId(resourceId);
  const stored = await imageVersions.store.read(keyOf(resourceId));
  if (id === undefined || stored === undefined) return "over";
  const { record } = stored;
  const look = await lookAt(imageVersions, id);
  // It is of before the last write, or others have undone that: which of the two a later look tells.
  if (look !== latestOf(record, look, contextOf(imageVersions)))
    return "unseen";
  if (look !== undefined) return { id, stored, look };
  // One look without it may be behind: it is gone where Azure's list lacks it, too.
  if (record.exists && (await isListed(deps, id))) return "unseen";
  return isFinal(record.state) ? "over" : "later";
}

async function subjectOf(
  deps: RolloutDependencies,
  { id, stored: { record }, look }: Seen,
  decisions?: Decisions,
): Promise<{
  readonly outcome: Outcome;
  /** As a promotion by it says; absent where its waves have stopped. */
  readonly byRule?: Held & { readonly publishedDate: string };
}> {
  const found = await decisionOn(deps, id, record, look, decisions);
  const { publishedDate } = look;
  if (publishedDate === undefined || found === undefined)
    return {
      outcome:
        isFinal(record.state) && !isPaused(record, look) ? "over" : "later",
    };
  const { decision, held } = found;
  return {
    outcome: decision,
    ...(held && { byRule: { ...held, publishedDate } }),
  };
}

async function isListed(
  { imageVersions: { resourceManager } }: RolloutDependencies,
  id: ImageVersionId,
): Promise<boolean> {
  const listed = await resourceManager.listImageVersions(imageIdOf(id));
  return listed?.some(({ name }) => name === id.versionName) === true;
}

async function rollOut(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
  isAgain = false,
): Promise<Outcome> {
  const seen = await lookOnce(deps, resourceId);
  if (typeof seen === "string") return seen;
  const { id, look } = seen;
  const decisions = await decisionsOn(deps, seen.stored.record, look);
  const stored = isFinal(seen.stored.record.state)
    ? await tellReached(deps, seen.stored, look, decisions, traceparent)
    : seen.stored;
  if (stored === undefined) return "later";
  const { outcome, byRule } = await subjectOf(
    deps,
    { id, stored, look },
    decisions,
  );
  if (typeof outcome === "string") return outcome;
  if (byRule === undefined) {
    await tellAttention(deps, stored, look, outcome, traceparent);
    return outcome;
  }
  const command = { id, requestedBy: REQUESTED_BY, traceparent };
  switch (outcome.kind) {
    case "promote":
      await promoteImageVersion(deps.imageVersions, {
        ...command,
        byRule, // Invariant 1.
      });
      break;
    case "rollBack":
      await tellHalt(deps, stored, look, outcome, traceparent);
      await demoteImageVersion(deps.imageVersions, { ...command, byRule });
      break;
    case "test":
      await testImageVersion(deps.machineTests, {
        ...command,
        regions: outcome.regions,
      });
      break;
    case "cancel":
      await cancelOperation(
        deps.imageVersions,
        outcome.operationId,
        REQUESTED_BY,
        outcome.message,
      );
      // What is decided without it is done at once. Where it stays, or another has come, whoever looks next goes on.
      return isAgain ? outcome : rollOut(deps, resourceId, traceparent, true);
    case "halt":
      // Not told, it is looked at again.
      if (!(await tellHalt(deps, stored, look, outcome, traceparent)))
        return "later";
      break;
    case "wait":
      if (outcome.state === "NeedsAttention")
        await tellAttention(deps, stored, look, outcome, traceparent);
      break;
  }
  return outcome;
}

function isOvertaken(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    (error.code === "ImageVersionConflict" || error.code === "OperationEnded")
  );
}
