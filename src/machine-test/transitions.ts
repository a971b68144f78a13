/**
 * The states of a test of an image version, and their transitions. Pure. Invariants, in addition to
 * those of each region (region.ts):
 *  1. Whoever stored the look that requires a call to Azure makes it, with the message of the next
 *     step already queued.
 *  2. The test ends when no region has anything left to do: Succeeded if each passed, Canceled if
 *     canceled, else Failed; `TestFailed` if a region failed, `TestInconclusive` if none did.
 *  3. A region's result is reported once, when it is known. A machine that Sigil could not delete
 *     is reported.
 *  4. Each result is stored as a test result of the version before the test ends.
 *  5. The resource groups of the machines are listed before the first machine is created, and the
 *     timer checks them forever.
 */
import { MACHINE_TEST_EVENT } from "../events/machine-test-events.js";
import { groupId, type Group } from "../leftovers/ports.js";
import { advance, event } from "../operation/advance.js";
import { cancellation } from "../operation/canceling.js";
import { indexed } from "../operation/catalog.js";
import { fail } from "../operation/failing.js";
import type { TransitionContext } from "../operation/ports.js";
import {
  newRecord,
  operationIdOf,
  type Effect,
  type IndexRow,
  type OperationRecord,
  type Pair,
  type Requester,
} from "../operation/records.js";
import { testsOf, type RegionTestRecord } from "./region-record.js";
import { nextSequence } from "../operation/sequence.js";
import { pollDelayMs } from "../operation/waiting.js";
import type { Refusal } from "./ports.js";
import type { MachinePlan } from "./machine.js";
import type { TestProfile } from "./profile.js";
import type { TestRecord } from "./record.js";
import {
  abandon,
  answer,
  beginDue,
  hasMachine,
  hindered,
  isOver,
  newRegionTest,
  see,
  type Answer,
  type Sight,
  type Terms,
} from "./region.js";

export type TestPair = Pair<TestRecord>;

interface TestInput {
  readonly key: string;
  /** Id of the version. */
  readonly resourceId: string;
  readonly profile: TestProfile;
  /** Canonical regions, each with its machine size. */
  readonly regions: readonly {
    readonly name: string;
    readonly machineSize: string;
  }[];
  readonly fingerprint: string;
  readonly requestedBy: Requester;
  readonly requestKey?: string;
  readonly traceparent: string;
}

export function accept(
  input: TestInput,
  previous: TestRecord | undefined,
  context: TransitionContext,
): TestPair {
  const time = context.now.toISOString();
  const { key, resourceId, profile, fingerprint, requestedBy } = input;
  const record: TestRecord = {
    ...newRecord(
      {
        key,
        resourceId,
        state: "TestRequested",
        sequence: nextSequence(previous, context.now),
      },
      time,
      previous?.createdTime,
    ),
    profile,
    plans: [],
  };
  const operation: OperationRecord = {
    id: operationIdOf(record),
    kind: "TestImageVersion",
    status: "NotStarted",
    resourceId,
    fingerprint,
    createdTime: time,
    lastUpdatedTime: time,
    requestedBy,
    traceparent: input.traceparent,
    ...(input.requestKey !== undefined && { requestKey: input.requestKey }),
    regions: [],
    detail: input.regions.map(({ name, machineSize }) => newRegionTest(name, machineSize)),
    history: [],
  };
  return advance({ record, operation }, context, {
    patch: { state: "TestRequested" },
    message: "Sigil stored the request and queued its work.",
    effects: [
      indexed(operation, context),
      event(operation, context, MACHINE_TEST_EVENT.requested, "requested", {
        requestedBy,
        regions: input.regions.map(({ name }) => name),
      }),
    ],
  });
}

