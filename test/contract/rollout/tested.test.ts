/** Versions that are promoted once their tests have passed. */
import { describe, expect, test } from "vitest";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { operationIdOf } from "../../../src/operation/records.js";
import { idOf, request } from "../../support/dependencies.js";
import { nthOf } from "../../support/operation-ids.js";
import { managedImageRequest } from "../../support/requests.js";
import {
  HELD,
  OPERATOR,
  TESTED,
  promote,
  reportLater,
  rollouts,
  ruled,
  useRollouts,
} from "./support.js";
import { naming } from "../../support/naming.js";

useRollouts();

const operationsNow = async () => {
  const { operation } = await rollouts.world.read(HELD);
  return { kind: operation.kind, status: operation.status };
};
const told = async () =>
  (await rollouts.takeEvents())
    .map(({ type }) => type.replace("Sigil.ImageVersion.", ""))
    .filter((type) => ["Promoted", "RolloutHalted", "Tested"].includes(type));

test("a version is tested by machines once it is usable, and promoted once they have passed", async () => {
  await rollouts.publish({ when: "tested" });
  expect(await rollouts.isLatest()).toBe(false);
  expect(await rollouts.view()).toEqual({
    state: "Waiting",
    message: naming(["westus", "eastus2"]),
    missing: [
      { region: "westus", name: "sigil/machine" },
      { region: "eastus2", name: "sigil/machine" },
    ],
  });
  await rollouts.takeEvents();
  expect(await rollouts.run()).toMatchObject({ errors: [] });
  const { operation } = await rollouts.read(HELD);
  expect(operation).toMatchObject({
    requestedBy: { name: "rollout", policy: "rollout" },
    detail: [{ name: "westus" }, { name: "eastus2" }],
  });
  expect((await rollouts.view())?.message).toContain(
    `Operation ${operation.id} tests the version.`,
  );
  await rollouts.pass(15);
  expect(await operationsNow()).toEqual({
    kind: "PromoteImageVersion",
    status: "Succeeded",
  });
  expect(await rollouts.isLatest()).toBe(true);
  // Its results are there before its machines are gone.
  expect(await told()).toEqual(["Promoted", "Tested"]);
  expect(await rollouts.isLookedAfter()).toBe(false);
  expect(await rollouts.view()).toBeUndefined();
});

describe("a version whose test has failed", () => {
  test("is not promoted, which is told once; a later result that passes promotes it", async () => {
    await rollouts.simulator.control.planMachine({
      does: "wrongKey",
      region: "eastus2",
      times: 1,
    });
    await rollouts.publish({ when: "tested" });
    await rollouts.pass(30);
    expect(await rollouts.isLatest()).toBe(false);
    expect(await rollouts.view()).toMatchObject({
      state: "Halted",
      failed: [{ region: "eastus2", result: "failed" }],
    });
    expect(await told()).toEqual(["RolloutHalted"]);
    expect(await rollouts.isLookedAfter()).toBe(false);

    await rollouts.test({ versionId: HELD, regions: ["eastus2"] });
    await rollouts.pass(15);
    expect(await rollouts.isLatest()).toBe(true);
  });

  test("is not promoted by tests of others, nor after they were promoted by hand and held back", async () => {
    await rollouts.publish(TESTED);
    await rollouts.report({ result: "passed" });
    await rollouts.report({ region: "eastus2", result: "failed" });
    await rollouts.report({ name: "other", region: "eastus2" });
    await rollouts.pass(2);
    expect(await rollouts.isLatest()).toBe(false);
    await promote();
    await demoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.world.finish(HELD);
    await reportLater({ region: "eastus2" });
    await rollouts.pass(10);
    expect(await rollouts.isLatest()).toBe(false);
    expect(await rollouts.view()).toBeUndefined();
  });
});

