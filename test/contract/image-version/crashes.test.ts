import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { keyOf } from "../../../src/resource-id.js";
import {
  crashRun,
  drive,
  sendOrLeave,
  type CrashRun,
} from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import {
  request,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import {
  managedImageRequest,
  seedRegion,
  seedVersionId,
} from "../../support/requests.js";

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
    .map((event) => event.id.replace(`${run.key}-1/`, ""));
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
async function expectOneVersion(
  run: Run,
  events: readonly CloudEvent[],
): Promise<void> {
  const { operation } = await world.read(run.id);
  expect(operation, run.name).toMatchObject({
    id: `${run.key}-1`,
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
  const facts = factsOf(events, run);
  expect([...new Set(facts)], run.name).toEqual(facts); // None twice.
  expect(
    facts.filter((fact) => !fact.includes("/replicating/")).sort(),
    run.name,
  ).toEqual([...FACTS].sort());
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
