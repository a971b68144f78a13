/**
 * Takes the steps of a rollback. Invariants:
 *  1. The target is promoted first; then what is above it is demoted, the lowest number first and the present latest last: a
 *     crash in between never makes a version between the two the latest.
 *  2. Each version is changed by an operation of its own, and asked once: the same key leads to the same operation.
 *  3. Before each step the target is looked at again: nothing is changed for one that cannot become the latest, or is being
 *     deleted; nor where a region would have no latest of which that was not planned. What is gone needs not be demoted.
 *  4. It ends Succeeded only where the target is the latest wherever that was promised, and nothing that Azure shows is unconfirmed.
 *     However it ends, it says what is the latest in each region. What others do meanwhile is theirs: it is told, and never undone.
 */
import { ServiceError } from "../../errors.js";
import { cancel } from "../../operation/canceling.js";
import { hasEnded, stateOf } from "../../operation/kinds.js";
import type { OperationDependencies, Stored } from "../../operation/ports.js";
import type {
  OperationFailure,
  OperationRecord,
  Requester,
  RollbackRecord,
} from "../../operation/records.js";
import { isFinalState } from "../../operation/states.js";
import {
  commitStep,
  contextOf,
  currentFor,
  type StepMessage,
} from "../../operation/steps.js";
import { wait } from "../../operation/waiting.js";
import { parseImageVersionId } from "../../resource-id.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../commands/promote.js";
import type { Candidate } from "../latest/latest-after.js";
import type { Dependencies } from "../ports.js";
import { findingOf } from "../preflight/objections.js";
import { rollbackOf } from "./kind.js";
import type { RollbackStateRecord, RollbackStep } from "../rollback-record.js";
import { compareVersionNumbers } from "../version-numbers.js";
import { surveyedLatest, surveyOf, type Survey } from "../queries/survey.js";
import { objectionsToTarget } from "./target.js";
import {
  complete,
  follow,
  isGoneNow,
  proceed,
  refusalOf,
  stop,
  type Transition,
} from "./transitions.js";
import {
  describeLatest,
  lostLatest,
  lostTarget,
  notTheLatest,
  withLatest,
} from "./verdict.js";

type StoredRollback = Stored<RollbackStateRecord>;

/** A stale message does nothing. Throws only what another delivery may cure. */
export async function takeRollbackStep(
  deps: Dependencies,
  message: StepMessage,
): Promise<void> {
  const rollbacks: OperationDependencies<RollbackStateRecord> = {
    ...deps,
    store: deps.rollbacks,
  };
  const stored = await currentFor(rollbacks, message);
  if (stored === undefined || hasEnded(deps, stored)) return;
  await commitStep(rollbacks, stored, await transitionOf(deps, stored));
}

async function transitionOf(
  deps: Dependencies,
  stored: StoredRollback,
): Promise<Transition> {
  const { canceledBy } = stored.record;
  if (canceledBy !== undefined) return canceled(deps, stored, canceledBy);
  try {
    return await next(deps, stored);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    // That Azure cannot be seen, or lets nothing be changed now, ends nothing: how it is in the end is to be told.
    const waitMs = error.retryAfterMs ?? deps.pace.pollMaxMs;
    return (pair) => wait(pair, error.message, waitMs, contextOf(deps));
  }
}

/** Invariant 4. That Azure cannot be seen keeps it from nothing. */
async function canceled(
  deps: Dependencies,
  { record, operation }: StoredRollback,
  canceledBy: Requester,
): Promise<Transition> {
  const planned = rollbackOf(operation);
  const [rollback, latest] = await latestAtEnd(deps, record, planned);
  return (pair) => {
    const state = stateOf(deps, pair);
    const left = isFinalState(state) ? [] : [state.ifCanceled];
    return cancel(
      { ...pair, operation: { ...pair.operation, rollback } },
      operation.id,
      canceledBy,
      contextOf(deps),
      [...left, latest].join(" "),
    );
  };
}

async function latestAtEnd(
  deps: Dependencies,
  { resourceId }: RollbackStateRecord,
  planned: RollbackRecord,
): Promise<readonly [RollbackRecord, string]> {
  try {
    const survey = await surveyOf(deps, resourceId);
    const rollback = withLatest(planned, await surveyedLatest(survey));
    return [rollback, describeLatest(rollback)];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return [
      {
        ...planned,
        regions: planned.regions.map(({ to: _, ...before }) => before),
      },
      `Which version is the latest could not be read. ${error.message}`,
    ];
  }
}

