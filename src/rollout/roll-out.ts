/**
 * Promotes versions whose tests have passed, by the same operation as a caller's promotion. Invariants:
 *  1. What is promoted is what was tested: the same life, the same rule, nothing under way. Whoever accepts it looks again.
 *  2. Runs may come twice, at once, or be cut off: a promotion or a test that runs is that one.
 *  3. A version is looked after from the request of its rule until the rule is in force no more. Where a test has failed that
 *     begins anew with the next result, and where others have ended its waves, with the GET that shows them to go on.
 *  4. What fails for one version holds back no other.
 */
import { ServiceError } from "../errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../image-version/commands/by-hand.js";
import { TESTED_SCOPE, testedRow } from "../image-version/listings.js";
import { lookAt } from "../image-version/queries/look-at.js";
import { latestOf } from "../image-version/state/attempts.js";
import { isFinal } from "../image-version/state/states.js";
import { testImageVersion } from "../machine-test/test-image-version.js";
import { cancelOperation } from "../operation/canceling.js";
import type { IndexPage } from "../operation/ports.js";
import { contextOf } from "../operation/steps.js";
import { imageIdOf, keyOf, parseImageVersionId } from "../resource-id.js";
import { decide, type Decision } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";
import { REQUESTED_BY } from "./requested-by.js";
import { situationOf } from "./situation.js";
import { tellAttention, tellHalt, tellReached } from "./tell.js";

/** Nothing more is to be done for it; or not now. */
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
  return (await subjectOf(deps, resourceId)).outcome;
}

async function subjectOf(deps: RolloutDependencies, resourceId: string) {
  const { imageVersions } = deps;
  const id = parseImageVersionId(resourceId);
  const record = await imageVersions.store.readRecord(keyOf(resourceId));
  if (id === undefined || record === undefined)
    return { outcome: "over" as const };
  const rest = isFinal(record.state) ? ("over" as const) : ("later" as const);
  const look = await lookAt(imageVersions, id);
  // It is of before the last write, or others have undone that: which of the two a later look tells.
  if (look !== latestOf(record, look, contextOf(imageVersions)))
    return { outcome: "later" as const };
  // One look without it may be behind: it is gone where Azure's list lacks it, too.
  if (look === undefined && record.exists && (await isListed(deps, resourceId)))
    return { outcome: "later" as const };
  const found = look && (await situationOf(deps, id, record, look));
  if (look?.publishedDate === undefined || found === undefined)
    return { outcome: rest, record, look };
  return {
    outcome: decide(found.situation, imageVersions.now()),
    record,
    look,
    id,
    byRule: { ...found.held, publishedDate: look.publishedDate },
  };
}

async function isListed(
  { imageVersions: { resourceManager } }: RolloutDependencies,
  resourceId: string,
): Promise<boolean> {
  const id = parseImageVersionId(resourceId);
  const listed = id && (await resourceManager.listImageVersions(imageIdOf(id)));
  return listed?.some(({ name }) => name === id?.versionName) === true;
}

async function rollOut(
  deps: RolloutDependencies,
  resourceId: string,
  traceparent: string,
): Promise<Outcome> {
  const { outcome, id, byRule, record, look } = await subjectOf(
    deps,
    resourceId,
  );
  if (look !== undefined && isFinal(record.state))
    await tellReached(deps, record, look, traceparent);
  if (id === undefined || typeof outcome === "string") return outcome;
  const command = { id, requestedBy: REQUESTED_BY, traceparent };
  switch (outcome.kind) {
    case "promote":
      await promoteImageVersion(deps.imageVersions, {
        ...command,
        byRule, // Invariant 1.
      });
      break;
    case "rollBack":
      await tellHalt(deps, resourceId, byRule, outcome, traceparent);
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
      );
      return rollOut(deps, resourceId, traceparent);
    case "halt":
      await tellHalt(deps, resourceId, byRule, outcome, traceparent);
      break;
    case "wait":
      if (outcome.state === "NeedsAttention")
        await tellAttention(deps, record, look, outcome, traceparent);
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
