import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { keyOf } from "../../../src/resource-id.js";
import { crashRun, drive, send, sendOrLeave, type CrashRun } from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { CONSUMER } from "../../support/image-users.js";
import { expectListed } from "../../support/listed.js";
import { managedImageRequest, seedRegion, seedVersionId } from "../../support/requests.js";
import { nthOf } from "../../support/operation-ids.js";

const REPLICATION_MS = 60_000;

/** One version, made by a process of its own. */
interface Run extends CrashRun {
  readonly id: string;
}

/** Three regions, a key for each disk. */
function threeRegions(): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [
          seedRegion("westus", "WestUS"),
          seedRegion("eastus2", "EastUS2"),
          seedRegion("eastus", "EastUS"),
        ],
      },
    },
  };
}

let world: InProcess;
beforeAll(async () => {
  // Every run takes the same time: a call's number is then the same call in each.
  world = await startInProcess({ replicationMs: REPLICATION_MS, spread: 0 });
});
afterAll(() => world.close());

let versions = 0;
function startRun(crash: Crash): Run {
  versions += 1;
  const id = seedVersionId(`1.0.${versions}`);
  return { id, ...crashRun(world.deps, keyOf(id), crash) };
}

/** Drives all runs at once until each version's operation has ended. */
async function make(runs: readonly Run[]): Promise<void> {
  await Promise.all(
    runs.map((run) =>
      sendOrLeave(world, run, (deps) =>
        request(deps, run.id, threeRegions(), { idempotencyKey: run.id }),
      ),
    ),
  );
  await drive(world, runs);
}

function factsOf(events: readonly CloudEvent[], run: Run): string[] {
  return events
    .filter((event) => event.subject === run.id)
    .map((event) => event.id.replace(/^[^/]+\//u, ""));
}

const FACTS = [
  "accepted",
  "creating",
  "westus/completed",
  "eastus2/completed",
  "eastus/completed",
  "completed",
];

/** What every run must have come to, whatever failed on the way. */
async function expectOneVersion(run: Run, events: readonly CloudEvent[]): Promise<void> {
  const { record, operation } = await world.read(run.id);
  expect(operation, run.name).toMatchObject({
    id: nthOf(record, 1),
    status: "Succeeded",
  });
  expect(
    operation.regions.map(({ name, state, attempts }) => ({
      name,
      state,
      attempts,
    })),
    run.name,
  ).toEqual(
    ["westus", "eastus2", "eastus"].map((name) => ({
      name,
      state: "Completed",
      attempts: 1,
    })),
  );
  expect(world.simulator.control.creates(run.id), run.name).toBe(1);
  expect(
    world.simulator.control.countRequests({
      method: "PUT",
      path: `${run.id.replaceAll(".", "\\.")}\\?`,
    }),
    run.name,
  ).toBe(1);
  await expectListed(world.deps, [run.id], run.name);
  const facts = factsOf(events, run);
  expect([...new Set(facts)], run.name).toEqual(facts); // None twice.
  expect(facts.filter((fact) => !fact.includes("/replicating/")).sort(), run.name).toEqual(
    [...FACTS].sort(),
  );
}

describe("a failure at any port call", () => {
  let calls: readonly string[];
  beforeAll(async () => {
    const run = startRun({ failure: undefined, redelivered: true });
    await make([run]);
    await expectOneVersion(run, await world.takeEvents());
    ({ calls } = run.process);
  });

  for (const { title, at } of CRASHES)
    test(title, async () => {
      const runs = at(calls).map(startRun);
      await make(runs);
      const events = await world.takeEvents();
      for (const run of runs) {
        await expectOneVersion(run, events);
        expect(run.process.failed(), run.name).toBe(true);
      }
    });
});

describe("a guarded deletion with a failure at any port call", () => {
  let guarded: InProcess;
  beforeAll(async () => {
    guarded = await startInProcess({
      replicationMs: REPLICATION_MS,
      spread: 0,
      consumerSubscriptions: [CONSUMER],
    });
  });
  afterAll(() => guarded.close());

  let numbers = 0;
  async function publishedRun(crash: Crash): Promise<Run> {
    numbers += 1;
    const id = seedVersionId(`2.0.${numbers}`);
    await request(guarded.deps, id, threeRegions());
    return { id, ...crashRun(guarded.deps, keyOf(id), crash) };
  }

  async function remove(crashes: readonly Crash[]): Promise<readonly Run[]> {
    const runs = await Promise.all(crashes.map(publishedRun));
    for (const { id } of runs) await guarded.finish(id);
    await guarded.takeEvents();
    guarded.simulator.control.clearRequests();
    await Promise.all(
      runs.map((run) =>
        send(run, (deps) =>
          deleteImageVersion(deps, {
            id: idOf(run.id),
            requestedBy: { appId: "operator" },
            traceparent: TRACEPARENT,
            allowNoLatest: true,
            idempotencyKey: `delete ${run.id}`,
          }),
        ),
      ),
    );
    await drive(guarded, runs);
    return runs;
  }

  /** It is excluded once, and deleted no sooner than the delay has passed after that. */
  async function expectDeleted({ id, name }: Run, events: readonly CloudEvent[]): Promise<void> {
    const { record, operation } = await guarded.read(id);
    expect(operation, name).toMatchObject({
      id: nthOf(record, 2),
      kind: "DeleteImageVersion",
      status: "Succeeded",
    });
    const sent = guarded.simulator.control
      .requests()
      .filter(({ path, method }) => path === id && method !== "GET");
    const [first, ...others] = sent;
    expect(first?.method, name).toBe("PUT");
    expect(others.length, name).toBeGreaterThan(0);
    for (const { method, time } of others) {
      expect(method, name).toBe("DELETE");
      expect(time - (first?.time ?? 0), name).toBeGreaterThanOrEqual(900_000);
    }
    const deletedTold = events.filter(
      ({ subject, type }) => subject === id && type === "Sigil.ImageVersion.Deleted",
    );
    expect(new Set(deletedTold.map((event) => event.id)).size, name).toBe(1);
  }

  let calls: readonly string[];
  beforeAll(async () => {
    const [run] = await remove([{ failure: undefined, redelivered: true }]);
    if (run === undefined) throw new Error("nothing ran");
    await expectDeleted(run, await guarded.takeEvents());
    ({ calls } = run.process);
  });

  // Each kind of failure at every third call, each at others: together they meet every call.
  for (const [kind, { title, at }] of CRASHES.entries())
    test(
      title,
      async () => {
        const runs = await remove(at(calls).filter((_, i) => i % 3 === kind % 3));
        const events = await guarded.takeEvents();
        for (const run of runs) {
          await expectDeleted(run, events);
          expect(run.process.failed(), run.name).toBe(true);
        }
      },
      240_000,
    );
});
