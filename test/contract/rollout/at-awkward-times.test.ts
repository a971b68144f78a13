/** What results and operations that come at an awkward time do to a rollout. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/by-hand.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { idOf, request } from "../../support/dependencies.js";
import { moveOn, takeAndMoveOn } from "../../../src/rollout/move-on.js";
import {
  HELD,
  OPERATOR,
  TESTED,
  WAVES,
  isIn,
  publishInWaves,
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
  await rollouts.publish(TESTED);
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
  const second = async (result: "passed" | "failed"): Promise<void> => {
    rollouts.clock.advance(1_000);
    await rollouts.report({ result });
  };

  test("keeps a tested version out of latest, until it passes", async () => {
    await rollouts.publish(TESTED);
    await rollouts.report({ region: "eastus2" });
    await rollouts.report({});
    const { operation } = await rollouts.world.read(HELD);
    expect(operation).toMatchObject({ status: "NotStarted" });
    await second("failed");
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({ state: "Halted" });
    expect(
      await rollouts.world.deps.store.readOperation(operation.id),
    ).toMatchObject({
      kind: "PromoteImageVersion",
      status: "Canceled",
      canceledBy: { name: "rollout", policy: "rollout" },
    });
    await second("passed");
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  test("keeps the last wave from it, and takes the first back where the rule says so", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({});
    await rollouts.pass(3);
    await rollouts.report({ region: "eastus2" });
    await second("failed");
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
  });

  test("counts though nobody has looked since it was stored", async () => {
    await rollouts.publish(TESTED);
    await rollouts.report({ region: "eastus2" });
    await rollouts.report({});
    await storeUnseen("failed");
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
  });

  test.each([429, 403])(
    "counts though the look before its step is answered %i",
    async (status) => {
      await rollouts.publish(TESTED);
      await rollouts.report({ region: "eastus2" });
      await rollouts.report({});
      await storeUnseen("failed");
      rollouts.simulator.control.addFault({
        method: "GET",
        path: HELD,
        times: 1,
        status,
        body: { error: { code: "X", message: "No." } },
      });
      await rollouts.pass(10);
      expect(await rollouts.latestIn()).toEqual([]);
      expect(await rollouts.view()).toMatchObject({ state: "Halted" });
    },
  );

  const accepted = async (): Promise<void> => {
    await rollouts.publish(TESTED);
    await rollouts.report({ region: "eastus2" });
    await rollouts.report({});
    rollouts.clock.advance(1_000);
  };
  const showNothing = (times: number): void => {
    rollouts.simulator.control.addFault({
      method: "GET",
      path: HELD,
      times,
      status: 404,
      body: { error: { code: "ResourceNotFound", message: "Not there." } },
    });
  };

  test.each([1, 4])(
    "counts though %i looks before its step do not show the version",
    async (times) => {
      await accepted();
      await storeUnseen("failed");
      showNothing(times);
      await rollouts.pass(10);
      expect(await rollouts.latestIn()).toEqual([]);
      expect(await rollouts.view()).toMatchObject({ state: "Halted" });
    },
  );

  test("counts though the look before its step shows the version as it was", async () => {
    const { resourceManager } = rollouts.world.deps;
    const rule = { when: "tested", results: ["boot"] };
    await rollouts.publish(rule);
    const before = await resourceManager.getImageVersion(idOf(HELD));
    await request(rollouts.world.deps, HELD, {
      ...ruled(rule),
      tags: { build: "2" },
    });
    await rollouts.world.finish(HELD);
    await rollouts.report({ region: "eastus2" });
    await rollouts.report({});
    await storeUnseen("failed");
    const { rollout } = rollouts;
    const behind = {
      ...rollout,
      imageVersions: {
        ...rollout.imageVersions,
        resourceManager: {
          ...resourceManager,
          getImageVersion: () => Promise.resolve(before),
        },
      },
    };
    const { world } = rollouts;
    for (const message of await world.takeDue())
      await takeAndMoveOn(behind, world.deps.events, message, (events) =>
        world.handle(message, { ...world.deps, events }),
      );
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({ state: "Halted" });
  });

  test("keeps no promotion waiting of a version that is gone", async () => {
    await accepted();
    const { operation } = await rollouts.world.read(HELD);
    await rollouts.simulator.control.removeResource(HELD);
    await rollouts.pass(60);
    expect(
      await rollouts.world.deps.store.readOperation(operation.id),
    ).toMatchObject({ status: "Failed" });
  });

  test("counts where a PUT had no good answer and was not carried out", async () => {
    await rollouts.publish(TESTED);
    await rollouts.report({});
    rollouts.simulator.control.addFault({
      method: "PUT",
      path: HELD,
      times: 1,
      status: 503,
      body: { error: { code: "ServiceUnavailable", message: "No." } },
    });
    await rollouts.report({ region: "eastus2" });
    for (const message of await rollouts.world.takeDue())
      await rollouts.world.handle(message);
    await second("failed");
    await rollouts.pass(60);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({ state: "Halted" });
  });

  test("does not cancel what Azure has taken already", async () => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    const { operation } = await rollouts.world.read(HELD);
    for (const message of await rollouts.world.takeDue())
      await rollouts.world.handle(message);
    await second("failed");
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(
      await rollouts.world.deps.store.readOperation(operation.id),
    ).toMatchObject({ status: "Succeeded" });
  });
});

describe("what a person has promoted", () => {
  const promote = async (): Promise<void> => {
    rollouts.clock.advance(1_000);
    await promoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.world.finish(HELD);
  };

  test("though it had failed is not taken back for that", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({ result: "failed" });
    await rollouts.pass(3);
    await promote();
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await rollouts.view()).toMatchObject({
      state: "Halted",
      message:
        "boot has failed in westus. A person has promoted the version since: it stays where it is, and is not promoted further, unless a later result passes.",
    });
  });

  test.each(["westus", "eastus2"])(
    "in Azure, though it had failed in %s, is not taken back for that",
    async (region) => {
      await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
      await rollouts.report({ region, result: "failed" });
      await rollouts.pass(3);
      rollouts.clock.advance(60_000);
      await rollouts.exclude({ westus: false }, false);
      const halted = {
        state: "Halted",
        message: `boot has failed in ${region}. A person has promoted the version since: it stays where it is, and is not promoted further, unless a later result passes.`,
      };
      expect(await rollouts.view()).toMatchObject(halted);
      await rollouts.report({ name: "other" });
      await rollouts.pass(10);
      expect(await rollouts.latestIn()).toEqual(["westus"]);
      expect(await rollouts.view()).toMatchObject(halted);
      await rollouts.report({ result: "failed" });
      await rollouts.pass(10);
      expect(await rollouts.latestIn()).toEqual([]);
    },
  );

  test("by taking over the rule's promotion, after a failure that nobody had seen, is not taken back for that", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({});
    const { operation } = await rollouts.world.read(HELD);
    await storeUnseen("failed");
    await promote();
    expect((await rollouts.world.read(HELD)).operation.id).toBe(operation.id);
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await rollouts.view()).toMatchObject({ state: "Halted" });
  });

  test("in Azure again, once it was taken back, is not taken back for the same", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({});
    await rollouts.pass(3);
    rollouts.clock.advance(1_000);
    await rollouts.report({ result: "failed" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
    await rollouts.pass(15);
    await rollouts.exclude({ westus: false }, false);
    await rollouts.report({ name: "other" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });

  test("in Azure before it has failed is taken back, though nobody has looked in between", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.exclude({ westus: false }, false);
    rollouts.clock.advance(1_000);
    await rollouts.report({ result: "failed" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
  });

  test("though it had failed is not taken back once that operation is kept no longer", async () => {
    await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
    await rollouts.report({ result: "failed" });
    await promote();
    await rollouts.pass(3);
    const { deps } = rollouts.world;
    const { operation } = await rollouts.world.read(HELD);
    const { store } = deps;
    Object.assign(deps, {
      store: {
        ...store,
        readOperation: async (id: string) =>
          id === operation.id ? undefined : store.readOperation(id),
      },
    });
    await rollouts.report({ name: "other" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
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
    rollouts.clock.advance(1_000);
    await rollouts.report({ result: "failed" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
  });
});

test.each([TESTED, WAVES])(
  "a promotion that a person asks for while the rule's is not sent is theirs: no failure cancels it",
  async (rule) => {
    await rollouts.publish(rule);
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    rollouts.clock.advance(1_000);
    const { id } = await promoteImageVersion(rollouts.world.deps, OPERATOR);
    rollouts.clock.advance(1_000);
    await rollouts.report({ result: "failed" });
    await rollouts.pass(10);
    expect(await rollouts.world.deps.store.readOperation(id)).toMatchObject({
      requestedBy: { appId: "operator" },
      status: "Succeeded",
    });
    expect(await rollouts.latestIn()).toContain("westus");
  },
);

test("a promotion that a person asks for while the rule's is about to be canceled is theirs", async () => {
  await rollouts.publish(TESTED);
  await rollouts.report({});
  await rollouts.report({ region: "eastus2" });
  const { operation } = await rollouts.world.read(HELD);
  const { rollout } = rollouts;
  const meanwhile = {
    ...rollout,
    results: {
      list: async (versionId: string) => {
        const found = await rollout.results.list(versionId);
        await promoteImageVersion(rollouts.world.deps, OPERATOR);
        return found;
      },
    },
  };
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "failed" }, HELD, {
    ...rollouts.resultDeps,
    onResult: moveOn.bind(undefined, meanwhile),
  });
  await rollouts.pass(10);
  expect(
    await rollouts.world.deps.store.readOperation(operation.id),
  ).toMatchObject({ requestedBy: { appId: "operator" }, status: "Succeeded" });
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
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
      message:
        "It waits for sigil/machine in westus, sigil/machine in eastus2. The test was canceled. Test the version by hand, or promote it by hand.",
    });
    await rollouts.test({ versionId: HELD });
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });

  const deciding = { promote: promoteImageVersion, demote: demoteImageVersion };
  /** A person decides, and it comes to nothing. */
  const inVain = async (
    decide: keyof typeof deciding,
    how: "canceled" | "refused",
  ): Promise<void> => {
    if (how === "refused")
      rollouts.simulator.control.addFault({
        method: "PUT",
        path: HELD,
        times: 1,
        status: 403,
      });
    const { id } = await deciding[decide](rollouts.world.deps, OPERATOR);
    if (how === "canceled")
      await cancelOperation(rollouts.world.deps, id, { appId: "op" });
    await rollouts.pass(60);
    expect(await rollouts.world.deps.store.readOperation(id)).toMatchObject({
      status: how === "canceled" ? "Canceled" : "Failed",
    });
  };

  test.each(["canceled", "refused"] as const)(
    "a promotion, nor by a demotion that is %s",
    async (how) => {
      await rollouts.publish(WAVES);
      await rollouts.report({});
      await rollouts.pass(3);
      await rollouts.report({ region: "eastus2" });
      await cancelLast("PromoteImageVersion");
      await inVain("demote", how);
      expect(await rollouts.latestIn()).toEqual(["westus"]);
      expect(await rollouts.view()).toMatchObject({
        state: "NeedsAttention",
        message:
          "Every test has passed, but its promotion has failed: It was canceled. Promote it by hand.",
      });
    },
  );

  test.each([
    ["demote", "canceled"],
    ["demote", "refused"],
    ["promote", "canceled"],
    ["promote", "refused"],
  ] as const)(
    "an exclusion after a failure, nor by what a person decides in vain: %s, %s",
    async (decide, how) => {
      await rollouts.publish({ ...WAVES, onFailure: "rollBack" });
      await rollouts.report({});
      await rollouts.pass(3);
      rollouts.clock.advance(1_000);
      await rollouts.report({ result: "failed" });
      await cancelLast("DemoteImageVersion");
      await inVain(decide, how);
      expect(await rollouts.latestIn()).toEqual(["westus"]);
      expect(await rollouts.view()).toMatchObject({
        state: "Halted",
        message:
          "boot has failed in westus. The version is not promoted further, unless a later result passes.",
      });
    },
  );

  test("an exclusion after a failure", async () => {
    const rule = { ...WAVES, onFailure: "rollBack" };
    await rollouts.publish(rule);
    await rollouts.report({});
    await rollouts.pass(3);
    rollouts.clock.advance(1_000);
    await rollouts.report({ result: "failed" });
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
      message:
        "The version is in none of the regions that its rule names. Change the rule, or promote the version by hand.",
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
    message:
      "Its replication to westus has failed. Retry it there, or promote the version by hand.",
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
  const told = (await rollouts.takeEvents()).filter(({ type }) =>
    type.endsWith("WavePromoted"),
  );
  expect(told.map(({ data }) => data)).toEqual([
    { wave: 1, waves: 2, regions: ["westus"] },
  ]);
});