/** Stores the plans, and ends the regions where no machine can be created now as inconclusive. */
export function planned(
  pair: TestPair,
  { plans, publishedDate }: Pick<TestRecord, "plans" | "publishedDate">,
  hindrances: ReadonlyMap<string, Refusal>,
  context: TransitionContext,
): TestPair {
  const { profile } = pair.record;
  const before = testsOf(pair.operation);
  const tests = before.map((test) => {
    const reason = hindrances.get(test.name);
    return reason === undefined ? test : timed(test, hindered(test, reason), context);
  });
  const free = tests.filter((test) => !isOver(test)).map(({ name }) => name);
  return advance(pair, context, {
    patch: {
      state: "Testing",
      plans,
      ...(publishedDate !== undefined && { publishedDate }),
      ticks: 0,
    },
    operation: { detail: tests },
    message:
      free.length === 0
        ? "No machine can be made."
        : `Sigil will create a machine in ${free.join(", ")}, at most ${profile.concurrency} at a time.`,
    waitMs: 0,
    effects: [
      { kind: "index", put: plans.map(groupRow), remove: [] }, // Invariant 5.
      ...tests.flatMap((test, i) => told(pair.operation, before[i], test, context)),
    ],
  });
}

/** The index of resource groups that the timer checks for leftover machines. */
export const GROUP_SCOPE = "machine-test-groups";

function groupRow(plan: MachinePlan): IndexRow {
  const target = groupId(plan).toLowerCase();
  return { scope: GROUP_SCOPE, row: target.replaceAll("/", "|"), target };
}

/** The resource group of such a row. */
export function groupIn({ target }: Pick<IndexRow, "target">): Group {
  const [, , subscriptionId = "", , resourceGroupName = ""] = target.split("/");
  return { subscriptionId, resourceGroupName };
}

/** The tests of the regions, with those begun whose turn it is; the next look reads these. */
export function begun(pair: TestPair, context: TransitionContext): readonly RegionTestRecord[] {
  const { record, operation } = pair;
  const tests = testsOf(operation);
  return record.canceledBy === undefined
    ? beginDue(tests, record.profile.concurrency, termsIn(pair, context))
    : tests;
}

/** The conditions of a region's test, by region name. */
export function termsIn(
  { record, operation }: TestPair,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): (region: string) => Terms {
  return (region) => {
    const plan = record.plans.find((one) => one.region === region);
    if (plan === undefined) throw new TypeError(`${region} has no plan`);
    return {
      operationId: operation.id,
      profile: record.profile,
      plan,
      now,
      pace,
    };
  };
}

/** Applies one look at each region that has a machine, or may have one. */
export function observe(
  pair: TestPair,
  sights: ReadonlyMap<string, Sight>,
  context: TransitionContext,
): TestPair {
  const termsOf = termsIn(pair, context);
  const tests = begun(pair, context).map((test) => {
    const sight = sights.get(test.name);
    return sight === undefined ? test : see(test, sight, termsOf(test.name));
  });
  return goOn(pair, tests, context);
}

/** Applies Azure's answers, by region. */
export function answered(
  pair: TestPair,
  answers: ReadonlyMap<string, Answer>,
  context: TransitionContext,
): TestPair {
  const termsOf = termsIn(pair, context);
  const tests = testsOf(pair.operation).map((test) => {
    const given = answers.get(test.name);
    return given === undefined ? test : answer(test, given, termsOf(test.name));
  });
  return goOn(pair, tests, context);
}

/** Whether its result is not yet among the version's test results. */
export function isUnreported({ result, work }: RegionTestRecord): boolean {
  return result !== undefined && work.resultTime !== undefined && work.reported !== true;
}

/** Marks the results of these regions as stored, or as never to be. */
export function reported(pair: TestPair, regions: readonly string[]): TestPair {
  const tests = testsOf(pair.operation).map((test) =>
    regions.includes(test.name)
      ? { ...test, work: { ...test.work, reported: true as const } }
      : test,
  );
  return { ...pair, operation: { ...pair.operation, detail: tests } };
}

/** A new result gets its time. */
function timed(
  before: RegionTestRecord | undefined,
  test: RegionTestRecord,
  { now }: TransitionContext,
): RegionTestRecord {
  return test.result === undefined || before?.result !== undefined
    ? test
    : { ...test, work: { ...test.work, resultTime: now.toISOString() } };
}