test("a test without a result is begun again twice; then a person is waited for, and any result goes on", async () => {
  await rollouts.setProfile({ machineSize: "Standard_NoSuchSize" }, HELD);
  await rollouts.publish({ when: "tested" });
  await rollouts.pass(3);
  expect(await rollouts.view()).toMatchObject({
    state: "Waiting",
    nextAttemptTime: expect.stringMatching(/Z$/u) as string,
    missing: [{ result: "inconclusive" }, { result: "inconclusive" }],
  });
  await rollouts.pass(180);
  const { record, operation } = await rollouts.read(HELD);
  expect(operation.id).toBe(nthOf(record, 3));
  expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
  expect(await rollouts.isLookedAfter()).toBe(true);

  await rollouts.setProfile({}, HELD);
  await rollouts.test({ versionId: HELD });
  await rollouts.pass(15);
  expect(await rollouts.isLatest()).toBe(true);
});

describe("a test of others", () => {
  test("promotes at once, in those regions that the rule names", async () => {
    await rollouts.publish({
      when: "tested",
      regions: ["West US"],
      results: ["boot"],
    });
    expect(await rollouts.view()).toMatchObject({
      state: "Waiting",
      message: "It waits for boot in westus.",
    });
    await rollouts.report({});
    expect(await operationsNow()).toMatchObject({
      kind: "PromoteImageVersion",
    });
    await rollouts.world.finish(HELD);
    expect(await rollouts.isLatest()).toBe(true);
  });

  test("that passes before the version is usable everywhere does not count", async () => {
    await request(rollouts.world.deps, HELD, ruled(TESTED));
    await rollouts.step(30);
    await rollouts.step(1);
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    await rollouts.run();
    expect(await rollouts.view()).toMatchObject({
      state: "Waiting",
      message: expect.stringContaining("is running") as string,
    });
    await rollouts.world.finish(HELD);
    expect(await rollouts.isLatest()).toBe(false);
    expect(await rollouts.view()).toMatchObject({
      message: "It waits for boot in westus, boot in eastus2.",
    });
    await reportLater({});
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(3);
    expect(await rollouts.isLatest()).toBe(true);
  });

  test("says nothing of a version that was made again under the number", async () => {
    const rule = { when: "tested", results: ["boot"] };
    await rollouts.publish({ ...rule, regions: ["westus"] });
    await rollouts.simulator.control.removeResource(HELD);
    rollouts.clock.advance(1_000);
    await rollouts.world.deps.resourceManager.putImageVersion(idOf(HELD), {
      ...managedImageRequest(),
      properties: {
        ...managedImageRequest().properties,
        publishingProfile: {
          ...managedImageRequest().properties.publishingProfile,
          excludeFromLatest: true,
        },
      },
    });
    rollouts.clock.advance(3_600_000);
    await rollouts.report({});
    await rollouts.pass(5);
    expect(await rollouts.isLatest()).toBe(false);
    expect(await rollouts.isLookedAfter()).toBe(false);
  });
});

test("without machines or a profile a person is waited for, who may promote it by hand", async () => {
  await rollouts.rollout.machineTests.profiles.read("none");
  const off = { ...rollouts.rollout.machineTests, makesMachines: false };
  Object.assign(rollouts.rollout, { machineTests: off });
  await rollouts.publish({ when: "tested" });
  await rollouts.pass(3);
  expect(await rollouts.view()).toMatchObject({
    state: "NeedsAttention",
    message: expect.stringContaining("creates no test machines") as string,
  });
  await promote();
  await rollouts.pass(2);
  expect(await rollouts.isLatest()).toBe(true);
  expect(await rollouts.isLookedAfter()).toBe(false);
});

test("a promotion that Azure refuses is not tried for ever", async () => {
  await rollouts.publish(TESTED);
  rollouts.simulator.control.addFault({
    method: "PUT",
    path: "/versions/2\\.0\\.0",
    status: 403,
    body: { error: { code: "RequestDisallowedByPolicy", message: "No." } },
    times: null,
  });
  await rollouts.report({});
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(60);
  expect(await rollouts.isLatest()).toBe(false);
  expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
  const { record } = await rollouts.world.read(HELD);
  expect(operationIdOf({ ...record, sequence: record.lastSequence })).toBe(nthOf(record, 2));
});
