import { afterAll, beforeAll, expect, test } from "vitest";
import { runKeyGuardian } from "../../../src/key-guardian/run-key-guardian.js";
import { TRACEPARENT } from "../../support/dependencies.js";
import { startRollouts, type Rollouts } from "../rollout/support.js";
import { OS } from "./support.js";
import { naming } from "../../support/naming.js";

let rollouts: Rollouts;
beforeAll(async () => {
  rollouts = await startRollouts();
});
afterAll(() => rollouts.close());

async function look(): Promise<void> {
  const { deps } = rollouts.world;
  if (deps.keyGuardian === undefined) throw new Error("nobody looks");
  await runKeyGuardian({ ...deps, ...deps.keyGuardian }, TRACEPARENT);
}

test("a version whose tests have passed waits for its keys, says so, and is promoted once they work", async () => {
  const { control } = rollouts.simulator;
  const set = control.resources().find(({ id }) => id === OS);
  if (set === undefined) throw new Error(`${OS} is not there`);
  await rollouts.publish({
    when: "waves",
    waves: [
      { regions: ["westus"], after: { minutes: 5 }, results: ["boot"] },
      { regions: ["eastus2"], after: { minutes: 5 } },
    ],
  });
  await control.removeResource(OS);
  await look();
  rollouts.world.clock.advance(120_000);
  await look();
  await rollouts.report({});
  await rollouts.pass(10);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await rollouts.view()).toMatchObject({
    state: "NeedsAttention",
    wave: 1,
    message: naming(["DiskEncryptionSetNotFound", "westus"]),
  });
  await control.putResource(set);
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});