test("a result that passed by a clock that is ahead hides no later failure", async () => {
  await rollouts.publish(TESTED);
  const inMs = (ms: number): string =>
    new Date(rollouts.clock.now() + ms).toISOString();
  await rollouts.report({ time: inMs(240_000) });
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "failed", time: inMs(0) });
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual([]);
});

test("waves that others have stopped go on once their regions are as before", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(3);
  await rollouts.exclude({}, true);
  await rollouts.pass(10);
  const stopped = {
    state: "NeedsAttention",
    message:
      "Its waves have stopped: somebody has excluded the version from latest, or included it, otherwise than they do. They go on once that is put back. Promoted by hand it becomes the latest in westus.",
    wave: 1,
  };
  expect(await rollouts.view()).toEqual(stopped);
  expect(
    (await rollouts.takeEvents())
      .filter(({ type }) => type.endsWith("RolloutHalted"))
      .map(({ data }) => data),
  ).toEqual([{ failed: [], message: stopped.message }]);
  expect(await rollouts.isLookedAfter()).toBe(true);
  await rollouts.exclude({}, false);
  await rollouts.pass(5);
  expect(await rollouts.view()).toMatchObject({ state: "Waiting", wave: 2 });
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

const tag = async (rule: object): Promise<void> => {
  await request(rollouts.world.deps, HELD, {
    ...ruled(rule),
    tags: { a: "1" },
  });
  await rollouts.world.finish(HELD);
};

test("an update between the stop of waves and its end changes nothing of that", async () => {
  await rollouts.publish(WAVES);
  await rollouts.exclude({}, false);
  await rollouts.pass(20);
  await tag(WAVES);
  await rollouts.pass(20);
  await rollouts.exclude({}, true);
  await rollouts.pass(20);
  expect(await rollouts.view()).toMatchObject({ state: "Waiting", wave: 1 });
  await rollouts.report({});
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});

test("a wave that a person promotes beside what others have included otherwise leaves the waves stopped, and that is said", async () => {
  await publishInWaves(rollouts, ["westus", "eastus2", "southcentralus"]);
  await rollouts.pass(5);
  await rollouts.exclude({ southcentralus: false }, false);
  await rollouts.pass(20);
  await promoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect(await rollouts.view()).toMatchObject({
    state: "NeedsAttention",
    wave: 2,
  });
});

test("what others have included in every region by its own flag, and exclude again, is not included", async () => {
  await rollouts.publish(WAVES);
  await rollouts.exclude({ westus: false, eastus2: false });
  await rollouts.pass(20);
  await rollouts.report({});
  await rollouts.report({ region: "eastus2" });
  await rollouts.exclude({ westus: true, eastus2: true });
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual([]);
});

test.each([
  ["the version's flag alone off", {}, false],
  ["a later wave's region into latest", { eastus2: false }, false],
  ["a region into latest by its own flag", { eastus2: false }, undefined],
])(
  "before the first wave, who takes %s stops the waves; put back, they go on",
  async (_, regions, version) => {
    await rollouts.publish(WAVES);
    await rollouts.exclude(regions, version);
    await rollouts.pass(20);
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      wave: 1,
    });
    expect(
      (await rollouts.takeEvents()).filter(({ type }) =>
        type.endsWith("RolloutHalted"),
      ),
    ).toHaveLength(1);
    await rollouts.exclude({ westus: true, eastus2: true }, true);
    await rollouts.pass(20);
    expect(await rollouts.view()).toMatchObject({ state: "Waiting", wave: 1 });
    await rollouts.report({});
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  },
);

