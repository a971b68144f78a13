/**
 * One step of a version: look at Azure, decide, do. The same for creation, update, repair and promotion, in both queues.
 * Invariants:
 *  1. A PUT is sent only by whoever stored `Creating` or `Updating` for this step, after a look of this very step: two of
 *     us, a repeated message or a crash in between never make ARM see two creates.
 *  2. A PUT whose answer was lost is not repeated before a look has shown what became of it, and no sooner than the first
 *     can no longer be under way.
 *  3. A version that Sigil did not make and that is not what was asked for is never written over.
 *  4. No error of a look ends an operation: ARM goes on working whether or not it can be seen.
 *  5. A promotion that a rule has begun is sent only where the same look shows the version as it was when that was accepted, and
 *     the rule is the same: who has held it back since, or changed the rule, is not overruled.
 *  6. A region is taken away for its repair only where this step has proven that it can be added back, and that nobody needs it.
 */
import { ServiceError } from "../../errors.js";
import {
  currentFor,
  commit,
  contextOf,
  commitStep,
  type StepMessage,
} from "../../operation/steps.js";
import type { TransitionContext } from "../../operation/ports.js";
import { wait } from "../../operation/waiting.js";
import { hasEnded } from "../../operation/kinds.js";
import { isStateConflict } from "../../operation/outbox.js";
import { isFinal, isRestoring } from "../state/states.js";
import {
  imageIdIn,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import { takeRollbackStep } from "../rollback/take-rollback-step.js";
import type {
  Dependencies,
  StepDependencies,
  StoredVersion,
} from "../ports.js";
import { brokenIn, brokenKeys } from "../preflight/keys.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { adoptionRefusal } from "../state/adoption.js";
import { beginNext, demotionFirst, mayBegin } from "../state/batch.js";
import { beginCancel } from "../state/cancel.js";
import { deletionIn } from "../state/deleting.js";
import { latch, settle } from "../state/ends.js";
import { excluded, goneBefore } from "../state/guarding.js";
import { overtakenPromotion } from "../state/held.js";
import { isOld, mayBeDone } from "../state/attempts.js";
import { reconcile, type Decision } from "../state/reconcile.js";
import { withoutRepairs } from "../state/repairs.js";
import {
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
} from "../state/record.js";
import { see } from "../state/see.js";
import { guardedRegions } from "../state/wanted.js";
import {
  answered,
  beginWrite,
  follow,
  notShown,
  writeAccepted,
  writeRefused,
  type Put,
} from "../state/transitions.js";
import { takeDeletionStep } from "./delete.js";
import {
  endBatch,
  endRefused,
  isUnanswered,
  postponeOrEnd,
} from "./end-batch.js";
import { prove, waitsForCertainty, type Seen } from "./prove.js";
import { refusedRepairs } from "./prove-repairs.js";
import { takeRestoreStep } from "./restore.js";
import { lookAt } from "../queries/look-at.js";
import { latestRegions } from "../queries/use.js";
import type { Look } from "../resources.js";

/** A look is too old to write by it. */
const OLD_LOOK_MS = 15_000;

/** Takes one step. A stale message does nothing. Throws only what another delivery may cure. */
export async function takeStep(
  deps: StepDependencies,
  message: StepMessage,
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored === undefined || hasEnded(deps, stored)) return;
  if (imageIdIn(stored.record.resourceId) !== undefined)
    return takeRollbackStep(deps, message);
  const id = parseImageVersionId(stored.record.resourceId);
  if (id === undefined)
    throw new TypeError(
      `${stored.record.resourceId} is not an image version's id`,
    );
  if (isRestoring(stored.record.state))
    return takeRestoreStep(deps, stored, id);
  const deletion = deletionIn(stored);
  if (deletion !== undefined)
    return takeDeletionStep(deps, stored, id, deletion);
  if (stored.record.state !== "Accepted") return lookAndAct(deps, stored, id);
  const proof = await prove(deps, stored, id);
  return proof === undefined ? undefined : act(deps, stored, id, proof);
}

