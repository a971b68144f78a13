/** Versions that become the latest in one region after the other. */
import { describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { request } from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { refusal } from "../../support/refusal.js";
import { isFinal } from "../../../src/image-version/state/states.js";
import { takeAndMoveOn } from "../../../src/rollout/move-on.js";
import {
  BOOT,
  HELD,
  OPERATOR,
  WAVES,
  promote,
  reportLater,
  rollouts,
  ruled,
  targetsOf,
  told,
  useRollouts,
  withTargets,
} from "./support.js";
import { naming } from "../../support/naming.js";

useRollouts();

test("a version is excluded in every region from the first PUT on, and included in one wave after the other", async () => {
  await rollouts.publish(WAVES);
  const puts = rollouts.simulator.control
    .requests()
    .filter(({ method, path }) => method === "PUT" && path.includes("2.0.0"));
  expect(puts).toHaveLength(1);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await rollouts.view()).toMatchObject({
    state: "Waiting",
    wave: 1,
    message: "It waits for boot in westus.",
  });
  // What passes in a later wave's region opens nothing before its turn.
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual([]);

  await rollouts.report({});
  await rollouts.world.finish(HELD);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  expect(await rollouts.view()).toBeUndefined();
  await rollouts.pass(1);
  expect(await rollouts.isLookedAfter()).toBe(false);
  expect(await told("WavePromoted")).toMatchObject([
    { wave: 1, regions: ["westus"] },
    { wave: 2, regions: ["eastus2"] },
  ]);
});

test("every version that waits is looked after, however many pages they are", async () => {
  for (const number of ["2.9.0", "2.10.0", "2.11.0"])
    await rollouts.publish(WAVES, seedVersionId(number));
  expect((await rollouts.run()).versions).toBe(3);
});

