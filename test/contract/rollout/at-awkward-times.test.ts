/** What results and operations that come at an awkward time do to a rollout. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { HELD, startRollouts, type Rollouts } from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

const BOOT = { after: "tested", results: ["boot"] };
const WAVES = {
  when: "waves",
  waves: [
    { regions: ["West US"], ...BOOT },
    { regions: ["eastus2"], ...BOOT },
  ],
};

test("inconclusive after failed does not lift the halt", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "failed" });
  rollouts.clock.advance(1_000);
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(3);
  expect(await rollouts.view()).toMatchObject({ state: "Halted" });
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "inconclusive" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});

test("passed then inconclusive does not close the gate", async () => {
  await rollouts.publish({ when: "tested", results: ["boot"] });
  await rollouts.report({});
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "inconclusive" });
  rollouts.clock.advance(1_000);
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("a canceled promotion of wave 2 does not keep wave 1 from being rolled back", async () => {
  await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
  await rollouts.report({});
  await rollouts.pass(3);
  rollouts.clock.advance(1_000);
  await rollouts.report({ region: "eastus2" });
  const { operation } = await rollouts.world.read(HELD);
  expect(operation).toMatchObject({
    kind: "PromoteImageVersion",
    status: "NotStarted",
  });
  await cancelOperation(rollouts.world.deps, operation.id, {
    appId: "op",
  });
  await rollouts.pass(3);
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "failed" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual([]);
});

test("inconclusive tests of wave 1 do not use up those of wave 2", async () => {
  await rollouts.simulator.control.planMachine({
    does: "allocationFails",
    region: "westus",
    times: 6,
  });
  await rollouts.publish({
    when: "waves",
    waves: [
      { regions: ["westus"], after: "tested" },
      { regions: ["eastus2"], after: "tested" },
    ],
  });
  await rollouts.pass(240);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("a version that two looks in a row do not show is looked at again", async () => {
  await rollouts.publish(WAVES);
  rollouts.simulator.control.addFault({
    method: "GET",
    path: HELD,
    times: 2,
    status: 404,
    body: { error: { code: "ResourceNotFound", message: "Not there." } },
  });
  await rollouts.run();
  await rollouts.run();
  expect(await rollouts.isLookedAfter()).toBe(true);
  await rollouts.report({});
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});

test("an exclusion after a failure is tried again where Azure has refused it", async () => {
  await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
  await rollouts.report({});
  await rollouts.pass(3);
  rollouts.simulator.control.addFault({
    method: "PUT",
    path: HELD,
    times: 1,
    status: 403,
    body: { error: { code: "RequestDisallowedByPolicy", message: "No." } },
  });
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "failed" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect(await rollouts.view()).toMatchObject({ state: "Halted" });
  await rollouts.pass(40);
  expect(await rollouts.latestIn()).toEqual([]);
});
