/**
 * Takes the steps of a rollback. Invariants:
 *  1. The target is promoted first; then what is above it is demoted, the lowest number first and the present latest last: a
 *     crash in between never makes a version between the two the latest.
 *  2. Each version is changed by an operation of its own, and asked once: the same key leads to the same operation.
 *  3. Before each step the target is looked at again: nothing is changed for one that cannot become the latest, or is being
 *     deleted; nor where a region would have no latest of which that was not planned. What is gone needs not be demoted.
 *  4. It ends Succeeded only where Azure shows that the target is the latest wherever that was promised. However it ends, it
 *     says what is the latest in each region. What others do meanwhile is theirs: it is told, and never undone.
 *     A version whose guarded deletion excludes it meanwhile is not waited for: its demotion is done once that has ended.
 *  5. What speaks against the target stops it once a second look shows the same.
 *  6. A look that is older than Sigil's own write, or shows that others have taken it back, tells nothing: it waits for
 *     another, ten minutes at most. Nor does one that finds nothing, as long as Azure lists the version.
 */
import { ServiceError } from "../../errors.js";
import { cancel } from "../../operation/canceling.js";
import { hasEnded, stateOf } from "../../operation/kinds.js";
import type { OperationDependencies, Stored } from "../../operation/ports.js";
import type {
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
import { keyOf, parseImageVersionId } from "../../resource-id.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../commands/promote.js";
import type { Candidate } from "../latest/latest-after.js";
import type { Dependencies } from "../ports.js";
import { openDeletionIn } from "../state/deletion.js";
import { compareVersionNumbers } from "../version-numbers.js";
import { rollbackOf } from "./kind.js";
import type { RollbackStateRecord, RollbackStep } from "../rollback-record.js";
import { surveyedLatest, surveyOf, type Survey } from "../queries/survey.js";
import {
  complete,
  doubt,
  follow,
  isGoneNow,
  proceed,
  refusalOf,
  stop,
  unsureOf,
  waitFor,
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
    const unsure = [...survey.behind];
    return [
      rollback,
      [
        describeLatest(rollback),
        ...(unsure.length > 0
          ? [`That is not certain: ${unsureOf(unsure)}`]
          : []),
      ].join(" "),
    ];
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
  const { steps, done, child } = stored.record;
  const step = steps[done];
  if (step === undefined) return atEnd(deps, stored);
  const hindered =
    child === undefined ? await hindranceTo(deps, stored) : undefined;
  return hindered ?? taking(deps, stored, step);
}

/** Invariant 4: nothing is left to be done. */
async function atEnd(
  deps: Dependencies,
  { record, operation }: StoredRollback,
): Promise<Transition> {
  const rollback = rollbackOf(operation);
  const context = contextOf(deps);
  const survey = await surveyOf(deps, record.resourceId);
  const latest = await surveyedLatest(survey);
  const why =
    (await lostTarget(survey, rollback, [])) ?? notTheLatest(rollback, latest);
  if (why !== undefined) return doubt(why, latest, context);
  // Invariant 6: the target, and each version that could be in its place.
  const unsure = [...survey.behind].filter(
    (name) => compareVersionNumbers(name, rollback.to) >= 0,
  );
  return unsure.length > 0
    ? waitFor(unsure, context)
    : complete(latest, context);
}

/** Invariant 3. */
async function hindranceTo(
  deps: Dependencies,
  { record, operation }: StoredRollback,
): Promise<Transition | undefined> {
  const rollback = rollbackOf(operation);
  const context = contextOf(deps);
  const survey = await surveyOf(deps, record.resourceId);
  const left = record.steps.slice(record.done);
  const why =
    (await lostTarget(survey, rollback, left)) ??
    (await lostLatest(survey, rollback, left));
  if (why !== undefined)
    return doubt(why, await surveyedLatest(survey), context);
  // Invariant 6.
  return survey.behind.has(rollback.to)
    ? waitFor([rollback.to], context)
    : undefined;
}

async function taking(
  deps: Dependencies,
  stored: StoredRollback,
  step: RollbackStep,
): Promise<Transition> {
  const context = contextOf(deps);
  const { versionName, does } = step;
  const child = await childOf(deps, stored, step);
  if (child === undefined) {
    const survey = await surveyOf(deps, stored.record.resourceId);
    return (await foundIn(survey, step)) === undefined
      ? proceed(isGoneNow(step), context)
      : waitFor([versionName], context);
  }
  switch (child.status) {
    case "NotStarted":
    case "Running":
      return does === "demote" && (await isOutMeanwhile(deps, child))
        ? proceed(
            `${versionName} is excluded from latest until its deletion has ended; if that comes to nothing, operation ${child.id} keeps it so.`,
            context,
          )
        : follow(step, child, context);
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
    if (isGone(child.error) && survey.behind.has(versionName))
      return waitFor([versionName], context);
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

/** What is to be demoted is excluded from latest already, for its deletion, which the demotion waits for and the rollback does not. */
async function isOutMeanwhile(
  { store }: Dependencies,
  { status, resourceId }: OperationRecord,
): Promise<boolean> {
  if (status !== "NotStarted") return false;
  const record = await store.readRecord(keyOf(resourceId));
  return record !== undefined && openDeletionIn(record) !== undefined;
}

/** Asks for the change, or sees what has become of it; undefined where what is to be demoted seems to be gone. */
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
    if (does === "demote" && isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === "ImageVersionGone" || code === "NotFound";
}