describe("a failed result", () => {
  test("begins no further wave, which is told once; a later result that passes goes on", async () => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    await rollouts.pass(3);
    await rollouts.report({ region: "eastus2", result: "failed" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await rollouts.view()).toMatchObject({ state: "Halted", wave: 2 });
    expect(await told("RolloutHalted")).toHaveLength(1);
    await reportLater({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("excludes the version again where the rule says so, for good", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({});
    await rollouts.pass(3);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await reportLater({ result: "failed" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
    const { operation } = await rollouts.world.read(HELD);
    expect(operation).toMatchObject({
      kind: "DemoteImageVersion",
      status: "Succeeded",
      requestedBy: { name: "rollout", policy: "rollout" },
    });
    expect(await rollouts.isLookedAfter()).toBe(false);
    const all = (await rollouts.takeEvents()).map(({ type }) => type.split(".").at(-1));
    expect(all.filter((type) => type === "RolledBack")).toHaveLength(1);
    expect(all.filter((type) => type === "RolloutHalted")).toHaveLength(1);

    await reportLater({});
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
  });
});

describe("by hand", () => {
  test("a promotion is of the next wave, also of one that nothing else opens", async () => {
    await rollouts.publish({
      when: "waves",
      waves: [
        { regions: ["westus"], after: "manual" },
        { regions: ["eastus2"], after: "manual" },
      ],
    });
    await rollouts.pass(3);
    expect(await rollouts.view()).toMatchObject({
      state: "Waiting",
      message: naming(["westus"]),
    });
    await promote();
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await rollouts.pass(3);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await promote();
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("a demotion excludes it in every region, and ends the waves: a promotion is everywhere then", async () => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    await rollouts.world.finish(HELD);
    await demoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.world.finish(HELD);
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
    await promote();
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });
});

test("a wave comes so many minutes after the one before", async () => {
  await rollouts.publish({
    when: "waves",
    waves: [
      { regions: ["westus"], ...BOOT },
      { regions: ["eastus2"], after: { minutes: 30 } },
    ],
  });
  await rollouts.report({});
  await rollouts.pass(5);
  expect(await rollouts.view()).toMatchObject({
    state: "Waiting",
    wave: 2,
    message: naming(["eastus2"]),
    nextAttemptTime: expect.stringMatching(/Z$/u) as string,
  });
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("machines test each wave's regions in its turn", async () => {
  await rollouts.publish({
    when: "waves",
    waves: [
      { regions: ["westus"], after: "tested" },
      { regions: ["eastus2"], after: "tested" },
    ],
  });
  await rollouts.pass(3);
  expect((await rollouts.read(HELD)).operation.detail).toMatchObject([{ name: "westus" }]);
  await rollouts.pass(40);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("the step that ends an operation begins what its end allows, before the timer comes", async () => {
  await request(
    rollouts.world.deps,
    HELD,
    ruled({
      when: "waves",
      waves: [
        { regions: ["westus"], after: "tested" },
        { regions: ["eastus2"], ...BOOT },
      ],
    }),
  );
  const untilRest = async () => {
    for (let steps = 0; steps < 100; steps += 1) {
      for (const message of await rollouts.world.takeDue())
        await takeAndMoveOn(rollouts.rollout, rollouts.world.deps.events, (events) =>
          rollouts.world.handle(message, { ...rollouts.world.deps, events }),
        );
      if (isFinal((await rollouts.world.read(HELD)).record.state)) return;
      rollouts.clock.advance(15_000);
    }
  };
  await untilRest();
  // It is usable: its test by machines has begun.
  expect((await rollouts.read(HELD)).operation).toMatchObject({
    requestedBy: { name: "rollout", policy: "rollout" },
    detail: [{ name: "westus" }],
  });
  await reportLater({ region: "eastus2" });
  // A person does not wait for the machine: the second wave follows the first at once.
  await promoteImageVersion(rollouts.world.deps, OPERATOR);
  await untilRest();
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("the end of one wave's test begins that of the next, before the timer comes", async () => {
  await rollouts.publish({
    when: "waves",
    waves: [
      { regions: ["westus"], after: "tested" },
      { regions: ["eastus2"], after: "tested" },
    ],
  });
  await rollouts.simulator.control.setMachineTimes({
    startMs: 30_000,
    deleteMs: 120_000,
  });
  await rollouts.run();
  for (let steps = 0; steps < 100; steps += 1) await rollouts.step(10);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("an update while waves are under way leaves them as they are", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(3);
  await request(rollouts.world.deps, HELD, {
    ...ruled(WAVES),
    tags: { build: "2" },
  });
  await rollouts.world.finish(HELD);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("waves that do not name each target region of a new version once are refused", async () => {
  const findingsOf = async (promotion: object) =>
    (await refusal(request(rollouts.world.deps, HELD, ruled(promotion)))).findings.map(
      ({ pointer, message }) => `${pointer} ${message}`,
    );
  expect(
    await findingsOf({
      when: "waves",
      waves: [
        { regions: ["westus", "westus"], after: "manual" },
        { regions: ["uksouth"], after: "manual" },
      ],
    }),
  ).toEqual([
    '/sigil/promotion/waves/0/regions/1 "westus" is in two waves.',
    naming(["1", "0", "uksouth", "westus", "eastus2"]),
    "/sigil/promotion/waves eastus2 is in no wave.",
  ]);
  expect(await findingsOf({ when: "waves" })).toEqual([naming(["waves"])]);
  expect(await findingsOf({ when: "manual", onFailure: "halt" })).toEqual([
    '/sigil/promotion/onFailure The rule "manual" has no waves.',
  ]);
});

test("a region in no wave is not added while the waves are in force", async () => {
  const { deps } = rollouts.world;
  await rollouts.publish(WAVES);
  const body = managedImageRequest();
  const more = withTargets(body, [...targetsOf(body), { name: "northeurope" }]);
  expect(await refusal(request(deps, HELD, more))).toMatchObject({
    code: "ImageVersionConflict",
    findings: [
      {
        code: "InNoWave",
        pointer: "/properties/publishingProfile/targetRegions/2",
        message: naming(["northeurope"]),
      },
    ],
  });
  await promoteImageVersion(deps, { ...OPERATOR, regions: ["westus"] });
  await request(deps, HELD, more);
});
