/** What results, failures and what people cancel do to a rollout. */
import { describe, expect, test } from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { request } from "../../support/dependencies.js";
import {
  HELD,
  TESTED,
  WAVES,
  isIn,
  ruled,
  targetsOf,
  withTargets,
  promote,
  reportLater,
  rollouts,
  told,
  useRollouts,
} from "./support.js";
import { naming } from "../../support/naming.js";

useRollouts();

test("inconclusive after failed does not lift the halt", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  await reportLater({ result: "failed" });
  await reportLater({ region: "eastus2" });
  await rollouts.pass(3);
  expect(await rollouts.view()).toMatchObject({ state: "Halted" });
  await reportLater({ result: "inconclusive" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});

test("passed then inconclusive does not close the gate", async () => {
  await rollouts.publish(TESTED);
  await rollouts.report({});
  await reportLater({ result: "inconclusive" });
  await reportLater({ region: "eastus2" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
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

test("an exclusion after a failure that Azure has refused waits for a person", async () => {
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
  await reportLater({ result: "failed" });
  await rollouts.pass(45);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect(await rollouts.view()).toMatchObject({
    state: "Halted",
    message: expect.stringMatching(
      /^boot failed in westus\. Sigil could not exclude the version from latest: .+ Demote it by hand\.$/u,
    ) as string,
  });
  expect(await told("RolloutHalted")).toHaveLength(2);
});

/** A second later a result is stored by whoever dies before anybody has looked at it. */
async function storeUnseen(result: "passed" | "failed"): Promise<void> {
  rollouts.clock.advance(1_000);
  await expect(
    rollouts.report({ result }, HELD, {
      ...rollouts.resultDeps,
      onResult: () => Promise.reject(new Error("The process died.")),
    }),
  ).rejects.toThrow("died");
}

describe("a failure between the acceptance of a promotion and its PUT", () => {
  test("keeps a tested version out of latest, until it passes", async () => {
    await rollouts.publish(TESTED);
    await rollouts.report({ region: "eastus2" });
    await rollouts.report({});
    const { operation } = await rollouts.world.read(HELD);
    expect(operation).toMatchObject({ status: "NotStarted" });
    await reportLater({ result: "failed" });
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({ state: "Halted" });
    expect((await rollouts.world.deps.store.readOperation(operation.id))?.operation).toMatchObject({
      kind: "PromoteImageVersion",
      status: "Canceled",
      canceledBy: { name: "rollout", policy: "rollout" },
    });
    await reportLater({ result: "passed" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("keeps the last wave from it, and takes the first back where the rule says so", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({});
    await rollouts.pass(3);
    await rollouts.report({ region: "eastus2" });
    await reportLater({ result: "failed" });
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
  });
});

describe("what a person has promoted", () => {
  test("though it had failed is not taken back for that, and the rule goes on", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({ result: "failed" });
    await rollouts.pass(3);
    await promote();
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await rollouts.view()).toMatchObject({
      state: "Waiting",
      message: "It waits for boot in eastus2.",
    });
    await reportLater({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("is taken back for what fails after that", async () => {
    await rollouts.publish({
      ...WAVES,
      waves: [{ ...WAVES.waves[0], after: "manual" }, WAVES.waves[1]],
      onFailure: "rollBack",
    });
    await rollouts.report({});
    await promote();
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await reportLater({ result: "failed" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
  });
});

describe("what a person has canceled is not begun again by an operation that says nothing of it", () => {
  const cancelLast = async (kind: string): Promise<void> => {
    const { operation } = await rollouts.world.read(HELD);
    expect(operation.kind).toBe(kind);
    await cancelOperation(rollouts.world.deps, operation.id, { appId: "op" });
    await rollouts.pass(3);
  };
  const tag = async (rule: object): Promise<void> => {
    await request(rollouts.world.deps, HELD, {
      ...ruled(rule),
      tags: { cost: "1" },
    });
    await rollouts.world.finish(HELD);
    await rollouts.pass(5);
  };

  test("a promotion", async () => {
    const rule = { when: "tested", results: ["boot"] };
    await rollouts.publish(rule);
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    await cancelLast("PromoteImageVersion");
    await tag(rule);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
  });

  test("a test by machines, until somebody tests the version by hand", async () => {
    await rollouts.publish({ when: "tested" });
    await rollouts.pass(2);
    const { operation } = await rollouts.read(HELD);
    await cancelOperation(rollouts.deps, operation.id, { appId: "op" });
    await rollouts.pass(100);
    expect((await rollouts.read(HELD)).operation.id).toBe(operation.id);
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      message: naming(["westus", "eastus2"]),
    });
    await rollouts.test({ versionId: HELD });
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("an exclusion after a failure", async () => {
    const rule = { ...WAVES, onFailure: "rollBack" };
    await rollouts.publish(rule);
    await rollouts.report({});
    await rollouts.pass(3);
    await reportLater({ result: "failed" });
    await cancelLast("DemoteImageVersion");
    await tag(rule);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });
});

describe("a region that the version has no longer", () => {
  const publish = async (rule: object): Promise<void> => {
    await rollouts.publish(rule);
    await rollouts.report({ region: "eastus2", result: "failed" });
    await rollouts.simulator.control.dropRegion({
      versionId: HELD,
      region: "eastus2",
    });
    rollouts.clock.advance(3_600_000);
    await rollouts.report({});
    await rollouts.pass(5);
  };

  test("and its results count no more for a rule that names it", async () => {
    await publish({
      when: "tested",
      results: ["boot"],
      regions: ["westus", "eastus2"],
    });
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });

  test("and its results count no more for its wave", async () => {
    await publish(WAVES);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });

  test("opens nothing where it was the only one that the rule names: a person has to look", async () => {
    await publish({ when: "tested", results: ["boot"], regions: ["eastus2"] });
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      message: expect.stringMatching(/./u) as unknown,
    });
  });
});

test("what a region's copy has passed says nothing of the one that was made when the region was added again", async () => {
  const rule = { when: "tested", results: ["boot"] };
  await rollouts.publish(rule);
  await rollouts.report({ region: "eastus2" });
  const body = ruled(rule);
  const alone = withTargets(body, targetsOf(body).filter(isIn("westus")));
  await request(rollouts.world.deps, HELD, alone, {
    removeRegions: ["eastus2"],
  });
  await rollouts.world.finish(HELD);
  await request(rollouts.world.deps, HELD, body);
  await rollouts.world.finish(HELD);
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

test("a wave to whose region the replication has failed waits for a person", async () => {
  await request(rollouts.world.deps, HELD, ruled(WAVES));
  await rollouts.step(30);
  await rollouts.simulator.control.setRegionState({
    versionId: HELD,
    region: "westus",
    state: "Failed",
    details: "No.",
  });
  for (let minutes = 0; minutes < 200; minutes += 1) await rollouts.step(60);
  await rollouts.pass(10);
  expect(await rollouts.view()).toMatchObject({
    state: "NeedsAttention",
    wave: 1,
    message: naming(["westus"]),
  });
});

test("a wave whose region the version has no longer is not told to have it", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(3);
  await rollouts.simulator.control.dropRegion({
    versionId: HELD,
    region: "eastus2",
  });
  await rollouts.pass(10);
  expect(await told("WavePromoted")).toEqual([{ wave: 1, waves: 2, regions: ["westus"] }]);
});

test("a result that passed by a clock that is ahead hides no later failure", async () => {
  await rollouts.publish(TESTED);
  const inMs = (ms: number): string => new Date(rollouts.clock.now() + ms).toISOString();
  await rollouts.report({ time: inMs(240_000) });
  await reportLater({ result: "failed", time: inMs(0) });
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual([]);
});

test("a version that waits for a person's go alone is no trouble, and nobody is told of any", async () => {
  await rollouts.publish({
    when: "waves",
    waves: [
      { regions: ["westus"], after: "manual" },
      { regions: ["eastus2"], after: "manual" },
    ],
  });
  await rollouts.pass(10);
  expect(await rollouts.view()).toMatchObject({ state: "Waiting", wave: 1 });
  expect(await told("RolloutHalted")).toEqual([]);
});

test("a halted version goes on though whoever stored the result that passes has died", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({ result: "failed" });
  await rollouts.pass(3);
  expect(await rollouts.isLookedAfter()).toBe(false);
  await storeUnseen("passed");
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});
