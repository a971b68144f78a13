/** Instances share what they read of Azure for half a minute. What that refuses is judged again by what Azure shows now. */
import type { SimulatorWorld } from "@sigil-local/arm-simulator/world";
import { afterEach, expect, test } from "vitest";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { idOf, request } from "../../support/dependencies.js";
import {
  capturedVersionId,
  capturingRequest,
  capturingWorld,
  machineResources,
  startCaptures,
  type Captures,
} from "../../support/captures.js";

const ID = capturedVersionId("1.0.0");

let world: Captures;
let instance: ReturnType<Captures["instance"]>;
afterEach(() => world.close());

async function use(given: SimulatorWorld): Promise<void> {
  world = await startCaptures({ replicationMs: 60_000 }, given);
  instance = world.instance();
}

/** A second later, as somebody else changes it. */
async function change(resource: SimulatorWorld["resources"][number] | undefined): Promise<void> {
  await world.simulator.control.putResource(resource ?? expect.fail("no resource"));
  world.clock.advance(1_000);
}

async function codes(): Promise<readonly string[]> {
  const { findings } = await planImageVersion(instance, {
    id: idOf(ID),
    body: capturingRequest(0),
  });
  return findings.filter(({ severity }) => severity === "error").map(({ code }) => code);
}

test("a plan whose reason is gone is not refused again", async () => {
  await use(capturingWorld(0, { instanceView: {} }));
  expect(await codes()).toContain("OsStateMismatch");
  await change(machineResources(0).at(-1));
  expect(await codes()).toEqual([]);
});

test("an operation does not fail for a reason that is gone", async () => {
  await use(capturingWorld(0, {}, "Standard"));
  expect(await codes()).toContain("SecurityTypeMismatch");
  await change(capturingWorld(0).resources.find(({ id }) => id.endsWith("/images/Secured")));
  await request(instance, ID, capturingRequest(0));
  for (const message of await world.takeDue()) await world.handle(message, instance);
  expect((await world.read(ID)).operation.error).toBeUndefined();
  expect(world.snapshots()).toHaveLength(1);
});
