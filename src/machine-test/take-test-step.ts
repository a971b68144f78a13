/**
 * Takes the steps of a test: reads each region's machine, stores what that means, then calls Azure.
 */
import { ServiceError } from "../errors.js";
import { DEADLINE_TAG, OPERATION_TAG } from "../leftovers/ports.js";
import { fail } from "../operation/failing.js";
import { hasEnded } from "../operation/kinds.js";
import type { Stored } from "../operation/ports.js";
import { postponeOrFail } from "../operation/postponing.js";
import { testsOf, type RegionTestRecord, type TestedDisk } from "./region-record.js";
import { commitStep, contextOf } from "../operation/steps.js";
import { parseImageVersionId } from "../resource-id.js";
import { reportTestResult } from "../test-results/report.js";
import { MACHINE_TEST } from "../test-results/results.js";
import { diskId, type MachineName, type MachinePlan } from "./machine.js";
import { hindranceIn, planMachines } from "./plan-machines.js";
import type { Refusal, SeenMachine, TestDependencies } from "./ports.js";
import type { TestRecord } from "./record.js";
import {
  isLookedAt,
  machineOf,
  type Answer,
  type SeenProof,
  type Sight,
  type Terms,
} from "./region.js";
import {
  answered,
  begun,
  isUnreported,
  observe,
  planned,
  reported,
  termsIn,
} from "./transitions.js";

type StoredTest = Stored<TestRecord>;

/** The API's limit for a result's message. */
const LONGEST_MESSAGE = 1_024;

export async function takeTestStep(deps: TestDependencies, stored: StoredTest): Promise<void> {
  if (stored.record.state === "TestRequested") return plan(deps, stored);
  const termsOf = termsIn(stored, contextOf(deps));
  const sights = new Map(
    await Promise.all(
      begun(stored, contextOf(deps))
        .filter((test) => isLookedAt(test, deps.now()))
        .map(async (test) => [test.name, await lookAt(deps, test, termsOf(test.name))] as const),
    ),
  );
  const done = await report(deps, stored);
  const { stored: mine } =
    (await commitStep(deps, stored, (pair) =>
      observe(reported(pair, done), sights, contextOf(deps)),
    )) ?? {};
  // Another host has taken the step, or the test has ended. The calls are not ours to make.
  if (mine === undefined || hasEnded(deps, mine)) return;
  return ask(deps, mine);
}

/**
 * Reports results as test results of the version, each with the time it was stored, so repeating it
 * changes nothing. Returns the regions whose results are stored or can never be, for example
 * because the version is gone.
 */
async function report(
  deps: TestDependencies,
  { record, operation }: StoredTest,
): Promise<readonly string[]> {
  const id = parseImageVersionId(record.resourceId);
  const done: string[] = [];
  for (const { name, result, reason, work } of testsOf(operation).filter(isUnreported)) {
    if (id === undefined || result === undefined) continue;
    const why = reason === undefined ? "" : ` ${reason.code}: ${reason.message}`;
    try {
      await reportTestResult(deps, {
        id,
        report: {
          name: MACHINE_TEST,
          region: name,
          result,
          message: `Operation ${operation.id}.${why}`.slice(0, LONGEST_MESSAGE),
        },
        ...(work.resultTime !== undefined && { time: work.resultTime }),
        ...(work.begunTime !== undefined && { begunTime: work.begunTime }),
        ...(record.publishedDate !== undefined && {
          life: record.publishedDate,
        }),
        reportedBy: { policy: "machineTest" },
        traceparent: operation.traceparent,
      });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.retryable) continue;
    }
    done.push(name);
  }
  return done;
}

