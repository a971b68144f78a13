/** A region is removed by two updates; the process dies between any two calls. */
import { expect, test } from "vitest";
import { keyOf } from "../../../src/resource-id.js";
import { crashRun, drive, send, type CrashRun } from "../../support/crash-runs.js";
import { request, type InProcess } from "../../support/dependencies.js";
import { hasEffect, type Failure } from "../../support/failing-dependencies.js";
import { inOwnWorld, nextVersionId } from "../../support/own-world.js";
import { facts, made, plain, regionNames, shownIn } from "./truth/support.js";

let world: InProcess;
inOwnWorld({ replicationMs: 60_000 }, (given) => {
  world = given;
});

const WEST = { name: "westus", regionalReplicaCount: 2 };
const EAST2 = { name: "eastus2" };
const EAST = { name: "eastus" };

/** The removal, by a process that fails once, and whose messages are lost then. */
async function removed(failure: Failure | undefined): Promise<CrashRun> {
  const id = nextVersionId();
  await made(world, id, plain([WEST, EAST2, EAST]));
  const run = crashRun(world.deps, keyOf(id), {
    failure,
    redelivered: false,
  });
  await send(run, (deps) => request(deps, id, plain([WEST, EAST]), { removeRegions: ["eastus2"] }));
  await drive(world, [run]);
  const { operation } = await world.read(id);
  expect(operation, run.name).toMatchObject({
    kind: "UpdateImageVersion",
    status: "Succeeded",
  });
  const shown = await shownIn(world, id);
  expect(regionNames(shown), run.name).toEqual(["westus", "eastus"]);
  expect(shown.properties, run.name).toMatchObject({
    provisioningState: "Succeeded",
    safetyProfile: { allowDeletionOfReplicatedLocations: false },
  });
  const told = facts(await world.takeEvents(), operation);
  expect([...new Set(told)], run.name).toEqual(told);
  expect(told, run.name).toContain("completed");
  return run;
}

test("a region is removed, and the profile closed, wherever a process dies in between", async () => {
  const { calls } = (await removed(undefined)).process;
  let removals = 0;
  for (const [i, call] of calls.entries()) {
    // To die before a call, or a read, is to die after the call before it.
    if (!hasEffect(call)) continue;
    removals += 1;
    await removed({ at: i + 1, kind: "killed", when: "after" });
  }
  expect(removals).toBeGreaterThan(10);
}, 180_000);
