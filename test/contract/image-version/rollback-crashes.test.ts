import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { releaseBeforeDeletion } from "../../../src/image-version/state/deletion.js";
import { firstSequenceOf, lastSequenceOf } from "../../../src/operation/sequence.js";
import { keyOf } from "../../../src/resource-id.js";
import { crashRun, drive, sendOrLeave, type CrashRun } from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import { idOf, startInProcess, type InProcess } from "../../support/dependencies.js";
import { CONSUMER, putUser, removeUsers } from "../../support/image-users.js";
import { nthOf } from "../../support/operation-ids.js";
import { BY, commandOf, define, HELD_BACK, inAzure, puts, shown, versionId } from "./rollbacks.js";

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
      otherKeys: Object.keys(VERSIONS).map((number) => keyOf(versionId(number, own))),
    };
  }

  async function rollBackAll(runs: readonly Run[]): Promise<void> {
    world.simulator.control.clearRequests();
    await Promise.all(
      runs.map((run) =>
        sendOrLeave(world, run, (deps) => rollBackImage(deps, commandOf("1.0.0", run.image))),
      ),
    );
    await drive(world, runs);
  }

  async function expectRolledBack(run: Run, events: readonly string[]): Promise<void> {
    const { record, operation } = await world.read(run.image);
    const { id } = operation;
    expect(operation, run.name).toMatchObject({
      id: nthOf(record, 1),
      status: "Succeeded",
    });
    expect(await shown(world, run.image), run.name).toEqual(["1.0.0 latest", "1.0.1 held back"]);
    for (const key of run.otherKeys ?? []) {
      const other = (await world.deps.store.read(key))?.record;
      expect(other && lastSequenceOf(other), run.name).toBe(other && firstSequenceOf(other));
    }
    expect(
      events.filter((one) => one.startsWith(`${run.key}-`)),
      run.name,
    ).toEqual([`${id}/accepted`, `${id}/completed`]);
  }

  const eventIds = async (): Promise<string[]> => (await world.takeEvents()).map(({ id }) => id);

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

describe("a failure at any port call, beside a deletion that comes to nothing", () => {
  const HEALTHY: Crash = { failure: undefined, redelivered: true };

  let guarded: InProcess;
  beforeAll(async () => {
    guarded = await startInProcess({
      replicationMs: 60_000,
      spread: 0,
      consumerSubscriptions: [CONSUMER],
    });
  });
  afterAll(() => guarded.close());

  interface Run extends CrashRun {
    readonly image: string;
    readonly bad: string;
  }

  /** Each with a deletion that waits, of a version that somebody uses. */
  async function startRuns(crashes: readonly Crash[]): Promise<Run[]> {
    const runs: Run[] = [];
    for (const crash of crashes) {
      const image = await define(guarded);
      await inAzure(guarded, { "1.0.0": {}, "3.0.0": {} }, image);
      const bad = versionId("3.0.0", image);
      runs.push({
        image,
        bad,
        ...crashRun(guarded.deps, keyOf(image), crash),
        otherKeys: [keyOf(versionId("1.0.0", image)), keyOf(bad)],
      });
    }
    await removeUsers(guarded);
    // Its reconciler looks after the deletion as well.
    for (const { bad, key } of runs) {
      const healthy = crashRun(guarded.deps, key, HEALTHY).process.deps;
      await deleteImageVersion(healthy, { id: idOf(bad), ...BY });
    }
    for (const { bad, key } of runs) {
      while (releaseBeforeDeletion((await guarded.read(bad)).record) === undefined) {
        guarded.clock.advance(5_000);
        await guarded.runDue();
      }
      await putUser(guarded, "virtualMachineScaleSets", key, bad);
    }
    return runs;
  }

  async function rollBackAll(runs: readonly Run[]): Promise<void> {
    await Promise.all(
      runs.map((run) =>
        sendOrLeave(guarded, run, (deps) => rollBackImage(deps, commandOf("1.0.0", run.image))),
      ),
    );
    await drive(guarded, runs);
    for (const run of runs) await expectRolledBack(run);
  }

  async function expectRolledBack({ name, bad, image }: Run): Promise<void> {
    const { store } = guarded.deps;
    const [rollingBack, version] = await Promise.all([guarded.read(image), guarded.read(bad)]);
    const outcomes = await Promise.all(
      [nthOf(rollingBack.record, 1), ...[1, 2, 3].map((n) => nthOf(version.record, n))].map(
        async (id) => (await store.readOperation(id))?.operation,
      ),
    );
    const [rollback, deletion, ...demotions] = outcomes.filter((one) => one !== undefined);
    expect(rollback, name).toMatchObject({
      kind: "RollBackImage",
      status: "Succeeded",
    });
    expect(deletion, name).toMatchObject({
      kind: "DeleteImageVersion",
      status: "Failed",
    });
    expect(demotions.at(-1), name).toMatchObject({
      kind: "DemoteImageVersion",
      status: "Succeeded",
    });
    // One whose acceptance was lost on the way gives way to the same that is asked again.
    const lost = demotions.slice(0, -1);
    expect(lost.length, name).toBeLessThanOrEqual(
      JSON.stringify(name).includes("answer lost") ? 1 : 0,
    );
    for (const one of lost)
      expect(one, name).toMatchObject({
        kind: "DemoteImageVersion",
        status: "Failed",
        error: { code: "Superseded" },
      });
    expect(await shown(guarded, image), name).toEqual(["1.0.0 latest", "3.0.0 held back"]);
  }

  let calls: readonly string[];
  beforeAll(async () => {
    const [run] = await startRuns([HEALTHY]);
    if (run === undefined) throw new Error("there is no run");
    await rollBackAll([run]);
    ({ calls } = run.process);
  });

  for (const [kind, { title, at }] of CRASHES.entries())
    test(
      title,
      async () => {
        const some = at(calls).filter((_, i) => i % 3 === kind % 3);
        await rollBackAll(await startRuns(some));
      },
      240_000,
    );
});