/** Reports changes and sets the time of the next look, or ends the test. */
function goOn(
  pair: TestPair,
  seen: readonly RegionTestRecord[],
  context: TransitionContext,
): TestPair {
  const before = testsOf(pair.operation);
  const tests = seen.map((test, i) => timed(before[i], test, context));
  const changes = tests.flatMap((test, i) => sentenceOf(before[i], test));
  const effects = tests.flatMap((test, i) => told(pair.operation, before[i], test, context));
  const next = { ...pair, operation: { ...pair.operation, detail: tests } };
  const open = tests.some(isUnreported); // Invariant 4.
  if (tests.every(isOver) && !open) return end(next, changes, effects, context);
  const ticks = changes.length > 0 ? 0 : pair.record.ticks + 1;
  const asks = tests.some(({ work: { todo } }) => todo !== undefined);
  return advance(next, context, {
    patch: { state: "Testing", ticks },
    operation: { detail: tests },
    ...(changes.length > 0 && { message: changes.join(" ") }),
    ...(changes.length === 0 && { waits: waitsFor(tests) }),
    effects,
    // Invariant 1: if this process dies with calls in flight, the next step comes when they cannot
    // be any more.
    waitMs: asks
      ? context.pace.putTimeoutMs * 2
      : open && ticks === 0
        ? 0
        : untilNext(tests, ticks, context),
  });
}

function waitsFor(tests: readonly RegionTestRecord[]): string {
  const open = tests.filter((test) => !isOver(test));
  return open.length === 0
    ? "Sigil has yet to store its results."
    : `${open.map(({ name, state }) => `${name} is ${state}`).join(", ")}.`;
}

/** The next poll while there is a machine; else the time of the next attempt. */
function untilNext(
  tests: readonly RegionTestRecord[],
  ticks: number,
  { now, pace }: TransitionContext,
): number {
  const pollMs = pollDelayMs(ticks, pace);
  const times = tests.flatMap(({ state, nextAttemptTime }) =>
    nextAttemptTime !== undefined && (state === "Waiting" || state === "Kept")
      ? [Date.parse(nextAttemptTime) - now.getTime()]
      : [],
  );
  const isPolled = tests.some(
    (test) => isUnreported(test) || (hasMachine(test) && test.state !== "Kept"),
  );
  const soonest = Math.max(0, Math.min(...times));
  return isPolled ? pollMs : Number.isFinite(soonest) ? soonest : pollMs;
}

function sentenceOf(
  before: RegionTestRecord | undefined,
  test: RegionTestRecord,
): readonly string[] {
  if (before?.state === test.state && before.attempts === test.attempts) return [];
  const { name, state, attempts, attemptsAllowed, reason, result } = test;
  const why = reason === undefined ? "" : ` ${reason.code}: ${reason.message}`;
  switch (state) {
    case "Creating":
      return [`${name}: a machine is being created (attempt ${attempts} of ${attemptsAllowed}).`];
    case "Starting":
      return [`${name}: the machine is starting.`];
    case "Proving":
      return [`${name}: the machine is provisioned; Sigil is waiting for proof of its start.`];
    case "Kept":
      return [`${name}: ${result}.${why} The machine is kept until ${test.nextAttemptTime}.`];
    case "Deleting":
      return [
        result === undefined
          ? `${name}: the machine is being deleted.${why}`
          : `${name}: ${result}.${result === "passed" ? "" : why} The machine is being deleted.`,
      ];
    case "Waiting":
      return [`${name}: the next attempt is at ${test.nextAttemptTime}.`];
    case "Gone":
      return [`${name}: nothing of the machine is left.`];
    case "Left":
      return [`${name}: Sigil could not delete ${test.left?.join(", ")}.`];
  }
}

/** Invariant 3. */
function told(
  operation: OperationRecord,
  before: RegionTestRecord | undefined,
  test: RegionTestRecord,
  context: TransitionContext,
): readonly Effect[] {
  const effects: Effect[] = [];
  const { result } = test;
  if (result !== undefined && before?.result === undefined)
    effects.push(
      event(
        operation,
        context,
        MACHINE_TEST_EVENT.regionTested,
        `${test.name}/tested`,
        resultOf({ ...test, result }),
      ),
    );
  if (test.state === "Left" && before?.state !== "Left")
    effects.push(
      event(operation, context, MACHINE_TEST_EVENT.machineLeft, `${test.name}/left`, {
        region: test.name,
        resources: [...(test.left ?? [])],
        reason: "Azure did not delete it long after its deadline. Delete it by hand.",
      }),
    );
  return effects;
}

