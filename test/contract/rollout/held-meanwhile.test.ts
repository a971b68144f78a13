/** Who holds a version back, or changes its rule, between the acceptance of a rule's promotion and its PUT is not overruled. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/by-hand.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { takeAndMoveOn } from "../../../src/rollout/move-on.js";
import { request } from "../../support/dependencies.js";
import { managedImageRequest } from "../../support/requests.js";
import {
  HELD,
  OPERATOR,
  WAVES,
  ruled,
  startRollouts,
  type Rollouts,
} from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

const promote = () => promoteImageVersion(rollouts.world.deps, OPERATOR);
const operationOf = (id: string) => rollouts.world.deps.store.readOperation(id);

/** The second wave's promotion is accepted, and not sent. No look can be from before the first one any more. */
async function accepted(): Promise<string> {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(15);
  await rollouts.report({ region: "eastus2" });
  const { operation } = await rollouts.world.read(HELD);
  expect(operation).toMatchObject({
    kind: "PromoteImageVersion",
    status: "NotStarted",
  });
  return operation.id;
}

describe("who holds back, in Azure, before the promotion of the second wave is sent,", () => {
  const HOLDS = [
    ["the first wave's region", { westus: true }, undefined],
    ["the whole version", {}, true],
    ["all of it, region by region", { westus: true, eastus2: true }, undefined],
  ] as const;

  test.each(HOLDS)(
    "%s is not overruled; put back, the waves go on",
    async (_, regions, version) => {
      const id = await accepted();
      await rollouts.exclude(regions, version);
      await rollouts.pass(15);
      expect(await rollouts.latestIn()).toEqual([]);
      expect(await operationOf(id)).toMatchObject({
        status: "Canceled",
        canceledBy: { name: "rollout", policy: "rollout" },
        history: expect.arrayContaining([
          expect.objectContaining({
            message:
              "Canceled. After this promotion was accepted others have changed, in Azure, the regions of the version, or where it is excluded from latest: it is not overruled. Nothing was sent to Azure for it, and nothing will be.",
          }) as unknown,
        ]) as unknown,
      });
      await rollouts.exclude({ westus: false }, false);
      await rollouts.pass(5);
      expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    },
  );

  test.each(HOLDS)(
    "%s, between the look at its gate and the look of its step, is not overruled",
    async (_, regions, version) => {
      const id = await accepted();
      const { world, rollout } = rollouts;
      for (const message of await world.takeDue())
        await takeAndMoveOn(
          rollout,
          world.deps.events,
          message,
          async (events) => {
            await rollouts.exclude(regions, version);
            await world.handle(message, { ...world.deps, events });
          },
        );
      await rollouts.pass(15);
      expect(await rollouts.latestIn()).toEqual([]);
      expect(await operationOf(id)).toMatchObject({ status: "Canceled" });
    },
  );

  test("the first wave's region, once ARM is no longer busy with something else, is not overruled", async () => {
    const id = await accepted();
    rollouts.simulator.control.addFault({
      method: "PUT",
      path: HELD,
      times: 1,
      status: 409,
      body: { error: { code: "Conflict", message: "Busy." } },
    });
    for (const message of await rollouts.world.takeDue())
      await rollouts.world.handle(message);
    await rollouts.exclude({ westus: true });
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await operationOf(id)).toMatchObject({ status: "Canceled" });
  });
});

test("who holds a wave's region back before a look has shown its promotion is not overruled: a person is waited for", async () => {
  await accepted();
  for (const message of await rollouts.world.takeDue())
    await rollouts.world.handle(message);
  await rollouts.exclude({ eastus2: true });
  await rollouts.pass(60);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect(await rollouts.view()).toMatchObject({
    state: "NeedsAttention",
    message: expect.stringContaining("although it was sent once") as unknown,
  });
});

describe("before a look has shown a person's promotion of the second wave", () => {
  const sent = async (): Promise<string> => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    await rollouts.pass(15);
    const { id } = await promote();
    await rollouts.world.runDue();
    expect(await operationOf(id)).toMatchObject({ status: "Running" });
    return id;
  };

  test.each([
    ["the whole version", {}, true, []],
    ["all of it", { westus: true, eastus2: true }, true, []],
    ["its region", { eastus2: true }, undefined, ["westus"]],
  ] as const)(
    "who holds back %s is not overruled: the next wave waits for a person",
    async (_, regions, version, left) => {
      const id = await sent();
      await rollouts.exclude(regions, version);
      await rollouts.pass(30);
      expect(await rollouts.latestIn()).toEqual(left);
      expect(await operationOf(id)).toMatchObject({
        status: "Failed",
        error: { code: "OverriddenByAzure" },
      });
      await rollouts.exclude({ westus: false, eastus2: true }, false);
      await rollouts.report({ region: "eastus2" });
      await rollouts.pass(15);
      expect(await rollouts.latestIn()).toEqual(["westus"]);
      expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
    },
  );
});

