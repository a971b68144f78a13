import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestDependencies } from "../../../src/machine-test/ports.js";
import { testKeyOf } from "../../../src/machine-test/record.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import {
  crashRun,
  drive,
  send,
  sendOrLeave,
  work,
  type CrashRun,
} from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import { seedVersionId } from "../../support/requests.js";
import { nthOf } from "../../support/operation-ids.js";
import { startMachineTests, type MachineTests } from "./support.js";
import { testsOf } from "../../../src/machine-test/region-record.js";

const MOST_RUNS = 700;

/** One version, tested in one region by a process of its own. */
interface Run extends CrashRun<TestDependencies> {
  readonly versionId: string;
}

const SCENARIOS = [
  { title: "a test that passes", isCanceled: false },
  {
    title: "a test that is canceled while its machine is made",
    isCanceled: true,
  },
] as const;

describe.each(SCENARIOS)("a failure at any port call of $title", ({ isCanceled }) => {
  let world: MachineTests;
  let runs = 0;
  let calls: readonly string[];
  beforeAll(async () => {
    world = await startMachineTests({
      versions: Array.from({ length: MOST_RUNS }, (_, i) => seedVersionId(`1.0.${i + 1}`)),
      profile: { proof: { kind: "runCommand", script: "check" } },
    });
    const run = startRun({ failure: undefined, redelivered: true });
    await play([run]);
    await expectDone([run]);
    ({ calls } = run.process);
  });
  afterAll(() => world.close());

  for (const { title, at } of CRASHES)
    test(title, async () => {
      const all = at(calls).map(startRun);
      await play(all);
      await expectDone(all);
    });

  function startRun(crash: Crash): Run {
    runs += 1;
    expect(runs).toBeLessThanOrEqual(MOST_RUNS);
    const versionId = seedVersionId(`1.0.${runs}`);
    // One caller begins them all; what is not accepted is asked for again, and counts each time.
    const limits = {
      ...world.deps.limits,
      testsPerDay: Infinity,
      machines: Infinity,
    };
    return {
      versionId,
      ...crashRun({ ...world.deps, limits }, testKeyOf(versionId), crash),
    };
  }

  async function play(all: readonly Run[]): Promise<void> {
    await Promise.all(
      all.map((run) =>
        sendOrLeave(world, run, (deps) =>
          world.test({ versionId: run.versionId, regions: ["westus"] }, deps),
        ),
      ),
    );
    if (isCanceled) {
      // The step after the next one asks for the machine: it is under way, or its process is dead.
      await work(world, all);
      await Promise.all(
        all.map((run) =>
          send(run, async (deps) =>
            cancelOperation(
              {
                ...deps,
                store: deps.store,
              },
              (await world.read(run.versionId)).operation.id,
              { appId: "operator" },
            ),
          ),
        ),
      );
    }
    await drive(world, all);
  }

  /** What every run must have come to, whatever failed on the way. */
  async function expectDone(all: readonly Run[]): Promise<void> {
    const events = await world.takeEvents();
    const puts = world.simulator.control
      .requests()
      .filter(
        ({ method, path, status }) =>
          method === "PUT" && /\/virtualMachines\/[^/]+$/u.test(path) && status < 300,
      );
    expect(world.there()).toEqual([]);
    for (const run of all) {
      const { record, operation } = await world.read(run.versionId);
      const [region] = testsOf(operation);
      expect(operation, run.name).toMatchObject({
        id: nthOf(record, 1),
        status: isCanceled ? "Canceled" : "Succeeded",
      });
      // Canceled before it began, it has nothing to delete.
      expect(isCanceled ? ["Gone", "Waiting"] : ["Gone"], run.name).toContain(region?.state);
      if (!isCanceled)
        expect(region, run.name).toMatchObject({
          result: "passed",
          // Killed three times where it asks for the machine, it takes another one.
          attempts:
            run.failure && "every" in run.failure ? (expect.toBeOneOf([1, 2]) as number) : 1,
        });
      if (!isCanceled)
        expect(await world.deps.results.list(run.versionId)).toMatchObject([
          { name: "sigil/machine", region: "westus", result: "passed" },
        ]);
      const reported = events
        .filter(({ id, subject }) => id.startsWith("test-result/") && subject === run.versionId)
        .map(({ id }) => id);
      expect(reported.length, run.name).toBe(
        new Set(reported).size, // The topic drops what is told twice.
      );
      if (!isCanceled) expect(reported, run.name).toHaveLength(1);
      // Each machine was made once.
      const made = puts.filter(({ path }) => region?.machineId === path);
      expect(made.length, run.name).toBeLessThanOrEqual(1);
      const facts = events
        .filter(({ id }) => id.startsWith(`${operation.id}/`))
        .map(({ id }) => id.slice(`${operation.id}/`.length));
      expect([...new Set(facts)], run.name).toEqual(facts); // None twice.
      expect(facts, run.name).toEqual(
        isCanceled ? ["requested", "canceled"] : ["requested", "westus/tested", "tested"],
      );
    }
  }
});
