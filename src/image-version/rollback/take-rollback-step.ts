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
import { IMAGE_EVENT } from "../../events/image-events.js";
import { advance, event } from "../../operation/advance.js";
import { cancel } from "../../operation/canceling.js";
import { fail } from "../../operation/failing.js";
import { hasEnded, stateOf } from "../../operation/kinds.js";
import type { OperationDependencies, Stored } from "../../operation/ports.js";
import type {
  OperationFailure,
  OperationRecord,
  Pair,
  Requester,
  RollbackRecord,
} from "../../operation/records.js";
import { isFinalState } from "../../operation/states.js";
import {
  currentFor,
  contextOf,
  commitStep,
  type StepMessage,
} from "../../operation/steps.js";
import { pollDelayMs, wait } from "../../operation/waiting.js";
import { keyOf, parseImageVersionId } from "../../resource-id.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../commands/by-hand.js";
import type { Dependencies } from "../ports.js";
import type { Candidate, Latest } from "../latest/latest-after.js";
import { openDeletionIn } from "../state/deletion.js";
import { compareVersionNumbers } from "../version-numbers.js";
import { rollbackOf } from "./kind.js";
import type { RollbackStateRecord, RollbackStep } from "./record.js";
import { surveyedLatest, surveyOf, type Survey } from "./survey.js";
import {
  describeLatest,
  lostLatest,
  lostTarget,
  notTheLatest,
  withLatest,
} from "./verdict.js";

type RollbackPair = Pair<RollbackStateRecord>;
type Transition = (pair: RollbackPair) => RollbackPair;

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
  stored: Stored<RollbackStateRecord>,
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
  { record, operation }: Stored<RollbackStateRecord>,
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
  stored: Stored<RollbackStateRecord>,
): Promise<Transition> {
  const { record, operation } = stored;
  const rollback = rollbackOf(operation);
  const step = record.steps[record.done];
  if (step === undefined || record.child === undefined) {
    const survey = await surveyOf(deps, record.resourceId);
    const left = record.steps.slice(record.done);
    const lost = await lostTarget(survey, rollback, left);
    const latest = await surveyedLatest(survey);
    const why =
      lost ??
      (step === undefined
        ? notTheLatest(rollback, latest)
        : await lostLatest(survey, rollback, left));
    if (why !== undefined) return (pair) => doubt(pair, why, latest, deps);
    // Invariant 6.
    const unsure = behindIn(survey, rollback, step);
    if (unsure.length > 0) return (pair) => waitFor(pair, unsure, deps);
    if (step === undefined) return (pair) => complete(pair, latest, deps);
  }
  const child = await childOf(deps, stored, step);
  if (child === undefined) {
    const survey = await surveyOf(deps, record.resourceId);
    return (await foundIn(survey, step)) === undefined
      ? (pair) => withoutDemotion(pair, step, deps)
      : (pair) => waitFor(pair, [step.versionName], deps);
  }
  switch (child.status) {
    case "NotStarted":
    case "Running":
      return step.does === "demote" && (await isOutMeanwhile(deps, child))
        ? (pair) =>
            proceed(
              pair,
              `${step.versionName} is excluded from latest until its deletion has ended; if that comes to nothing, operation ${child.id} keeps it so.`,
              deps,
            )
        : (pair) => follow(pair, step, child, deps);
    case "Succeeded":
      return (pair) => proceed(pair, undefined, deps);
    case "Failed":
    case "Canceled": {
      const survey = await surveyOf(deps, record.resourceId);
      if (step.does === "demote") {
        const found = await foundIn(survey, step);
        if (found === undefined)
          return (pair) => withoutDemotion(pair, step, deps);
        if (isGone(child.error) && survey.behind.has(step.versionName))
          return (pair) => waitFor(pair, [step.versionName], deps);
        if (found.provisioningState === "Deleting")
          return (pair) =>
            wait(
              pair,
              `Azure deletes ${step.versionName}: once it is gone, there is nothing to demote.`,
              deps.pace.pollMaxMs,
              contextOf(deps),
            );
      }
      const latest = await surveyedLatest(survey);
      return (pair) =>
        stop(pair, refusalOf(step, child), latest, deps, isSent(child));
    }
  }
}

