/** A version that becomes the latest in one region after the other, and who comes between. */
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../../src/image-version/commands/promote.js";
import { patchImageVersion, putImageVersion } from "../../../../src/image-version/commands/put.js";
import { getImageVersion } from "../../../../src/image-version/queries/get.js";
import { viewImageVersion } from "../../../../src/image-version/queries/views.js";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import { runKeyGuardian } from "../../../../src/key-guardian/run-key-guardian.js";
import { commandOf, idOf, TRACEPARENT } from "../../../support/dependencies.js";
import { managedImageRequest, seedResource, seedVersionId } from "../../../support/requests.js";
import { look } from "../drift/support.js";
import {
  HELD,
  OPERATOR,
  ruled,
  startRollouts,
  targetsOf,
  WAVES,
  withTargets,
  type Rollouts,
} from "../../rollout/support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

const conditionsOf = async (): Promise<readonly string[]> => {
  const { deps } = rollouts.world;
  const view = viewImageVersion(await getImageVersion(deps, idOf(HELD)), deps.now());
  return (view.sigil.conditions ?? []).map(({ type }) => type);
};

const passed = (region: string): Promise<void> => rollouts.report({ region });

test("F: the portal holds back a version that a rule is about to promote: no machine promotes it, a person does", async () => {
  await rollouts.publish(WAVES);
  await rollouts.pass(20);
  // Somebody tries it in one region, and holds it back again.
  await rollouts.exclude({ westus: false });
  await look(rollouts.world);
  await rollouts.pass(20);
  await rollouts.exclude({ westus: true });
  await look(rollouts.world);
  await passed("westus");
  await rollouts.pass(60);

  expect(await rollouts.latestIn()).toEqual([]);
  expect(await conditionsOf()).toContain("Paused");
  expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });

  await promoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect(await conditionsOf()).toEqual([]);

  await passed("eastus2");
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("G: the portal takes the first wave back before the second: it is told, and no wave goes on", async () => {
  await rollouts.publish(WAVES);
  await passed("westus");
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);

  await rollouts.exclude({ westus: true });
  await rollouts.pass(20);
  await passed("eastus2");
  await rollouts.pass(60);

  expect(await rollouts.latestIn()).toEqual([]);
  expect(await conditionsOf()).toContain("Paused");
});

test("K: a rollback while waves run: the rule has ended, and the target is the latest wherever it was promised", async () => {
  const older = seedVersionId("1.9.0");
  const { world } = rollouts;
  await putImageVersion(world.deps, commandOf(older, managedImageRequest()));
  await world.finish(older);
  await rollouts.publish(WAVES);
  await passed("westus");
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);

  await rollBackImage(world.deps, { ...OPERATOR, image: OPERATOR.id });
  await rollouts.pass(20);
  await passed("eastus2");
  await rollouts.pass(60);

  expect(await rollouts.latestIn()).toEqual([]);
  expect(await rollouts.latestIn(older)).toEqual(["westus", "eastus2"]);
  expect(await rollouts.view()).toBeUndefined();
});

test("Q: a key at risk at the gate of a wave: it waits, says why, and goes on by itself once the key is safe", async () => {
  const { control } = rollouts.simulator;
  const { deps } = rollouts.world;
  const lookAfterKeys = async (): Promise<void> => {
    if (deps.keyGuardian === undefined) throw new Error("nobody looks");
    await runKeyGuardian({ ...deps, ...deps.keyGuardian }, TRACEPARENT);
  };
  const id = seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1");
  const set = control.resources().find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (set === undefined) throw new Error(`${id} is not there`);
  await rollouts.publish(WAVES);
  await control.removeResource(set.id);
  await lookAfterKeys();
  rollouts.clock.advance(120_000);
  await lookAfterKeys();
  await passed("westus");
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await rollouts.view()).toMatchObject({
    state: "NeedsAttention",
    message: expect.stringContaining("once its keys work") as string,
  });

  await control.putResource(set);
  await lookAfterKeys();
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});

test("R: a region that is added while waves run is out of latest until its turn", async () => {
  const { world } = rollouts;
  const [first] = WAVES.waves;
  const regions = targetsOf(managedImageRequest());
  const body = withTargets(ruled({ when: "waves", waves: [first] }), regions.slice(0, 1));
  await putImageVersion(world.deps, commandOf(HELD, body));
  await world.finish(HELD);
  await rollouts.pass(20);
  await patchImageVersion(world.deps, {
    ...OPERATOR,
    validate: () => [],
    patch: {
      sigil: { promotion: WAVES },
      properties: { publishingProfile: { targetRegions: regions } },
    },
  });
  await world.finish(HELD);
  await passed("westus");
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);

  await passed("eastus2");
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("S: a person demotes while ARM is busy for an hour, and a promotion by the rule is due meanwhile: it is demoted", async () => {
  await rollouts.publish(WAVES);
  await passed("westus");
  await rollouts.pass(20);
  rollouts.simulator.control.addFault({
    method: "PUT",
    path: `${HELD}\\?`,
    status: 409,
    body: { error: { code: "Conflict", message: "Busy." } },
    times: null,
  });
  await demoteImageVersion(rollouts.world.deps, OPERATOR);
  await passed("eastus2");
  await rollouts.pass(60);
  rollouts.simulator.control.clearFaults();
  await rollouts.pass(60);

  expect(await rollouts.latestIn()).toEqual([]);
  expect(await rollouts.view()).toBeUndefined();
});

test("a wave whose test has failed waits for a person in lists, too, until a later result passes", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({ region: "westus", result: "failed" });
  await rollouts.pass(20);
  expect(await conditionsOf()).toEqual(["NeedsAttention"]);

  await passed("westus");
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect(await conditionsOf()).toEqual([]);
});
