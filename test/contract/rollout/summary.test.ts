/** What the summary of an image definition says of versions that a rule holds back. */
import { expect, test } from "vitest";
import { gateWaits } from "../../../src/gate/objections.js";
import { createSummaries, type WaitsOf } from "../../../src/image-version/index.js";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { getRollout } from "../../../src/rollout/get-rollout.js";
import { idOf } from "../../support/dependencies.js";
import { seedVersionId } from "../../support/requests.js";
import { BOOT, HELD, OPERATOR, promote, reportLater, rollouts, useRollouts } from "./support.js";

useRollouts();

const MANUAL = {
  when: "waves",
  waves: [
    { regions: ["westus"], ...BOOT },
    { regions: ["eastus2"], after: "manual", results: ["boot"] },
  ],
};

/** As the API makes them; `waitsOf` is the GET's. */
function summaries(waitsOf: WaitsOf) {
  const { deps } = rollouts.world;
  const looks = createLooks(deps.resourceManager, deps.resources, deps.now);
  const summarize = createSummaries({ ...deps, looks }, undefined, waitsOf);
  // After as long as nothing that was read is shown again.
  return async (afterMs = 30_000) => {
    rollouts.clock.advance(afterMs);
    const { view } = await summarize(imageIdOf(idOf(HELD)));
    return view.versions;
  };
}
const byRollout: WaitsOf = async (version) => {
  const rollout = await getRollout(rollouts.rollout, version);
  return rollout ? { rollout } : {};
};
const firstWave = async (): Promise<void> => {
  await rollouts.publish(MANUAL);
  await reportLater({});
  await rollouts.pass(15);
};

test("a wave that waits for somebody's go says so, once nothing else is lacking, until it has it", async () => {
  await firstWave();
  const summary = summaries(byRollout);
  const [tested] = await summary();
  expect(tested).toMatchObject({
    name: "2.0.0",
    heldBack: true,
    rollout: {
      state: "Waiting",
      wave: 2,
      missing: [{ name: "boot", region: "eastus2" }],
    },
  });
  expect(tested?.rollout).not.toHaveProperty("waitsForGo");
  await reportLater({ region: "eastus2" });
  const [ready] = await summary();
  expect(ready?.rollout).toMatchObject({ wave: 2, waitsForGo: true });
  expect(ready?.conditions).toMatchObject([{ type: "NeedsAttention", reason: "WaitsForGo" }]);
  expect(ready?.rollout).toEqual(await rollouts.view());
  await promote();
  const [done] = await summary();
  expect(done).not.toHaveProperty("rollout");
  expect(done).not.toHaveProperty("heldBack");
});

test("a version that was halted needs attention, in one that knew it before, until a test passes", async () => {
  await rollouts.publish(MANUAL);
  const told = summaries(() => Promise.resolve({}));
  const full = summaries(byRollout);
  const conditions = async () =>
    [(await told())[0], (await full())[0]].map((version) =>
      version?.conditions?.map(({ type }) => type),
    );
  expect(await conditions()).toEqual([undefined, undefined]);
  await reportLater({ result: "failed" });
  await rollouts.pass(1);
  expect(await conditions()).toEqual([["NeedsAttention"], ["NeedsAttention"]]);
  expect((await full())[0]?.rollout).toMatchObject({
    state: "Halted",
    failed: [{ name: "boot", region: "westus" }],
  });
  await reportLater({});
  await rollouts.pass(1);
  expect(await conditions()).toEqual([undefined, undefined]);
});

test("a gate that is closed is said", async () => {
  await rollouts.publish({ when: "manual" });
  const { resultDeps, world } = rollouts;
  const images = [{ subscriptionId: "*", galleryName: "MyGallery" }];
  const gates = [{ images, tests: [{ name: "scan" }] }];
  const [held] = await summaries(async (version) => ({
    gateWaits: await gateWaits({ ...world, ...resultDeps, gates }, version, []),
  }))();
  expect(held?.conditions).toMatchObject([
    { type: "GateClosed", regions: ["westus", "eastus2"], whatToDo: { verb: "Approve" } },
  ]);
});

test("five are asked about, once in half a minute, and none below the latest", async () => {
  const names = [1, 2, 3, 4, 5, 6, 7].map((number) => `${number}.0.0`);
  for (const name of names) await rollouts.publish({ when: "manual" }, seedVersionId(name));
  const asked: string[] = [];
  const summary = summaries(({ id }) => {
    asked.push(id.versionName);
    return Promise.resolve({});
  });
  await summary();
  expect(asked.splice(0)).toEqual(names.slice(2).toReversed());
  await summary(2_000);
  expect(asked).toEqual([]);
  await promoteImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    id: idOf(seedVersionId("5.0.0")),
  });
  await rollouts.world.finish(seedVersionId("5.0.0"));
  await summary();
  expect(asked).toEqual(["7.0.0", "6.0.0"]);
});
