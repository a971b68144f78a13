/** Since when each wave has the version, and what is told of that: once each time, for as long as the rollout lasts. */
import { describe, expect, test } from "vitest";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { IdempotencyKeys } from "../../../src/operation/ports.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { getRollout } from "../../../src/rollout/get-rollout.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { runRollouts } from "../../../src/rollout/roll-out.js";
import { commandOf, idOf, request, TRACEPARENT } from "../../support/dependencies.js";
import { createMemoryIdempotencyKeys } from "../../support/fakes/idempotency-keys.js";
import { plain } from "../image-version/truth/support.js";
import { BOOT, HELD, promote, reportLater, rollouts, ruled, useRollouts } from "./support.js";
import { naming } from "../../support/naming.js";

useRollouts();

const FIRST = { regions: ["westus"], ...BOOT };
const WAVES = {
  when: "waves",
  waves: [FIRST, { regions: ["eastus2"], ...BOOT }],
};
const after = (minutes: number, first: object = FIRST) => ({
  when: "waves",
  waves: [first, { regions: ["eastus2"], after: { minutes } }],
});
const told = async (type = "WavePromoted") =>
  (await rollouts.takeEvents()).filter((event) => event.type.endsWith(type));
const wavesIn = (events: Awaited<ReturnType<typeof told>>) =>
  events.map(({ data }) => (data as { wave: number }).wave);

/** The timer of a deployment that keeps no Idempotency-Key until its next run. */
const runWithoutKeys = () => {
  const { rollout } = rollouts;
  const idempotencyKeys: IdempotencyKeys = createMemoryIdempotencyKeys(
    () => new Date(rollouts.clock.now()),
  );
  return runRollouts(
    {
      ...rollout,
      imageVersions: { ...rollout.imageVersions, idempotencyKeys },
    },
    TRACEPARENT,
  );
};

describe("a wave by minutes", () => {
  test("comes, and is told once, though it takes longer than any Idempotency-Key is kept", async () => {
    await rollouts.publish(after(14_400));
    await rollouts.report({});
    await rollouts.world.finish(HELD);
    for (let hours = 0; hours < 24 * 9; hours += 6) {
      await runWithoutKeys();
      await rollouts.step(6 * 3_600);
    }
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    for (let hours = 0; hours < 24 * 2; hours += 6) {
      await runWithoutKeys();
      await rollouts.step(6 * 3_600);
    }
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    expect(wavesIn(await told())).toEqual([1, 2]);
  });
});

describe("a wave that has lost its regions", () => {
  const gone = (region: string) =>
    rollouts.simulator.control.dropRegion({ versionId: HELD, region });
  const SECOND = { regions: ["eastus2"], ...BOOT };

  test("before its turn is counted from when that is seen", async () => {
    await rollouts.publish({
      when: "waves",
      waves: [SECOND, { regions: ["westus"], after: { minutes: 30 } }],
    });
    await rollouts.pass(3);
    await gone("eastus2");
    await rollouts.pass(25);
    expect(await rollouts.view()).toMatchObject({
      wave: 2,
      message: naming(["westus"]),
    });
    expect(await rollouts.latestIn()).toEqual([]);
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(wavesIn(await told())).toEqual([2]);
  });

  const three = async (): Promise<void> => {
    await putImageVersion(
      rollouts.world.deps,
      commandOf(
        HELD,
        plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }], {
          sigil: {
            promotion: {
              when: "waves",
              waves: [
                { regions: ["eastus"], ...BOOT },
                SECOND,
                { regions: ["westus"], after: { minutes: 30 } },
              ],
            },
          },
        }),
      ),
    );
    await rollouts.world.finish(HELD);
    await rollouts.report({ region: "eastus" });
    await rollouts.pass(15);
  };

  test("has it since it had it then", async () => {
    await three();
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual(["eastus2"]);
    await gone("eastus2");
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual([]);
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(wavesIn(await told())).toEqual([1, 2, 3]);
  });

  test("is not rolled back: a later result that passes goes on", async () => {
    await rollouts.publish({
      when: "waves",
      waves: [SECOND, FIRST],
      onFailure: "rollBack",
    });
    await gone("eastus2");
    await rollouts.pass(3);
    await reportLater({ result: "failed" });
    await rollouts.pass(5);
    const types = (await rollouts.takeEvents()).map(({ type }) => type);
    expect(types).toContain("Sigil.ImageVersion.RolloutHalted");
    expect(types).not.toContain("Sigil.ImageVersion.RolledBack");
    await reportLater({});
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });
});

describe("what others exclude again in Azure is not included by Sigil", () => {
  const tag = async (rule: object): Promise<void> => {
    await request(rollouts.world.deps, HELD, {
      ...ruled(rule),
      tags: { build: "2" },
    });
    await rollouts.world.finish(HELD);
  };

  test("after the last wave", async () => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    await rollouts.exclude({ eastus2: true });
    expect(await rollouts.view()).toBeUndefined();
    await tag(WAVES);
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await rollouts.isLookedAfter()).toBe(false);
    await promote(["eastus2"]);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });
});

/** The first wave has the version, and nobody has looked since. */
const firstUnseen = async (): Promise<void> => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.world.finish(HELD);
};

test("two hosts that see a wave at once tell it once", async () => {
  await firstUnseen();
  await Promise.all([rollouts.run(), rollouts.run()]);
  await rollouts.pass(3);
  expect(wavesIn(await told())).toEqual([1]);
});

test("a wave is told though the topic took nothing when it was seen", async () => {
  await firstUnseen();
  const { rollout } = rollouts;
  const run = await runRollouts(
    {
      ...rollout,
      imageVersions: {
        ...rollout.imageVersions,
        events: { publish: () => Promise.reject(new Error("It died.")) },
      },
    },
    TRACEPARENT,
  );
  expect(run.errors).toHaveLength(1);
  expect(await told()).toEqual([]);
  await reconcile(rollouts.world.deps);
  expect(wavesIn(await told())).toEqual([1]);
  await rollouts.pass(3);
  expect(await told()).toEqual([]);
});

test("GET writes nothing", async () => {
  await rollouts.publish(after(30));
  const { imageVersions } = rollouts.rollout;
  const refuse = () => Promise.reject(new Error("A GET has written."));
  const reads = {
    ...imageVersions,
    index: { ...imageVersions.index, put: refuse, remove: refuse },
    store: { ...imageVersions.store, commit: refuse },
    idempotencyKeys: { claim: refuse, bind: refuse },
    events: { publish: refuse },
  };
  const view = async () =>
    getRollout(
      { ...rollouts.rollout, imageVersions: reads },
      await getImageVersion(reads, idOf(HELD)),
    );
  expect(await view()).toMatchObject({ wave: 1 });
  await rollouts.report({});
  await rollouts.world.finish(HELD);
  expect(await view()).toMatchObject({
    wave: 2,
    message: naming(["eastus2"]),
  });
});
