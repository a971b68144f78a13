import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { keyOf } from "../../../src/resource-id.js";
import { crashRun, drive, send, type CrashRun } from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import { nthOf } from "../../support/operation-ids.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000, spread: 0 });
  await enableSoftDelete(world, { retentionPeriodInDays: 100 });
});
afterAll(() => world.close());

describe("a failure at any port call of a restore", () => {
  interface Run extends CrashRun {
    readonly id: string;
  }

  const asked = (id: string) => ({
    id: idOf(id),
    requestedBy: { appId: "operator" },
    traceparent: TRACEPARENT,
  });

  let versions = 0;
  async function startRun(crash: Crash): Promise<Run> {
    versions += 1;
    const id = seedVersionId(`8.0.${versions}`);
    await request(world.deps, id, managedImageRequest());
    await world.finish(id);
    await deleteImageVersion(world.deps, { ...asked(id), allowNoLatest: true });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    return { id, ...crashRun(world.deps, keyOf(id), crash) };
  }

  async function restoreAll(runs: readonly Run[]): Promise<void> {
    await world.takeEvents();
    world.simulator.control.clearRequests();
    await Promise.all(
      runs.map((run) => send(run, (deps) => restoreImageVersion(deps, asked(run.id)))),
    );
    await drive(world, runs);
  }

  async function expectRestored(run: Run, events: readonly string[]): Promise<void> {
    const { record, operation } = await world.read(run.id);
    expect(operation, run.name).toMatchObject({
      id: nthOf(record, 3),
      status: "Succeeded",
      regions: [{ state: "Completed" }, { state: "Completed" }],
    });
    expect(await world.deps.resourceManager.getImageVersion(idOf(run.id)), run.name).toMatchObject({
      provisioningState: "Succeeded",
    });
    // One request reaches ARM, or one that was lost before it and another: never one for a version that is there.
    expect(puts(run.id), run.name).toBeLessThanOrEqual(2);
    expect(new Set(events.filter((id) => id.startsWith(`${operation.id}/`))), run.name).toEqual(
      new Set([
        `${operation.id}/accepted`,
        ...(events.includes(`${operation.id}/restoring`) ? [`${operation.id}/restoring`] : []),
        `${operation.id}/restored`,
        `${operation.id}/westus/completed`,
        `${operation.id}/eastus2/completed`,
        `${operation.id}/completed`,
      ]),
    );
  }

  const puts = (id: string): number =>
    world.simulator.control.countRequests({
      method: "PUT",
      path: `versions/${id.split("/").at(-1)}\\?`,
    });

  const refused = (): number =>
    world.simulator.control
      .requests()
      .filter(({ method, status }) => method === "PUT" && status === 409).length;

  const eventIds = async (): Promise<string[]> => (await world.takeEvents()).map(({ id }) => id);

  let calls: readonly string[];
  beforeAll(async () => {
    const run = await startRun({ failure: undefined, redelivered: true });
    await restoreAll([run]);
    await expectRestored(run, await eventIds());
    ({ calls } = run.process);
  });

  // Each kind of failure at every third call, each at others: together they meet every call.
  for (const [kind, { title, at }] of CRASHES.entries())
    test(
      title,
      async () => {
        const runs: Run[] = [];
        for (const [i, crash] of at(calls).entries())
          if (i % 3 === kind % 3) runs.push(await startRun(crash));
        await restoreAll(runs);
        const events = await eventIds();
        for (const run of runs) await expectRestored(run, events);
        expect(refused()).toBe(0);
        expect(runs.filter(({ process }) => !process.failed()).length).toBeLessThanOrEqual(
          runs.length / 3,
        );
      },
      240_000,
    );
});
