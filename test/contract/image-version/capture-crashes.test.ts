/** A capture whose process fails at any port call: one version, one snapshot a disk, and none left. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import { keyOf } from "../../../src/resource-id.js";
import { crashRun, drive, send, type CrashRun } from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import { commandOf, idOf } from "../../support/dependencies.js";
import {
  CAPTURE_GROUP,
  capturedVersionId,
  capturingRequest,
  startCaptures,
  type Captures,
} from "../../support/captures.js";

const DISKS = 3;

let world: Captures;
beforeAll(async () => {
  world = await startCaptures({ replicationMs: 60_000, spread: 0 });
  await world.simulator.control.setSnapshots({ readyMs: 40_000 });
});
afterAll(() => world.close());

interface Run extends CrashRun {
  readonly id: string;
}

let versions = 0;
function startRun(crash: Crash): Run {
  versions += 1;
  const id = capturedVersionId(`1.0.${versions}`);
  return { id, ...crashRun(world.deps, keyOf(id), crash) };
}

async function captureAll(runs: readonly Run[]): Promise<void> {
  world.simulator.control.clearRequests();
  await Promise.all(
    runs.map((run) =>
      send(run, (deps) => putImageVersion(deps, commandOf(run.id, capturingRequest()))),
    ),
  );
  await drive(world, runs);
}

async function expectCaptured(run: Run): Promise<void> {
  const { operation } = await world.read(run.id);
  expect(operation, run.name).toMatchObject({ status: "Succeeded" });
  expect(await world.deps.resourceManager.getImageVersion(idOf(run.id)), run.name).toMatchObject({
    provisioningState: "Succeeded",
  });
  expect(world.simulator.control.creates(run.id), run.name).toBe(1);
  const own = keyOf(run.id).slice(0, 20);
  expect(
    world.snapshots().filter((name) => name.includes(own)).length,
    run.name,
  ).toBeLessThanOrEqual(DISKS);
}

let calls: readonly string[];
beforeAll(async () => {
  const run = startRun({ failure: undefined, redelivered: true });
  await captureAll([run]);
  await expectCaptured(run);
  await expectSwept();
  ({ calls } = run.process);
});

/** No snapshot goes while Azure is busy with its version, and none stays. */
async function expectSwept(): Promise<void> {
  await world.sweep();
  await world.sweep();
  expect(world.snapshots()).toEqual([]);
}

/** How many runs, all kinds together, over all calls in turn; 0: each kind at every third call, each at others. */
const RUNS = Number(process.env["SIGIL_CAPTURE_RUNS"] ?? 0);

function crashesOf(kind: number, all: readonly Crash[]): readonly Crash[] {
  if (RUNS === 0) return all.filter((_, i) => i % 3 === kind % 3);
  const length = Math.ceil(RUNS / CRASHES.length);
  return Array.from({ length }, (_, i) => all[i % all.length] ?? expect.fail("no call"));
}

for (const [kind, { title, at }] of CRASHES.entries())
  test(
    title,
    async () => {
      const runs = crashesOf(kind, at(calls)).map(startRun);
      await captureAll(runs);
      for (const run of runs) await expectCaptured(run);
      await expectSwept();
      expect(world.simulator.control.countRequests({ method: "DELETE", path: CAPTURE_GROUP })).toBe(
        runs.length * DISKS,
      );
    },
    RUNS === 0 ? 240_000 : 1_800_000,
  );