function resultOf({
  name,
  result,
  reason,
  machineId,
  attempts,
  createdTime,
  startedTime,
  provenTime,
  agentVersion,
  disks,
}: RegionTestRecord & {
  readonly result: NonNullable<RegionTestRecord["result"]>;
}) {
  return {
    region: name,
    result,
    attempts,
    ...(reason && { reason }),
    ...(machineId !== undefined && { machineId }),
    ...(createdTime !== undefined && { createdTime }),
    ...(startedTime !== undefined && { startedTime }),
    ...(provenTime !== undefined && { provenTime }),
    ...(agentVersion !== undefined && { agentVersion }),
    ...(disks && { disks: [...disks] }),
  };
}

/** Each region and its result, for the event that ends a test; `result` absent: canceled before. */
export function resultsIn(operation: OperationRecord) {
  return testsOf(operation).map(({ name, result, reason }) => ({
    name,
    ...(result !== undefined && { result }),
    ...(reason && { reason }),
  }));
}

/** Invariant 2. */
function end(
  pair: TestPair,
  changes: readonly string[],
  effects: readonly Effect[],
  context: TransitionContext,
): TestPair {
  const { record, operation } = pair;
  const tests = testsOf(operation);
  const { canceledBy } = record;
  const left = tests.flatMap((test) => test.left ?? []);
  if (canceledBy !== undefined)
    return advance(pair, context, {
      patch: { state: "Canceled" },
      operation: { detail: tests },
      effects,
      ending: (one) =>
        cancellation(
          { ...one, detail: tests },
          left.length === 0
            ? "No machine is left, and none will be created."
            : `No machine will be created. Sigil could not delete: ${left.join(", ")}.`,
          canceledBy,
          context,
        ),
    });
  const named = (result: RegionTestRecord["result"]): readonly string[] =>
    tests.filter((test) => test.result === result).map(({ name }) => name);
  const bad = named("failed");
  const open = tests
    .filter(({ result }) => result !== "passed" && result !== "failed")
    .map(({ name }) => name);
  if (bad.length + open.length > 0)
    return fail(
      pair,
      {
        code: bad.length > 0 ? "TestFailed" : "TestInconclusive",
        message: [
          ...(bad.length > 0 ? [`The version failed its test in ${bad.join(", ")}.`] : []),
          ...(open.length > 0
            ? [
                `Its test in ${open.join(", ")} was inconclusive, which says nothing about the version. Fix the causes, and test again.`,
              ]
            : []),
        ].join(" "),
        errors: tests.flatMap(({ name, result, reason }) =>
          reason === undefined || result === "passed"
            ? []
            : [
                {
                  code: reason.code,
                  pointer: "",
                  message: `${name}: ${reason.message}`,
                },
              ],
        ),
      },
      context,
      effects,
    );
  return advance(pair, context, {
    patch: { state: "Succeeded" },
    operation: { detail: tests },
    message: [...changes, `The version passed its test in ${named("passed").join(", ")}.`].join(
      " ",
    ),
    effects: [
      ...effects,
      event(operation, context, MACHINE_TEST_EVENT.tested, "tested", {
        regions: tests.map(({ name }) => name),
      }),
    ],
  });
}

/**
 * Deletes machines that may exist first; undefined if there are none, so that the test ends at
 * once.
 */
export function beginCancel(
  pair: TestPair,
  operationId: string,
  canceledBy: Requester,
  context: TransitionContext,
): TestPair | undefined {
  const { record, operation } = pair;
  if (operation.id !== operationId) return undefined;
  if (record.canceledBy !== undefined) return pair;
  const tests = testsOf(operation);
  if (!tests.some((test) => hasMachine(test) || isUnreported(test))) return undefined;
  return advance({ record: { ...record, canceledBy }, operation }, context, {
    patch: { state: "Testing", ticks: 0 },
    operation: { detail: tests.map(abandon) },
    message: "The test is being canceled, and its machines deleted.",
    waitMs: 0,
  });
}