/** Looks at the version and does what follows. */
async function lookAndAct(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  more: Pick<Seen, "proven" | "prepare"> = {},
): Promise<void> {
  let look: Look | undefined;
  try {
    look = await lookAt(deps, id);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const waitMs = error.retryAfterMs ?? deps.pace.pollMaxMs; // Invariant 4.
    await commitStep(deps, stored, (pair) =>
      wait(pair, error.message, waitMs, contextOf(deps)),
    );
    return;
  }
  if (await waitsForCertainty(deps, stored, look)) return;
  // What others have made while a create was refused or unanswered is theirs as well. Invariant 3.
  const refusal = adoptionRefusal(stored.record, look);
  if (refusal !== undefined) {
    await commitStep(deps, stored, (pair) =>
      endRefused(pair, look, refusal, contextOf(deps)),
    );
    return;
  }
  return act(deps, stored, id, {
    ...more,
    look,
    failure: await reasonOf(deps, stored, look),
  });
}

/** Why ARM has given the version up, where it says so: an explanation holds up no verdict. */
async function reasonOf(
  deps: Dependencies,
  { record: { armOperationUrl } }: StoredVersion,
  look: Look | undefined,
): Promise<Seen["failure"]> {
  if (look?.provisioningState !== "Failed" || armOperationUrl === undefined)
    return undefined;
  try {
    return await deps.resourceManager.getOperationError(armOperationUrl);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

async function act(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  seen: Seen,
): Promise<void> {
  const { look, failure, proven } = seen;
  const prepare = (pair: ImageVersionPair): ImageVersionPair => {
    const prepared = seen.prepare?.(pair) ?? pair;
    return look === undefined
      ? prepared
      : see(prepared, look, failure, contextOf(deps));
  };
  // Of one moment: no further repair falls due once it is proven. Invariant 6.
  const time = contextOf(deps);
  const decide = ({ record }: ImageVersionPair): Decision =>
    reconcile(record, look, time);
  const decision = decide(prepare(stored));
  if (decision.kind === "put" && isTooOld(deps, look))
    return lookAndAct(deps, stored, id, {
      ...(proven && { proven }),
      ...(seen.prepare && { prepare: seen.prepare }),
    });
  const why = await heldByKeys(deps, stored, id, look, decision);
  if (why !== undefined) {
    await commitStep(deps, stored, (pair) =>
      wait(prepare(pair), why, deps.pace.pollMaxMs, contextOf(deps)),
    );
    return;
  }
  if (decision.kind === "put" && look !== undefined)
    try {
      const { record } = prepare(stored);
      await mustNotBeNeededThere(deps, record, id, look);
      const away = Object.keys(decision.takesAway);
      const refused = await refusedRepairs(deps, record, id, look, away);
      if (Object.keys(refused).length > 0)
        return act(deps, stored, id, {
          ...seen,
          prepare: (pair) =>
            withoutRepairs(seen.prepare?.(pair) ?? pair, refused),
        });
    } catch (error) {
      return postponeOrEnd(deps, stored, error, { prepare });
    }
  // Decided anew on what another has stored meanwhile: who was canceled asks nothing any more.
  let put: Put | undefined;
  const mine = await commitStep(deps, stored, (pair) => {
    const next = prepare(pair);
    const decision = decide(next);
    put = undefined;
    switch (decision.kind) {
      case "put": {
        const first = demotionFirst(
          next,
          contextOf(deps),
          decision.rewrites || sentLast(next.record)?.outcome === "unknown",
        );
        if (first !== undefined) return first;
        const overtaken = withoutOvertaken(next, look, contextOf(deps));
        if (overtaken !== undefined) return overtaken;
        put = decision;
        // What is asked is applied, whatever becomes of what Sigil sees to.
        return beginWrite(
          put.isMet ? latch(next, contextOf(deps)) : next,
          put,
          proven,
          contextOf(deps),
        );
      }
      case "failed": {
        const { failure } = decision;
        return (
          (failure.code === "ImageVersionGone"
            ? goneBefore(next, contextOf(deps))
            : undefined) ?? endBatch(next, failure, contextOf(deps))
        );
      }
      case "wait":
      case "applied":
        return goOn(next, seen, decision, deps);
    }
  });
  // Invariant 1: undefined means that another has taken the step; the PUT is theirs.
  if (mine !== undefined && put !== undefined) await send(deps, mine, id, put);
}

/** Invariant 5: without the promotion of a rule that is not to be sent; undefined where there is none. */
function withoutOvertaken(
  pair: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const overtaken = look && overtakenPromotion(pair.record, look, context);
  const operation = [pair.operation, ...pair.record.members].find(
    ({ id }) => id === overtaken?.id,
  );
  return (
    operation &&
    beginCancel(
      pair,
      operation.id,
      operation.requestedBy,
      context,
      overtaken?.why,
    )
  );
}

/** Why the rule that is met does not promote the version yet. A region that is taken away for its repair is not kept waiting. */
async function heldByKeys(
  deps: Dependencies,
  { record }: StoredVersion,
  id: ImageVersionId,
  look: Look | undefined,
  decision: Decision,
): Promise<string | undefined> {
  if (
    look === undefined ||
    decision.kind !== "put" ||
    !decision.promotes ||
    decision.addsBack.length > 0
  )
    return undefined;
  const broken = await brokenKeys(deps, id, look, record, true);
  return broken.length === 0
    ? undefined
    : `It is promoted once its keys work: ${brokenIn(broken)}`;
}

/** Who has come to need the version in a region since its removal was accepted is asked for right before that is sent. */
async function mustNotBeNeededThere(
  deps: Dependencies,
  record: ImageVersionRecord,
  id: ImageVersionId,
  look: Look,
): Promise<void> {
  const regions = guardedRegions(record, look);
  if (regions.length === 0) return;
  await mustNotBeNeeded(deps, {
    id,
    latestIn: await latestRegions(deps, id),
    regions,
    pointer: "/query/removeRegions",
    confirms: true,
  });
}

function isTooOld(
  deps: Pick<Dependencies, "now">,
  look: Look | undefined,
): boolean {
  return (
    look !== undefined &&
    deps.now().getTime() - Date.parse(look.time) > OLD_LOOK_MS
  );
}

/** Nothing is to be written now: operations that are done end, the next in the queue begins, or the next look is awaited. */
function goOn(
  pair: ImageVersionPair,
  { look, failure, proven }: Seen,
  decision: Extract<Decision, { kind: "wait" | "applied" }>,
  deps: Dependencies,
): ImageVersionPair {
  const context = contextOf(deps);
  if (look === undefined)
    return notShown(
      pair,
      decision.kind === "wait" ? decision.why : "",
      context,
    );
  const applied = decision.kind === "applied" ? latch(pair, context) : pair;
  // A look from before the last write ends nothing.
  const settled = isOld(pair.record, look, context)
    ? applied
    : settle(applied, look, failure, context);
  if (isFinal(settled.record.state)) return settled;
  const toBeDeleted = excluded(settled, deps.useDelayMs, context);
  if (toBeDeleted !== undefined) return toBeDeleted;
  return decision.kind === "applied" && mayBegin(settled.record)
    ? beginNext(settled, context)
    : follow(settled, decision, proven, context);
}

async function send(
  deps: Dependencies,
  mine: StoredVersion,
  id: ImageVersionId,
  put: Put,
): Promise<void> {
  let armOperationUrl: string | undefined;
  try {
    armOperationUrl = await deps.resourceManager.putImageVersion(id, put.body);
  } catch (error) {
    return postponeOrEnd(deps, mine, error, {
      prepare: (pair) =>
        isUnanswered(error) ? pair : writeRefused(pair, contextOf(deps)),
      end: (pair, failure, context) =>
        mayBeDone(pair.record, context)
          ? wait(
              pair,
              `${failure.message} What was sent before had no answer: whether Azure has carried it out, the next looks tell.`,
              context.pace.pollMaxMs,
              context,
            )
          : endBatch(pair, failure, context),
    });
  }
  deps.looks.forget(id, imageIdOf(id));
  const noted = await commitStep(deps, mine, (pair) =>
    writeAccepted(pair, armOperationUrl, contextOf(deps)),
  );
  if (noted === undefined) await noteAccepted(deps, mine, armOperationUrl);
}

/** Somebody has canceled, or asked for more, while the PUT was under way: that ARM has taken it is known all the same. */
async function noteAccepted(
  deps: Dependencies,
  { record: { key, lastAttempt: sent } }: StoredVersion,
  armOperationUrl: string | undefined,
): Promise<void> {
  const stored = await deps.store.read(key);
  const last = stored?.record.lastAttempt;
  if (
    stored === undefined ||
    last?.outcome !== "unknown" ||
    last.sentTime !== sent?.sentTime
  )
    return;
  const record = answered(stored.record, armOperationUrl, contextOf(deps));
  try {
    await commit(deps, { record, operation: stored.operation }, stored);
  } catch (error) {
    // Whoever was faster has it from a look.
    if (!isStateConflict(error)) throw error;
  }
}
