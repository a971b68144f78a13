/**
 * Takes the steps of a rollback. Invariants:
 *  1. The target is promoted first. Then the versions above it are demoted, the lowest number first
 *     and the present latest last, so a crash in between never makes another version the latest.
 *  2. Each version is changed by an operation of its own, requested once: the same key leads to the
 *     same operation.
 *  3. Before each step Sigil determines again what the latest will be. It changes nothing for a
 *     target that cannot become the latest or is being deleted, nor if a region would lose its
 *     latest unplanned. A version that is gone needs no demotion.
 *  4. It ends Succeeded only if the target is the latest wherever that was promised, and everything
 *     that Azure shows is confirmed. However it ends, it reports the latest version of each region.
 *     Others' changes meanwhile are reported, and never undone.
 */
import { orNone, ServiceError } from "../../errors.js";
import { omit } from "../../objects.js";
import { cancel } from "../../operation/canceling.js";
import { isOpen, keyOfChild } from "../../operation/children.js";
import { stateOf } from "../../operation/kinds.js";
import type { Stored } from "../../operation/ports.js";
import type { OperationRecord, Requester } from "../../operation/records.js";
import { isFinalState } from "../../operation/states.js";
import { commitStep, contextOf } from "../../operation/steps.js";
import { wait } from "../../operation/waiting.js";
import { parseImageVersionId } from "../../resource-id.js";
import { demoteImageVersion, promoteImageVersion } from "../commands/promote.js";
import type { Dependencies } from "../ports.js";
import { rollbackOf } from "./kind.js";
import type { RollbackStateRecord, RollbackStep, RollbackRecord } from "../rollback-record.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import { surveyedLatest, surveyOf, type Survey } from "../queries/survey.js";
import { complete, follow, refusalOf, stop, type Transition } from "./transitions.js";
import { asItIs, describeLatest, foundIn, whyNot } from "./verdict.js";

type StoredRollback = Stored<RollbackStateRecord>;

export async function takeRollbackStep(deps: Dependencies, stored: StoredRollback): Promise<void> {
  const transition = await transitionOf(deps, stored);
  await commitStep({ ...deps, store: deps.rollbacks }, stored, transition);
}

async function transitionOf(deps: Dependencies, stored: StoredRollback): Promise<Transition> {
  const { canceledBy } = stored.operation;
  if (canceledBy !== undefined) return canceled(deps, stored, canceledBy);
  try {
    return await next(deps, stored);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    // A failed read or a refused change ends nothing, because the end must report the final state.
    const waitMs = error.retryAfterMs ?? deps.pace.pollMaxMs;
    return (pair) => wait(pair, error.message, waitMs, contextOf(deps));
  }
}

/** Invariant 4. A failed read does not stop it. */
async function canceled(
  deps: Dependencies,
  { record, operation }: StoredRollback,
  canceledBy: Requester,
): Promise<Transition> {
  const planned = rollbackOf(operation);
  const latest = await orNone(
    surveyOf(deps, record.resourceId).then((survey) => surveyedLatest(survey)),
  );
  const rollback = latest
    ? asItIs(planned, latest)
    : {
        ...planned,
        regions: planned.regions.map((before) => omit(before, "to")),
      };
  return (pair) => {
    const state = stateOf(deps, pair);
    return cancel(
      { ...pair, operation: { ...pair.operation, detail: rollback } },
      operation.id,
      canceledBy,
      contextOf(deps),
      [
        ...(isFinalState(state) ? [] : [state.ifCanceled]),
        latest ? describeLatest(rollback) : "Sigil could not read which version is the latest.",
      ].join(" "),
    );
  };
}

async function next(deps: Dependencies, stored: StoredRollback): Promise<Transition> {
  const { steps, child: childId } = stored.record;
  const [present] = steps;
  const child =
    childId === undefined ? undefined : (await deps.store.readOperation(childId))?.operation;
  return present && child && isOpen(child)
    ? follow(steps, present, child, contextOf(deps))
    : goOn(deps, stored, child);
}

/** `child`: the operation that has ended. */
async function goOn(
  deps: Dependencies,
  { record, operation }: StoredRollback,
  child: OperationRecord | undefined,
): Promise<Transition> {
  const context = contextOf(deps);
  const { steps, resourceId } = record;
  const survey = await surveyOf(deps, resourceId);
  const left = await leftIn(survey, child?.status === "Succeeded" ? steps.slice(1) : steps);
  const [step] = left;
  const found = step && (await foundIn(survey, step.versionName));
  if (step?.does === "demote" && found?.provisioningState === "Deleting")
    return (pair) =>
      wait(
        pair,
        `Azure is deleting ${step.versionName}, which needs no demotion once it is gone.`,
        deps.pace.pollMaxMs,
        context,
      );
  const rollback = rollbackOf(operation);
  const why =
    child && step && step === steps[0]
      ? refusalOf(step, child)
      : await whyNot(deps, resourceId, survey, rollback, left); // Invariant 3.
  if (why !== undefined) return stop(why, await surveyedLatest(survey), context);
  return step === undefined
    ? atEnd(deps, survey, rollback)
    : follow(left, step, await ask(deps, operation, step), context);
}

/** The steps, from the first whose version still exists. */
async function leftIn(
  survey: Survey,
  steps: readonly RollbackStep[],
): Promise<readonly RollbackStep[]> {
  const [step, ...rest] = steps;
  return step?.does === "demote" && (await foundIn(survey, step.versionName)) === undefined
    ? leftIn(survey, rest)
    : steps;
}

/** Invariant 4: no step is left. */
async function atEnd(
  deps: Dependencies,
  survey: Survey,
  { to }: RollbackRecord,
): Promise<Transition> {
  const context = contextOf(deps);
  const unconfirmed = [...survey.unconfirmed].filter(
    (name) => compareVersionNumbers(name, to) >= 0,
  );
  return unconfirmed.length === 0
    ? complete(await surveyedLatest(survey), context)
    : (pair) =>
        wait(
          pair,
          `Azure shows ${unconfirmed.join(", ")} differently than expected. The answer may be older than Sigil's last change; the next polls decide.`,
          deps.pace.pollInitialMs,
          context,
        );
}

/** Invariant 2. */
function ask(
  deps: Dependencies,
  operation: OperationRecord,
  { versionName, does }: RollbackStep,
): Promise<OperationRecord> {
  const id = parseImageVersionId(`${operation.resourceId}/versions/${versionName}`);
  if (id === undefined) throw new TypeError(`${versionName} is no version's name`);
  const change = does === "promote" ? promoteImageVersion : demoteImageVersion;
  return change(deps, {
    id,
    requestedBy: operation.requestedBy,
    traceparent: operation.traceparent,
    idempotencyKey: keyOfChild(operation, versionName),
    parent: operation.id,
    byRollback: true,
    // What was planned is requested again, and allowed.
    ...(rollbackOf(operation).regions.some(({ to }) => to === undefined) && {
      allowNoLatest: true,
    }),
  });
}
