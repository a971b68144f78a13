/** Regional copies that are removed, or made again, by a retry or by others: what was found of the one before says nothing any more. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runDrift } from "../../../src/drift/run-drift.js";
import { retryImageVersion } from "../../../src/image-version/commands/by-hand.js";
import { idOf, request, TRACEPARENT } from "../../support/dependencies.js";
import {
  BOOT,
  HELD,
  OPERATOR,
  TESTED,
  isIn,
  ruled,
  startRollouts,
  targetsOf,
  withTargets,
  type Rollouts,
} from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

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

async function repaired(): Promise<void> {
  await rollouts.simulator.control.setRegionState({
    versionId: HELD,
    region: "eastus2",
    state: "Failed",
    details: "No.",
  });
  await retryImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.pass(60);
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

  test("is tested though machines have come to no result with the one before", async () => {
    await rollouts.setProfile({ machineSize: "Standard_NoSuchSize" }, HELD);
    await rollouts.publish({ when: "tested", regions: ["eastus2"] });
    await rollouts.pass(180);
    expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
    await rollouts.setProfile({}, HELD);
    await madeByOthers();
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });
});

describe.each([
  ["by a retry", repaired],
  ["by others", madeByOthers],
] as const)(
  "a copy that is made again %s where the version is the latest",
  (_, makeAgain) => {
    test("is tested again by machines", async () => {
      await rollouts.publish({
        when: "waves",
        waves: [
          { regions: ["eastus2"], after: "tested" },
          { regions: ["westus"], after: "manual" },
        ],
      });
      await rollouts.pass(30);
      expect(await rollouts.latestIn()).toEqual(["eastus2"]);
      const before = (await rollouts.read(HELD)).operation;
      await makeAgain();
      await rollouts.pass(30);
      const { operation } = await rollouts.read(HELD);
      expect(operation.id).not.toBe(before.id);
      expect(operation).toMatchObject({
        status: "Succeeded",
        requestedBy: { name: "rollout", policy: "rollout" },
        tests: [{ name: "eastus2" }],
      });
      expect(await rollouts.latestIn()).toEqual(["eastus2"]);
      expect(await rollouts.view()).toMatchObject({
        message: "It waits for somebody to promote it in westus.",
      });
    });

    test("holds up the next wave until it has passed again", async () => {
      await rollouts.publish(WAVES);
      await rollouts.report({ region: "eastus2" });
      await rollouts.pass(15);
      expect(await rollouts.latestIn()).toEqual(["eastus2"]);
      await makeAgain();
      await rollouts.report({});
      await rollouts.pass(15);
      expect(await rollouts.latestIn()).toEqual(["eastus2"]);
      expect(await rollouts.view()).toMatchObject({
        wave: 2,
        message: "It waits for boot in eastus2.",
      });
      await rollouts.report({ region: "eastus2" });
      await rollouts.pass(15);
      expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    });
  },
);

describe("a halt by what has failed in a region is over once that is removed", () => {
  async function halted(rule: object): Promise<void> {
    await rollouts.publish(rule);
    await rollouts.report({ region: "eastus2", result: "failed" });
    await rollouts.report({});
    await rollouts.pass(15);
    expect(await rollouts.view()).toMatchObject({ state: "Halted" });
    expect(await rollouts.isLookedAfter()).toBe(false);
  }

  test.each([
    [
      "the timer looks for what others change",
      () => runDrift(rollouts.world.deps, TRACEPARENT),
    ],
    ["somebody reads the version", () => rollouts.view()],
  ] as const)("in Azure, and %s", async (_, look) => {
    await halted(WAVES);
    await drop();
    rollouts.clock.advance(60_000);
    await look();
    await rollouts.pass(6);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });

  test("by a PUT", async () => {
    await halted(TESTED);
    const body = ruled(TESTED);
    const alone = withTargets(body, targetsOf(body).filter(isIn("westus")));
    await request(rollouts.world.deps, HELD, alone, {
      removeRegions: ["eastus2"],
    });
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });
});