/** Plans the machines for the version as Azure has it. */
async function plan(deps: TestDependencies, stored: StoredTest): Promise<void> {
  const { record, operation } = stored;
  const id = parseImageVersionId(record.resourceId);
  if (id === undefined) throw new TypeError(`${record.resourceId} is not an image version's id`);
  let plans: readonly MachinePlan[] | undefined;
  let life: Pick<TestRecord, "publishedDate"> = {};
  const hindrances = new Map<string, Refusal>();
  try {
    const regions = testsOf(operation).map(({ name }) => name);
    const found = await planMachines(deps, id, record.profile, regions);
    if (found !== undefined) {
      const { publishedDate } = found;
      life = publishedDate === undefined ? {} : { publishedDate };
      plans = found.plans;
      for (const { region } of plans) {
        const hindrance = await hindranceIn(deps, record.profile, region);
        if (hindrance !== undefined) hindrances.set(region, hindrance);
      }
    }
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  await commitStep(deps, stored, (pair) =>
    plans === undefined
      ? fail(
          pair,
          {
            code: "ImageVersionGone",
            message: `Azure no longer has ${record.resourceId}, so there is nothing to test.`,
            errors: [],
          },
          contextOf(deps),
        )
      : planned(pair, { plans, ...life }, hindrances, contextOf(deps)),
  );
}

/** Reads a region's machine, as far as its state needs it. */
async function lookAt(
  deps: TestDependencies,
  test: RegionTestRecord,
  terms: Terms,
): Promise<Sight> {
  const name = machineOf(test, terms);
  try {
    const machine = await deps.machines.getMachine(name);
    if (test.state === "Deleting" || test.state === "Kept")
      return machine === undefined ? { left: await leftOf(deps, test, terms) } : { machine };
    if (machine === undefined) return {};
    const isProvisioned = machine.provisioningState === "Succeeded" && machine.isRunning;
    if (!isProvisioned && test.state !== "Proving") return { machine };
    const proof = await proofOf(deps, machine, terms, name);
    return {
      machine,
      proof,
      ...(proof.kind === "proven" && {
        disks: await disksOf(deps, terms, name),
      }),
    };
  } catch (error) {
    return { error: refusalIn(error) };
  }
}

async function disksOf(
  { machines }: TestDependencies,
  { plan: { disks } }: Terms,
  name: MachineName,
): Promise<ReadonlyMap<number | undefined, TestedDisk>> {
  const found = await Promise.all(disks.map(({ lun }) => machines.getDisk(diskId(name, lun), lun)));
  return new Map(found.flatMap((disk) => (disk === undefined ? [] : [[disk.lun, disk] as const])));
}

async function proofOf(
  { proofs }: TestDependencies,
  machine: SeenMachine,
  { profile: { proof } }: Terms,
  name: MachineName,
): Promise<SeenProof> {
  switch (proof.kind) {
    case "agentReady":
      return { kind: machine.isAgentReady ? "proven" : "pending" };
    case "serialLog": {
      const output = (await proofs.getSerialLog(name)) ?? "";
      return {
        kind: output.includes(proof.text) ? "proven" : "pending",
        output,
      };
    }
    case "runCommand": {
      const result = await proofs.getScriptResult(name);
      // Only an agent runs a script.
      if (result === undefined) return { kind: machine.isAgentReady ? "notBegun" : "pending" };
      const { isDone, exitCode, output } = result;
      if (!isDone) return { kind: "pending", output };
      return exitCode === 0
        ? { kind: "proven", output }
        : {
            kind: "refuted",
            output,
            code: "ScriptFailed",
            message:
              exitCode === undefined
                ? "The script did not finish."
                : `The script ended with exit code ${exitCode}.`,
          };
    }
  }
}

/** What exists although its machine does not: found by tag, and by known names. */
async function leftOf(
  { parts }: TestDependencies,
  test: RegionTestRecord,
  terms: Terms,
): Promise<readonly string[]> {
  const { name, ...group } = machineOf(test, terms);
  const tagged = await parts.listTagged(group, OPERATION_TAG, terms.operationId);
  const known = [
    ...terms.plan.disks.map(({ lun }) => diskId({ ...group, name }, lun)),
    ...(test.work.interfaceIds ?? []),
  ];
  const ids = [
    ...known,
    ...tagged.filter(
      (id) =>
        nameIn(id).startsWith(`${name}-`) &&
        !known.some((other) => other.toLowerCase() === id.toLowerCase()),
    ),
  ];
  const found = await Promise.all(
    ids.map(async (id) => ((await parts.getResource(id)) === undefined ? [] : [id])),
  );
  return found.flat();
}

function nameIn(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}

/** Makes the calls of each region and stores Azure's answers. */
async function ask(deps: TestDependencies, mine: StoredTest): Promise<void> {
  const termsOf = termsIn(mine, contextOf(deps));
  const answers = new Map(
    (
      await Promise.all(
        testsOf(mine.operation).map(async (test) => {
          const { todo } = test.work;
          return todo === undefined
            ? []
            : [[test.name, await answerTo(() => call(deps, test, termsOf(test.name)))] as const];
        }),
      )
    ).flat(),
  );
  if (answers.size === 0) return;
  await commitStep(deps, mine, (pair) => answered(pair, answers, contextOf(deps)));
}

async function call(
  { machines, proofs, parts }: TestDependencies,
  test: RegionTestRecord,
  terms: Terms,
): Promise<Refusal | undefined> {
  const name = machineOf(test, terms);
  const { proof, proofMinutes } = terms.profile;
  switch (test.work.todo) {
    case "create":
      return machines.createMachine(name, terms.plan, {
        [OPERATION_TAG]: terms.operationId,
        [DEADLINE_TAG]: test.deadline ?? "",
      });
    case "prove":
      return proof.kind === "runCommand"
        ? proofs.startScript(name, terms.plan, proof.script, proofMinutes * 60)
        : undefined;
    case "delete":
      await machines.deleteMachine(name);
      return undefined;
    case "deleteParts":
      for (const id of test.work.parts ?? []) await parts.deleteResource(id);
      return undefined;
    default:
      return undefined;
  }
}

/**
 * Turns a call's outcome into an answer for the state machine. Throws anything but a ServiceError.
 */
async function answerTo(run: () => Promise<Refusal | undefined>): Promise<Answer> {
  try {
    const refusal = await run();
    return refusal === undefined ? { kind: "done" } : { kind: "refused", ...refusal };
  } catch (error) {
    const refusal = refusalIn(error);
    const { retryAfterMs } = error as ServiceError;
    if (refusal.code === "ResourceManagerUnavailable") return { kind: "unknown" };
    return retryAfterMs === undefined
      ? { kind: "refused", ...refusal }
      : { kind: "delayed", retryAfterMs, ...refusal };
  }
}

function refusalIn(error: unknown): Refusal {
  if (!(error instanceof ServiceError)) throw error;
  const { code, message } = error;
  return { code, message };
}
