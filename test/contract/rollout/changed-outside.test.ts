/** Others add a region of no wave, or take one of a wave away: the waves go on, and no request that repeats the rule is refused for it. */
import { beforeEach, describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { patchImageVersion, putImageVersion } from "../../../src/image-version/commands/put.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { commandOf, idOf, request } from "../../support/dependencies.js";
import { look as lookAtAll } from "../image-version/drift/support.js";
import { refusal } from "../../support/refusal.js";
import {
  HELD,
  OPERATOR,
  WAVES,
  isIn,
  publishInWaves,
  ruled,
  targetsOf,
  withTargets,
  rollouts,
  useRollouts,
} from "./support.js";

useRollouts();

const REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const BODY = withTargets(ruled(WAVES), REGIONS);

async function addOutside(flag: object): Promise<void> {
  const { resourceManager } = rollouts.world.deps;
  const look = await resourceManager.getImageVersion(idOf(HELD));
  if (look === undefined) return expect.fail();
  await resourceManager.putImageVersion(
    idOf(HELD),
    withTargets(look.resource, [...targetsOf(look.resource), { name: "eastus", ...flag }]),
  );
  await rollouts.pass(60);
}
const lose = async (): Promise<void> => {
  await rollouts.simulator.control.dropRegion({
    versionId: HELD,
    region: "eastus2",
  });
  await rollouts.pass(60);
};
const patchTags = async (): Promise<void> => {
  await patchImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    validate: () => [],
    patch: { tags: { a: "1" } },
  });
  await rollouts.world.finish(HELD);
};
const put = async (body: ImageVersionRequest): Promise<void> => {
  await putImageVersion(rollouts.world.deps, {
    ...commandOf(HELD, body),
    ...OPERATOR,
  });
  await rollouts.world.finish(HELD);
};
const tagsIn = async (): Promise<unknown> =>
  (await rollouts.world.deps.resourceManager.getImageVersion(idOf(HELD)))?.resource.tags;

describe("of a version in two waves", () => {
  beforeEach(async () => {
    await request(rollouts.world.deps, HELD, BODY);
    await rollouts.world.finish(HELD);
  });

  test.each([
    ["without a flag", {}],
    ["with false in words", { excludeFromLatest: false }],
  ])(
    "a region of no wave %s refuses no PATCH of tags, and no body that repeats the rule, and stops no wave",
    async (_, flag) => {
      await addOutside(flag);
      await patchTags();
      expect(await tagsIn()).toEqual({ a: "1" });
      await put({ ...BODY, tags: { a: "2" } });
      expect(await tagsIn()).toEqual({ a: "2" });
      for (const region of ["westus", "eastus2"]) {
        await rollouts.report({ region });
        await rollouts.pass(20);
        expect(await rollouts.latestIn()).toContain(region);
      }
    },
  );

  test("a region that others have put in latest stays there when a wave is promoted", async () => {
    await rollouts.report({});
    await rollouts.pass(20);
    await addOutside({ excludeFromLatest: false });
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    const look = await rollouts.world.deps.resourceManager.getImageVersion(idOf(HELD));
    expect(look && targetsOf(look.resource)).toContainEqual(
      expect.objectContaining({ name: "East US", excludeFromLatest: false }),
    );
  });

  test("a region that is added through Sigil is in a wave", async () => {
    const body = withTargets(BODY, [...REGIONS, { name: "eastus" }]);
    expect(await refusal(put(body))).toMatchObject({
      findings: [{ code: "InvalidPromotion", pointer: "/sigil/promotion/waves" }],
    });
  });

  test("a region of a wave that is gone refuses no PATCH of tags, and no body without it", async () => {
    await rollouts.report({});
    await rollouts.pass(20);
    await lose();
    await patchTags();
    expect(await tagsIn()).toEqual({ a: "1" });
    const rest = REGIONS.filter(isIn("westus"));
    await put({ ...withTargets(BODY, rest), tags: { a: "2" } });
    expect(await tagsIn()).toEqual({ a: "2" });
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });
});

test("a go of a person takes out of latest nothing that others have put in", async () => {
  await publishInWaves(rollouts, ["westus", "eastus2", "eastus"]);
  await rollouts.report({ region: "westus" });
  await rollouts.pass(20);
  await rollouts.exclude({ eastus2: false });
  await lookAtAll(rollouts.world);
  await rollouts.pass(20);
  await promoteImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    regions: ["eastus"],
  });
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("what others hold back stays so where a person promotes another region", async () => {
  await publishInWaves(rollouts, ["westus", "eastus2", "eastus"]);
  await rollouts.report({ region: "westus" });
  await rollouts.pass(20);
  await rollouts.exclude({ westus: true });
  await lookAtAll(rollouts.world);
  await rollouts.pass(20);
  await promoteImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    regions: ["eastus2"],
  });
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["eastus2"]);
});
