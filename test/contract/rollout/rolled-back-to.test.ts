/** A rollback to a version whose rule says when it is to be the latest. */
import { describe, expect, test } from "vitest";
import { planRollback, rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, request, TRACEPARENT } from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { refusal } from "../../support/refusal.js";
import { HELD, OPERATOR, TESTED, WAVES, promote, rollouts, useRollouts } from "./support.js";
import { naming } from "../../support/naming.js";

const NEWER = seedVersionId("3.0.0");

useRollouts();

const { versionName: to, ...image } = idOf(HELD);
const rollBack = () =>
  rollBackImage(rollouts.world.deps, {
    image,
    to,
    requestedBy: OPERATOR.requestedBy,
    traceparent: TRACEPARENT,
  });
const publishNewer = async (): Promise<void> => {
  await request(rollouts.world.deps, NEWER, managedImageRequest());
  await rollouts.world.finish(NEWER);
  rollouts.clock.advance(15 * 60_000);
};
const latest = () =>
  Promise.all(
    ["westus", "eastus2"].map((region) =>
      latestIn(rollouts.simulator, imageIdOf(idOf(HELD)), region),
    ),
  );
const promoteAndWait = async (): Promise<void> => {
  await promote();
  rollouts.clock.advance(15 * 60_000);
};

describe("promoted in waves", () => {
  const passed = async (regions: readonly string[]): Promise<void> => {
    for (const region of regions) {
      await rollouts.report({ region });
      await rollouts.pass(5);
    }
  };

  test.each([
    ["before the first", []],
    ["at the first", ["westus"]],
  ])("%s, is refused beforehand, and says what to do", async (_, regions) => {
    await rollouts.publish(WAVES);
    await passed(regions);
    await publishNewer();
    for (const send of [rollBack, () => planRollback(rollouts.world.deps, { image, to })])
      expect((await refusal(send())).findings).toEqual([
        {
          code: "RegionNotReady",
          pointer: "/to",
          message: naming(["2.0.0", "eastus2"]),
        },
      ]);
    expect(await latest()).toEqual(["3.0.0", "3.0.0"]);
    for (let i = regions.length; i < 2; i += 1) await promoteAndWait();
    await rollBack();
    await rollouts.pass(15);
    expect(await latest()).toEqual(["2.0.0", "2.0.0"]);
  });
});

test("that waits for its tests includes it everywhere", async () => {
  await rollouts.publish(TESTED);
  await publishNewer();
  await rollBack();
  await rollouts.pass(15);
  expect(await latest()).toEqual(["2.0.0", "2.0.0"]);
});
