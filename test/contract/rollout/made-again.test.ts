/** Regional copies that are removed, or made again, by a retry or by others: what was found of the one before says nothing any more. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runDrift } from "../../../src/drift/run-drift.js";
import { idOf, TRACEPARENT } from "../../support/dependencies.js";
import { HELD, startRollouts, type Rollouts } from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

const TESTED = { when: "tested", results: ["boot"] };
const BOOT = { after: "tested", results: ["boot"] };
const FIRST = { regions: ["eastus2"], ...BOOT };
const WAVES = {
  when: "waves",
  waves: [FIRST, { regions: ["westus"], ...BOOT }],
};

const drop = () =>
  rollouts.simulator.control.dropRegion({ versionId: HELD, region: "eastus2" });

async function madeByOthers(
  look: () => Promise<unknown> = () => rollouts.pass(60),
): Promise<void> {
  const { resourceManager } = rollouts.world.deps;
  const shown = await resourceManager.getImageVersion(idOf(HELD));
  await drop();
  await look();
  if (shown !== undefined)
    await resourceManager.putImageVersion(idOf(HELD), shown.resource);
  await look();
}

describe("a regional copy that others have made again", () => {
  test("has none of the results of the one before", async () => {
    await rollouts.publish(TESTED);
    await rollouts.report({ region: "eastus2" });
    await madeByOthers();
    await rollouts.report({});
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({
      message: "It waits for boot in eastus2.",
    });
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("has what Azure has validated of the version", async () => {
    await rollouts.publish({ when: "tested", results: ["azure/Trusted"] });
    await madeByOthers();
    await rollouts.simulator.control.editVersion({
      versionId: HELD,
      properties: {
        validationsProfile: {
          executedValidations: [{ type: "Trusted", status: "Succeeded" }],
        },
      },
    });
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("while its machine was running is tested again", async () => {
    await rollouts.publish({ when: "tested" });
    await rollouts.run();
    await rollouts.step(1);
    rollouts.clock.advance(1_000);
    await madeByOthers(() => rollouts.run());
    await rollouts.pass(90);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    const { operation } = await rollouts.read(HELD);
    expect(operation.tests?.map(({ name }) => name)).toEqual(["eastus2"]);
  });
});

describe("a halt by what has failed in a region is over once that is removed", () => {
  async function halted(rule: object): Promise<void> {
    await rollouts.publish(rule);
    await rollouts.report({ region: "eastus2", result: "failed" });
    await rollouts.report({});
    await rollouts.pass(15);
    expect(await rollouts.view()).toMatchObject({ state: "Halted" });
    expect(await rollouts.isLookedAfter()).toBe(false);
  }

  test("in Azure, and the timer looks for what others change", async () => {
    await halted(WAVES);
    await drop();
    await runDrift(rollouts.world.deps, TRACEPARENT);
    await rollouts.pass(6);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });
});