test("a version that waits for a person is told once", async () => {
  await rollouts.publish({
    when: "waves",
    waves: [
      { regions: ["westus"], after: "manual" },
      { regions: ["eastus2"], after: "manual" },
    ],
  });
  await rollouts.pass(10);
  const told = (await rollouts.takeEvents()).filter(({ type }) =>
    type.endsWith("RolloutHalted"),
  );
  expect(told.map(({ data }) => data)).toEqual([
    {
      failed: [],
      message: "It waits for somebody to promote it in westus.",
    },
  ]);
});

describe("a wave by minutes", () => {
  const MINUTES = {
    ...WAVES,
    waves: [WAVES.waves[0], { regions: ["eastus2"], after: { minutes: 30 } }],
  };
  test("waits for a person at once where the promotion before it was canceled, though Azure has that", async () => {
    await rollouts.publish(MINUTES);
    await rollouts.report({});
    const { operation } = await rollouts.world.read(HELD);
    for (const message of await rollouts.world.takeDue())
      await rollouts.world.handle(message);
    await cancelOperation(rollouts.world.deps, operation.id, { appId: "op" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      message:
        "Every test has passed, but its promotion has failed: It was canceled. Promote it by hand.",
    });
  });

  test("comes so long after Azure shows the wave before, where others have made it so", async () => {
    await rollouts.publish(MINUTES);
    await rollouts.exclude({ westus: false }, false);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await rollouts.pass(25);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });
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
