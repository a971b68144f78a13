/** A region is removed by two updates; the process dies between any two calls. */
import { expect, test } from "vitest";
import { keyOf } from "../../../src/resource-id.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { targetRegionsOf } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import {
  crashRun,
  drive,
  send,
  type CrashRun,
} from "../../support/crash-runs.js";
import { idOf, request, type InProcess } from "../../support/dependencies.js";
import { hasEffect, type Failure } from "../../support/failing-dependencies.js";
import { inOwnWorld, nextVersionId } from "../../support/own-world.js";
import { managedImageRequest, seedRegion } from "../../support/requests.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const WEST = seedRegion("westus", "WestUS", { regionalReplicaCount: 2 });
const EAST2 = seedRegion("eastus2", "EastUS2");
const EAST = seedRegion("eastus", "EastUS");

function body(
  ...targetRegions: ReturnType<typeof seedRegion>[]
): ImageVersionRequest {
  const { properties, ...rest } = managedImageRequest();
  return {
    ...rest,
    properties: { ...properties, publishingProfile: { targetRegions } },
  };
}

async function made(): Promise<void> {
  await request(world.deps, id, body(WEST, EAST2, EAST));
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  await world.takeEvents();
}

async function inAzure(): Promise<ImageVersionRequest> {
  const shown = await world.deps.resourceManager.getImageVersion(idOf(id));
  if (shown === undefined) throw new Error("it is gone");
  expect(shown.provisioningState).toBe("Succeeded");
  return shown.resource;
}

const spelled = (name: string): string => name.replace(/ /gu, "").toLowerCase();

async function regionsInAzure(): Promise<readonly string[]> {
  return targetRegionsOf(await inAzure()).map(({ name }) => spelled(name));
}

function milestones(events: readonly CloudEvent[]): string[] {
  return events
    .filter(
      ({ subject, type }) => subject === id && !type.endsWith("Replicating"),
    )
    .map((event) => event.id.replace(/^[^/]*\//u, ""));
}

/** The removal, by a process that fails once, and whose messages are lost then. */
async function removed(failure: Failure | undefined): Promise<CrashRun> {
  const run = crashRun(world.deps, keyOf(id), {
    failure,
    redelivered: false,
  });
  await send(run, (deps) =>
    request(deps, id, body(WEST, EAST), { removeRegions: ["eastus2"] }),
  );
  await drive(world, [run]);
  expect((await world.read(id)).operation, run.name).toMatchObject({
    kind: "UpdateImageVersion",
    status: "Succeeded",
  });
  return run;
}

test("a region is removed, and the profile closed, wherever a process dies in between", async () => {
  await made();
  const { calls } = (await removed(undefined)).process;
  let removals = 0;
  for (const [i, call] of calls.entries()) {
    // To die before a call, or a read, is to die after the call before it.
    if (!hasEffect(call)) continue;
    removals += 1;
    id = nextVersionId();
    await made();
    await removed({ at: i + 1, kind: "killed", when: "after" });
    const what = `killed after ${i + 1} ${call}`;
    expect(await regionsInAzure(), what).toEqual(["westus", "eastus"]);
    expect((await inAzure()).properties.safetyProfile, what).toMatchObject({
      allowDeletionOfReplicatedLocations: false,
    });
    const told = milestones(await world.takeEvents());
    expect([...new Set(told)].sort(), what).toEqual([...told].sort());
    expect(told, what).toContain("completed");
  }
  expect(removals).toBeGreaterThan(10);
}, 180_000);