async function next(
  deps: Dependencies,
  stored: StoredRollback,
): Promise<Transition> {
  const { record, operation } = stored;
  const left = record.steps.slice(record.done);
  const [step] = left;
  if (step !== undefined && record.child !== undefined)
    return taking(deps, stored, step);
  const rollback = rollbackOf(operation);
  const survey = await surveyOf(deps, record.resourceId);
  const lost = await lostTarget(survey, rollback, left);
  if (step === undefined) return atEnd(deps, survey, rollback, lost);
  // Invariant 3.
  const why =
    lost ??
    (await lostLatest(survey, rollback, left)) ??
    (await opposed(deps, record, survey, rollback));
  return why === undefined
    ? taking(deps, stored, step)
    : stop(why, await surveyedLatest(survey), contextOf(deps));
}

/** Invariant 4: nothing is left to be done. */
async function atEnd(
  deps: Dependencies,
  survey: Survey,
  rollback: RollbackRecord,
  lost: OperationFailure | undefined,
): Promise<Transition> {
  const context = contextOf(deps);
  const latest = await surveyedLatest(survey);
  const why = lost ?? notTheLatest(rollback, latest);
  if (why !== undefined) return stop(why, latest, context);
  const unconfirmed = [...survey.unconfirmed].filter(
    (name) => compareVersionNumbers(name, rollback.to) >= 0,
  );
  return unconfirmed.length === 0
    ? complete(latest, context)
    : (pair) =>
        wait(
          pair,
          `Azure shows ${unconfirmed.join(", ")} otherwise than is known: the answer may be older than Sigil's last change. The next polls decide.`,
          deps.pace.pollInitialMs,
          context,
        );
}

/** Why the target must not be the latest. */
async function opposed(
  deps: Dependencies,
  { resourceId }: RollbackStateRecord,
  { listed }: Survey,
  { to }: RollbackRecord,
): Promise<OperationFailure | undefined> {
  const target = listed.find(({ name }) => name === to);
  const [first] = target
    ? await objectionsToTarget(deps, resourceId, target)
    : [];
  return first && { ...first, errors: [findingOf(first, "error")] };
}

async function taking(
  deps: Dependencies,
  stored: StoredRollback,
  step: RollbackStep,
): Promise<Transition> {
  const context = contextOf(deps);
  const child = await childOf(deps, stored, step);
  if (child === undefined) return proceed(isGoneNow(step), context);
  switch (child.status) {
    case "NotStarted":
    case "Running":
      return follow(step, child, context);
    case "Succeeded":
      return proceed(undefined, context);
    case "Failed":
    case "Canceled":
      return failed(deps, stored, step, child);
  }
}

/** Of what is to be demoted there may be nothing left to demote. */
async function failed(
  deps: Dependencies,
  { record }: StoredRollback,
  step: RollbackStep,
  child: OperationRecord,
): Promise<Transition> {
  const { versionName, does } = step;
  const context = contextOf(deps);
  const survey = await surveyOf(deps, record.resourceId);
  const found = await foundIn(survey, step);
  if (does === "demote") {
    if (found === undefined) return proceed(isGoneNow(step), context);
    if (found.provisioningState === "Deleting")
      return (pair) =>
        wait(
          pair,
          `Azure deletes ${versionName}: once it is gone, there is nothing to demote.`,
          deps.pace.pollMaxMs,
          context,
        );
  }
  const latest = await surveyedLatest(survey);
  const isSent = child.startedTime !== undefined;
  return stop(refusalOf(step, child), latest, context, isSent);
}

async function foundIn(
  { listed, look }: Survey,
  { versionName }: RollbackStep,
): Promise<Candidate | undefined> {
  const item = listed.find(({ name }) => name === versionName);
  return item && (await look(item));
}

/** Asks for the change, or sees what has become of it; undefined where what is to be demoted is gone. */
async function childOf(
  deps: Dependencies,
  { record, operation }: StoredRollback,
  { versionName, does }: RollbackStep,
): Promise<OperationRecord | undefined> {
  if (record.child !== undefined) {
    const child = await deps.store.readOperation(record.child);
    if (child === undefined) throw new TypeError(`${record.child} is gone`);
    return child;
  }
  const id = parseImageVersionId(
    `${record.resourceId}/versions/${versionName}`,
  );
  if (id === undefined)
    throw new TypeError(`${versionName} is no version's name`);
  const change = does === "promote" ? promoteImageVersion : demoteImageVersion;
  try {
    return await change(deps, {
      id,
      requestedBy: operation.requestedBy,
      traceparent: operation.traceparent,
      idempotencyKey: `${operation.id}/${record.done}`, // Invariant 2.
      byRollback: true,
      // What was planned is asked again, and allowed.
      ...(rollbackOf(operation).regions.some(({ to }) => to === undefined) && {
        allowNoLatest: true,
      }),
    });
  } catch (error) {
    const isGone =
      error instanceof ServiceError &&
      ["ImageVersionGone", "NotFound"].includes(error.code);
    if (does === "demote" && isGone) return undefined;
    throw error;
  }
}