/** What is to be seen before the next step: the target; before the end, also each version that could be in its place. */
function behindIn(
  { behind }: Survey,
  { to }: RollbackRecord,
  step: RollbackStep | undefined,
): readonly string[] {
  return [...behind].filter((name) =>
    step === undefined ? compareVersionNumbers(name, to) >= 0 : name === to,
  );
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

/** Something of it may have reached Azure. */
function isSent({ startedTime }: OperationRecord): boolean {
  return startedTime !== undefined;
}

/** Asks for the change, or sees what has become of it; undefined where what is to be demoted seems to be gone. */
async function childOf(
  deps: Dependencies,
  { record, operation }: Stored<RollbackStateRecord>,
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

function refusalOf(
  { versionName, does }: RollbackStep,
  { id, status, error }: OperationRecord,
): OperationFailure {
  return {
    code: error?.code ?? "RollbackRefused",
    message:
      `${versionName} was not ${does}d (operation ${id}, ${status}). ${error?.message ?? ""}`.trim(),
    errors: error?.errors ?? [],
  };
}

/** What the change waits for, if it does. While its write is tried again that is what it was before. */
function waitReasonOf(
  { id, waitReason, waitingSince }: OperationRecord,
  before: OperationRecord,
): string | undefined {
  if (waitReason !== undefined) return `Operation ${id} waits: ${waitReason}`;
  return waitingSince === undefined ? undefined : before.waitReason;
}

/** The change is asked for, or goes on. What it waits for, the rollback waits for. */
function follow(
  { record: { doubtedTime: _, ...record }, operation }: RollbackPair,
  { versionName, does }: RollbackStep,
  child: OperationRecord,
  deps: Dependencies,
): RollbackPair {
  const begins = record.child === undefined;
  const reason = waitReasonOf(child, operation);
  return advance({ record, operation }, contextOf(deps), {
    patch: {
      state: "RollingBack",
      child: child.id,
      ticks: begins ? 0 : record.ticks + 1,
    },
    ...(begins && {
      message: `${versionName} is ${does}d: operation ${child.id}.`,
    }),
    ...(reason !== undefined && { waits: reason }),
    resumes: child.waitingSince === undefined,
    waitMs: pollDelayMs(record.ticks, deps.pace),
  });
}

/** One step is done. */
function proceed(
  { record: { child: _, doubtedTime: __, ...record }, operation }: RollbackPair,
  message: string | undefined,
  deps: Dependencies,
): RollbackPair {
  return advance({ record, operation }, contextOf(deps), {
    patch: { state: "RollingBack", done: record.done + 1, ticks: 0 },
    resumes: true,
    ...(message !== undefined && { message }),
    waitMs: 0,
  });
}

/** Invariant 3. */
function withoutDemotion(
  pair: RollbackPair,
  { versionName }: RollbackStep,
  deps: Dependencies,
): RollbackPair {
  return proceed(
    pair,
    `${versionName} is gone: there is nothing to demote.`,
    deps,
  );
}

/** Invariant 6. */
function waitFor(
  pair: RollbackPair,
  names: readonly string[],
  deps: Dependencies,
): RollbackPair {
  return wait(pair, unsureOf(names), deps.pace.pollInitialMs, contextOf(deps));
}

function unsureOf(names: readonly string[]): string {
  return `Azure shows ${names.join(", ")} as before Sigil's last change or creation, or answers that it has none while it lists it; or others have taken that back.`;
}

/** Invariant 5. */
function doubt(
  pair: RollbackPair,
  why: OperationFailure,
  latest: Latest,
  deps: Dependencies,
): RollbackPair {
  const context = contextOf(deps);
  const { confirmMs } = context.pace;
  const { doubtedTime = context.now.toISOString() } = pair.record;
  return context.now.getTime() - Date.parse(doubtedTime) >= confirmMs
    ? stop(pair, why, latest, deps)
    : wait(
        { ...pair, record: { ...pair.record, doubtedTime } },
        `${why.message} The next poll decides.`,
        confirmMs,
        context,
      );
}

function stop(
  pair: RollbackPair,
  { code, message, errors }: OperationFailure,
  latest: Latest,
  deps: Dependencies,
  hasSent = false,
): RollbackPair {
  const rollback = withLatest(rollbackOf(pair.operation), latest);
  const changed =
    pair.record.done === 0 && !hasSent
      ? "Nothing was changed before that."
      : "What was changed before that stays.";
  return fail(
    { ...pair, operation: { ...pair.operation, rollback } },
    {
      code,
      message: `The rollback has stopped: ${message} ${changed} ${describeLatest(rollback)} Roll back again, to another version where this one cannot be used, or promote one by hand.`,
      errors,
    },
    contextOf(deps),
  );
}

function complete(
  pair: RollbackPair,
  latest: Latest,
  deps: Dependencies,
): RollbackPair {
  const rollback = withLatest(rollbackOf(pair.operation), latest);
  const context = contextOf(deps);
  return advance(
    { ...pair, operation: { ...pair.operation, rollback } },
    context,
    {
      patch: { state: "Succeeded" },
      ending: (operation) => ({
        status: "Succeeded",
        message: `${rollback.to} is the latest${rollback.from === rollback.to ? "" : ` in place of ${rollback.from}`}. ${describeLatest(rollback)}`,
        event: event(
          operation,
          context,
          IMAGE_EVENT.rollbackCompleted,
          "completed",
          { ...rollback },
        ),
      }),
    },
  );
}
