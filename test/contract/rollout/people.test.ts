/** What people say of a version whose rule is in force, in Azure or through Sigil, and what becomes of the rule. */
import { describe, expect, test } from "vitest";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { request } from "../../support/dependencies.js";
import {
  HELD,
  OPERATOR,
  TESTED,
  WAVES,
  promote,
  rollouts,
  ruled,
  targetsOf,
  useRollouts,
} from "./support.js";

useRollouts();

const BOTH = ["westus", "eastus2"];
const patch = async (merge: object): Promise<void> => {
  await patchImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    validate: () => [],
    patch: merge,
  });
  await rollouts.world.finish(HELD);
};
const firstWave = async (): Promise<void> => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(15);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
};
const passAll = async (): Promise<void> => {
  for (const region of BOTH) await rollouts.report({ region });
  await rollouts.pass(15);
};
const conditions = async () =>
  (await rollouts.world.read(HELD)).record.conditions.map(({ type }) => type);

describe("who changes in Azure where the version is in latest pauses its rule", () => {
  test("between two waves; that it is put back resumes nothing, a person's promotion does", async () => {
    await firstWave();
    await rollouts.exclude({ westus: true });
    await rollouts.pass(15);
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      message: expect.stringContaining("Its rule is paused") as unknown,
    });
    expect(await conditions()).toContain("Paused");
    await rollouts.exclude({ westus: false });
    await rollouts.pass(15);
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    const halted = (await rollouts.takeEvents()).filter(({ type }) =>
      type.endsWith("RolloutHalted"),
    );
    expect(halted).toHaveLength(1);
    await promote();
    expect(await conditions()).not.toContain("Paused");
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test("before its tests have passed, and right before it is promoted", async () => {
    await rollouts.publish(TESTED);
    await rollouts.exclude({ westus: false, eastus2: true }, false);
    await passAll();
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
    await demoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toBeUndefined();
    expect(await rollouts.isLookedAfter()).toBe(false);
  });
});

describe("a person's word ends the waves, which is visible:", () => {
  const FLAGGED = targetsOf(ruled(WAVES)).map((region) => ({
    ...region,
    excludeFromLatest: false,
  }));
  const excludeAll = {
    properties: { publishingProfile: { excludeFromLatest: true } },
  };
  test.each([
    ["a promotion with regions", () => promote(["eastus2"]), BOTH],
    ["a PATCH that excludes it", () => patch(excludeAll), []],
    [
      "a PATCH of the regions' flags",
      () =>
        patch({
          properties: { publishingProfile: { targetRegions: FLAGGED } },
        }),
      BOTH,
    ],
    ["no rule", () => patch({ sigil: { promotion: null } }), ["westus"]],
    [
      "another rule, which takes nothing out of latest",
      () => patch({ sigil: { promotion: { ...TESTED, waves: null } } }),
      ["westus"],
    ],
  ])("%s", async (_, say, latest) => {
    await firstWave();
    await say();
    expect(await rollouts.latestIn()).toEqual(latest);
    await passAll();
    expect(await rollouts.latestIn()).toEqual(latest);
    expect(await rollouts.view()).toBeUndefined();
    expect(await rollouts.isLookedAfter()).toBe(false);
  });
});

test("before the first wave another rule takes the place of the waves", async () => {
  await rollouts.publish(WAVES);
  await patch({ sigil: { promotion: { ...TESTED, waves: null } } });
  await rollouts.report({});
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual([]);
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(BOTH);
});

test("a PUT that repeats the rule promotes nothing that a person has demoted", async () => {
  await rollouts.publish(TESTED);
  await passAll();
  await demoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.world.finish(HELD);
  await request(rollouts.world.deps, HELD, {
    ...ruled(TESTED),
    tags: { build: "2" },
  });
  await rollouts.pass(15);
  expect(await rollouts.latestIn()).toEqual([]);
});
