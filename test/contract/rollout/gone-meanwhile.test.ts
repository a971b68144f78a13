/** Others remove a region between the acceptance of a promotion or demotion and its PUT: what it says of that region asks nothing. */
import { describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { request } from "../../support/dependencies.js";
import { BOOT, HELD, OPERATOR, ruled, withTargets, rollouts, useRollouts } from "./support.js";

useRollouts();

const THREE = ["westus", "eastus2", "eastus"];
const WAVES = {
  when: "waves",
  waves: THREE.map((region) => ({ regions: [region], ...BOOT })),
};

const promote = () => promoteImageVersion(rollouts.world.deps, OPERATOR);
const demote = () => demoteImageVersion(rollouts.world.deps, OPERATOR);
const drop = (region: string) => rollouts.simulator.control.dropRegion({ versionId: HELD, region });
const publish = async (rule: object | undefined): Promise<void> => {
  const { sigil, ...body } = withTargets(
    ruled(rule ?? {}),
    THREE.map((name) => ({ name })),
  );
  await request(rollouts.world.deps, HELD, {
    ...body,
    ...(rule && sigil && { sigil }),
  });
  await rollouts.world.finish(HELD);
};
const firstWave = async (): Promise<void> => {
  await rollouts.report({});
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
};
const ended = async (id: string) => {
  await rollouts.pass(20);
  return (await rollouts.world.deps.store.readOperation(id))?.operation;
};
const told = async (what: string): Promise<boolean> =>
  (await rollouts.takeEvents()).some(({ type }) => type.endsWith(`.${what}`));

describe("of a version in waves", () => {
  test("a demotion excludes it where it still is", async () => {
    await publish(WAVES);
    await firstWave();
    const { id } = await demote();
    await drop("eastus2");
    expect(await ended(id)).toMatchObject({ status: "Succeeded" });
    expect(await rollouts.latestIn()).toEqual([]);
  });

  test("the exclusion after a failure does so at once", async () => {
    await publish({ ...WAVES, onFailure: "rollBack" });
    await firstWave();
    await rollouts.report({ result: "failed" });
    const { operation } = await rollouts.world.read(HELD);
    expect(operation).toMatchObject({
      kind: "DemoteImageVersion",
      status: "NotStarted",
    });
    await drop("eastus2");
    expect(await ended(operation.id)).toMatchObject({ status: "Succeeded" });
    expect(await rollouts.latestIn()).toEqual([]);
  });

  test("a promotion of the first wave includes it there", async () => {
    await publish(WAVES);
    const { id } = await promote();
    await drop("eastus");
    expect(await ended(id)).toMatchObject({ status: "Succeeded" });
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });

  test("a promotion of a wave that has lost each of its regions is not said to be done", async () => {
    await publish(WAVES);
    await firstWave();
    await rollouts.takeEvents();
    const { id } = await promote();
    await drop("eastus2");
    expect(await ended(id)).toMatchObject({
      status: "Failed",
      error: {
        message: expect.stringContaining("eastus2") as unknown,
      },
    });
    expect(await told("Promoted")).toBe(false);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });
});
