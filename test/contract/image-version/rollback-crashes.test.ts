import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { keyOf } from "../../../src/resource-id.js";
import {
  crashRun,
  drive,
  sendOrLeave,
  type CrashRun,
} from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import { startInProcess, type InProcess } from "../../support/dependencies.js";
import {
  commandOf,
  define,
  HELD_BACK,
  inAzure,
  puts,
  shown,
  versionId,
} from "./rollbacks.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({
    replicationMs: 60_000,
    spread: 0,
    pace: { repairAttempts: 0 },
  });
});
afterAll(() => world.close());

describe("a failure at any port call", () => {
  interface Run extends CrashRun {
    readonly image: string;
  }

  /** One to be promoted, and one to be demoted after it. */
  const VERSIONS = { "1.0.0": HELD_BACK, "1.0.1": {} };

  async function startRun(crash: Crash): Promise<Run> {
    const own = await define(world);
    await inAzure(world, VERSIONS, own);
    return {
      image: own,
      ...crashRun(world.deps, keyOf(own), crash),
      otherKeys: Object.keys(VERSIONS).map((number) =>
        keyOf(versionId(number, own)),
      ),
    };
  }

  async function rollBackAll(runs: readonly Run[]): Promise<void> {
    world.simulator.control.clearRequests();
    await Promise.all(
      runs.map((run) =>
        sendOrLeave(world, run, (deps) =>
          rollBackImage(deps, commandOf("1.0.0", run.image)),
        ),
      ),
    );
    await drive(world, runs);
  }

  async function expectRolledBack(
    run: Run,
    events: readonly string[],
  ): Promise<void> {
    expect((await world.read(run.image)).operation, run.name).toMatchObject({
      id: `${run.key}-1`,
      status: "Succeeded",
    });
    expect(await shown(world, run.image), run.name).toEqual([
      "1.0.0 latest",
      "1.0.1 held back",
    ]);
    for (const key of run.otherKeys ?? [])
      expect(
        await world.deps.store.readOperation(`${key}-2`),
        run.name,
      ).toBeUndefined();
    expect(
      events.filter((id) => id.startsWith(`${run.key}-`)),
      run.name,
    ).toEqual([`${run.key}-1/accepted`, `${run.key}-1/completed`]);
  }

  const eventIds = async (): Promise<string[]> =>
    (await world.takeEvents()).map(({ id }) => id);

  let calls: readonly string[];
  beforeAll(async () => {
    const run = await startRun({ failure: undefined, redelivered: true });
    await rollBackAll([run]);
    await expectRolledBack(run, await eventIds());
    ({ calls } = run.process);
    expect(puts(world)).toBe(2);
  });

  // Each kind of failure at every third call, each at others: together they meet every call.
  for (const [kind, { title, at }] of CRASHES.entries())
    test(
      title,
      async () => {
        const runs: Run[] = [];
        for (const [i, crash] of at(calls).entries())
          if (i % 3 === kind % 3) runs.push(await startRun(crash));
        await rollBackAll(runs);
        const events = await eventIds();
        for (const run of runs) await expectRolledBack(run, events);
        // Beside others a run has to wait less, the less the slower they are: the failures at its last calls may not be met.
        const unmet = runs.filter(({ process }) => !process.failed());
        expect(unmet.length).toBeLessThanOrEqual(runs.length / 3);
        expect(puts(world)).toBe(2 * runs.length);
      },
      240_000,
    );
});
