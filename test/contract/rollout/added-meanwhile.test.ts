/** What comes between the acceptance of a rule's promotion and its PUT counts as if it had come before: each region has its gate. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import { takeAndMoveOn } from "../../../src/rollout/move-on.js";
import { commandOf, idOf, request } from "../../support/dependencies.js";
import {
  HELD,
  TESTED,
  WAVES,
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

/** In westus alone. */
async function publishAlone(): Promise<void> {
  const body = ruled(TESTED);
  const targets = targetsOf(body).filter(isIn("westus"));
  await request(rollouts.world.deps, HELD, withTargets(body, targets));
  await rollouts.world.finish(HELD);
}

/** By a rule, accepted and not sent. */
async function promotion(): Promise<string> {
  const { operation } = await rollouts.world.read(HELD);
  expect(operation).toMatchObject({
    kind: "PromoteImageVersion",
    status: "NotStarted",
  });
  return operation.id;
}

/** What somebody does in the portal: a region that is added has no flag of its own. */
async function addInPortal(): Promise<void> {
  const { resourceManager } = rollouts.world.deps;
  const look = await resourceManager.getImageVersion(idOf(HELD));
  if (look === undefined) return;
  const { resource } = look;
  await resourceManager.putImageVersion(
    idOf(HELD),
    withTargets(resource, [
      ...targetsOf(resource),
      ...targetsOf(ruled(TESTED)).filter(isIn("eastus2")),
    ]),
  );
}

const drop = () =>
  rollouts.simulator.control.dropRegion({ versionId: HELD, region: "eastus2" });

async function expectCanceled(id: string, why: string): Promise<void> {
  expect(await rollouts.world.deps.store.readOperation(id)).toMatchObject({
    status: "Canceled",
    canceledBy: { name: "rollout", policy: "rollout" },
    history: expect.arrayContaining([
      expect.objectContaining({
        message: expect.stringContaining(why) as unknown,
      }) as unknown,
    ]) as unknown,
  });
}

/** It waits for its test in eastus2, and goes on with that. */
async function expectWait(): Promise<void> {
  await rollouts.pass(90);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await rollouts.view()).toMatchObject({
    missing: [{ name: "boot", region: "eastus2" }],
  });
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(15);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
}

describe("a region that comes before a rule's promotion is sent has to pass its tests first:", () => {
  test("by a PUT", async () => {
    await publishAlone();
    await rollouts.report({});
    const id = await promotion();
    await request(rollouts.world.deps, HELD, ruled(TESTED));
    await expectWait();
    await expectCanceled(id, "on the version is under way.");
  });

  test("by others in Azure", async () => {
    await publishAlone();
    await rollouts.report({});
    const id = await promotion();
    await addInPortal();
    await expectWait();
    await expectCanceled(id, "not usable in eastus2 yet.");
  });

  test.each([
    ["in Azure", addInPortal, "not usable in eastus2 yet."],
    [
      "by a PUT",
      () => request(rollouts.world.deps, HELD, ruled(TESTED)),
      "on the version",
    ],
  ])(
    "%s, between the look at its gate and the look of its step",
    async (_, add, why) => {
      await publishAlone();
      await rollouts.report({});
      const id = await promotion();
      const { world, rollout } = rollouts;
      for (const message of await world.takeDue())
        await takeAndMoveOn(
          rollout,
          world.deps.events,
          message,
          async (events) => {
            await add();
            await world.handle(message, { ...world.deps, events });
          },
        );
      await expectWait();
      await expectCanceled(id, why);
    },
  );

  test("in the place of one that was lost, and is copied again after its tests had passed", async () => {
    await rollouts.publish(TESTED);
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    await promotion();
    rollouts.simulator.control.addFault({
      method: "PUT",
      path: HELD,
      times: 1,
      status: 409,
      body: { error: { code: "Conflict", message: "Busy." } },
    });
    for (const message of await rollouts.world.takeDue())
      await rollouts.world.handle(message);
    await drop();
    await rollouts.run();
    rollouts.clock.advance(2_000);
    await addInPortal();
    await rollouts.pass(90);
    expect(await rollouts.latestIn()).not.toContain("eastus2");
  });
});

test("a region of the second wave that others add without a flag while the first one's promotion is unsent stays excluded until its turn", async () => {
  await rollouts.publish(WAVES);
  await drop();
  await rollouts.pass(12);
  await rollouts.report({});
  await promotion();
  await addInPortal();
  await rollouts.pass(90);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(15);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test.each([
  ["is told of", undefined, ["NotTestedThere"], ["westus", "eastus2"]],
  ["is not where it is excluded", true, [], ["westus"]],
] as const)(
  "a region that is added once the rule has promoted the version, and has it untested, %s",
  async (_, excludeFromLatest, codes, latest) => {
    await publishAlone();
    await rollouts.report({});
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    const body = ruled(TESTED);
    const targets = targetsOf(body).map((target) =>
      isIn("eastus2")(target) && excludeFromLatest !== undefined
        ? { ...target, excludeFromLatest }
        : target,
    );
    const answer = await putImageVersion(
      rollouts.world.deps,
      commandOf(HELD, withTargets(body, targets)),
    );
    const warnings =
      answer.kind === "accepted" ? (answer.operation.warnings ?? []) : [];
    expect(warnings.map(({ code }) => code)).toEqual(codes);
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(latest);
  },
);

test("a region to which replication has failed before a rule's promotion is sent needs a person first", async () => {
  await rollouts.publish(TESTED);
  await rollouts.report({});
  await rollouts.report({ region: "eastus2" });
  const id = await promotion();
  await rollouts.simulator.control.setRegionState({
    versionId: HELD,
    region: "eastus2",
    state: "Failed",
    details: "No.",
  });
  await rollouts.pass(30);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
  await expectCanceled(id, "Its replication to eastus2 has failed.");
});