test("who holds the whole version back before a look has shown the second wave's promotion is not overruled either", async () => {
  const id = await accepted();
  await rollouts.world.runDue();
  expect(await operationOf(id)).toMatchObject({ status: "Running" });
  await rollouts.exclude({}, true);
  await rollouts.pass(90);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await operationOf(id)).toMatchObject({
    status: "Failed",
    error: { code: "OverriddenByAzure" },
  });
});

test("a promotion of the second wave puts back nothing that others take from the first one meanwhile", async () => {
  await accepted();
  for (const message of await rollouts.world.takeDue())
    await rollouts.world.handle(message);
  await rollouts.exclude({ westus: true });
  await rollouts.pass(60);
  expect(await rollouts.latestIn()).toEqual(["eastus2"]);
});

describe("a rule that is changed before its promotion is sent promotes no more:", () => {
  test.each([
    ["another one holds", ruled({ when: "tested", results: ["other"] })],
    ["none holds", managedImageRequest()],
  ])("%s", async (_, body) => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    const { operation } = await rollouts.world.read(HELD);
    expect(operation).toMatchObject({ status: "NotStarted" });
    await request(rollouts.world.deps, HELD, body);
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await operationOf(operation.id)).toMatchObject({
      status: "Canceled",
      canceledBy: { name: "rollout", policy: "rollout" },
      history: expect.arrayContaining([
        expect.objectContaining({
          message: expect.stringContaining(
            "on the version is under way.",
          ) as unknown,
        }) as unknown,
      ]) as unknown,
    });
  });
});

describe("what a person has canceled stays canceled", () => {
  const RULE = { when: "tested", results: ["boot"] };
  const ready = async (): Promise<string> => {
    await rollouts.publish(RULE);
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    return (await rollouts.world.read(HELD)).operation.id;
  };
  const cancel = async (id: string): Promise<void> => {
    await cancelOperation(rollouts.world.deps, id, { appId: "operator" });
    await rollouts.pass(3);
  };

  test("where they have taken the rule's promotion over before, and is told", async () => {
    const id = await ready();
    expect((await promote()).id).toBe(id);
    await cancel(id);
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
    const message =
      "Every test has passed, but its promotion has failed: It was canceled. Promote it by hand.";
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      message,
    });
    const told = (await rollouts.takeEvents()).filter(({ type }) =>
      type.endsWith("RolloutHalted"),
    );
    expect(told.map(({ data }) => data)).toEqual([{ failed: [], message }]);
  });

  test("once that operation is kept no longer, until a person promotes it", async () => {
    const id = await ready();
    await cancel(id);
    const { deps } = rollouts.world;
    const { store } = deps;
    Object.assign(deps, {
      store: {
        ...store,
        readOperation: async (other: string) =>
          other === id ? undefined : store.readOperation(other),
      },
    });
    await request(deps, HELD, { ...ruled(RULE), tags: { n: "1" } });
    await rollouts.world.finish(HELD);
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
    await promote();
    await rollouts.pass(3);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });
});

test("that a version was taken back is told once, though an update ends with the exclusion", async () => {
  const rule = { ...WAVES, onFailure: "rollBack" };
  await rollouts.publish(rule);
  await rollouts.report({});
  await rollouts.pass(15);
  await rollouts.report({ result: "failed" });
  await request(rollouts.world.deps, HELD, {
    ...ruled(rule),
    tags: { n: "1" },
  });
  await rollouts.pass(15);
  expect(await rollouts.latestIn()).toEqual([]);
  const told = (await rollouts.takeEvents()).filter(({ type }) =>
    type.endsWith("RolledBack"),
  );
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
});

describe("a promotion by hand", () => {
  test("after others have held the version back says that the next wave is not certain while Azure may show what was before", async () => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    await rollouts.pass(3);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await rollouts.exclude({ westus: true, eastus2: true }, true);
    await expect(promote()).rejects.toMatchObject({ code: "StateConflict" });
    await rollouts.pass(12);
    await promote();
    await rollouts.pass(3);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });
});
