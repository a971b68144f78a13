/** Bodies that repeat a promotion rule, as a pipeline sends them: a rule decides once what is latest, and then whoever comes after. */
import { describe, expect, test } from "vitest";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  faultOn,
  isExcluded,
  made,
  newDefinition,
  operationIn,
  pass,
  patch,
  patchThrough,
  plain,
  put,
  putThrough,
  seen,
} from "./support.js";

const QUARTER_MS = 900_000;
const RULE = { promotion: { when: "allRegionsReady" } } as const;
const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const RULED = plain(TWO_REGIONS, { sigil: RULE });
const TAGGED = plain(TWO_REGIONS, { sigil: RULE, tags: { build: "2" } });

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const inPortal = (excludeFromLatest: boolean): Promise<unknown> =>
  world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest } },
  });

const refuse = (more: object = {}): unknown =>
  faultOn(world, id, {
    method: "PUT",
    status: 400,
    body: { error: { code: "InvalidParameter", message: "No." } },
    ...more,
  });

const COMES_TO_NOTHING: readonly [string, () => Promise<OperationRecord>][] = [
  [
    "refused by Azure",
    () => {
      refuse();
      return putThrough(world, id, TAGGED);
    },
  ],
  [
    "canceled",
    async () => {
      const update = operationIn(await put(world, id, TAGGED));
      return cancel(world, update);
    },
  ],
];

describe.each(COMES_TO_NOTHING)("an update that is %s", (_, inVain) => {
  test("leaves the rule that it repeats overridden", async () => {
    await made(world, id, RULED);
    await ended(world, [await byHand.demote(world, id)]);
    await pass(world, QUARTER_MS);
    expect((await inVain()).status).not.toBe("Succeeded");
    await pass(world, QUARTER_MS);
    expect(await putThrough(world, id, TAGGED)).toMatchObject({
      status: "Succeeded",
    });
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("leaves the rule that it repeats to a retry", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 4,
    });
    expect(await putThrough(world, id, RULED)).toMatchObject({
      status: "Failed",
    });
    await pass(world, QUARTER_MS);
    expect((await inVain()).status).not.toBe("Succeeded");
    await pass(world, QUARTER_MS);
    expect(await ended(world, [await byHand.retry(world, id)])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, id)).toBe(false);
  });

  test("changes nothing of what GET shows of the rule", async () => {
    await made(world, id, RULED);
    await inVain();
    expect((await seen(world, id)).sigil.promotion).toEqual(RULE.promotion);
  });
});

test("a version that was rolled back stays so when its pipeline's update is refused, corrected and sent again", async () => {
  const image = await newDefinition(world);
  const bad = `${image}/versions/1.0.1`;
  const withRegion = (name: string) =>
    plain([...TWO_REGIONS, { name }], { sigil: RULE });
  await made(world, `${image}/versions/1.0.0`, RULED);
  await made(world, bad, RULED);
  expect(
    await ended(world, [
      await rollBackImage(world.deps, { ...BY, image: idOf(bad) }),
    ]),
  ).toMatchObject([{ status: "Succeeded" }]);
  await pass(world, QUARTER_MS);
  expect(await putThrough(world, bad, withRegion("nowhere"))).toMatchObject({
    error: { code: "PreflightFailed" },
  });
  expect(await putThrough(world, bad, withRegion("eastus"))).toMatchObject({
    status: "Succeeded",
  });
  expect(await isExcluded(world, bad)).toBe(true);
});

describe("a rule that was asked of a version in latest", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["a patch", () => patchThrough(world, id, { tags: { z: "1" } })],
    ["the same body with a tag", () => putThrough(world, id, TAGGED)],
  ])("does not undo a hold-back in the portal with %s", async (_, update) => {
    await made(world, id, plain(TWO_REGIONS));
    expect(await putThrough(world, id, RULED)).toMatchObject({
      status: "Succeeded",
    });
    await pass(world, QUARTER_MS);
    await inPortal(true);
    await pass(world, QUARTER_MS);
    await update();
    await pass(world, QUARTER_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("nor where it had promoted it before", async () => {
    await made(world, id, RULED);
    await putThrough(world, id, plain(TWO_REGIONS));
    await putThrough(world, id, RULED);
    await pass(world, QUARTER_MS);
    await inPortal(true);
    await pass(world, QUARTER_MS);
    await patchThrough(world, id, { tags: { z: "1" } });
    await pass(world, QUARTER_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });
});

test("a version that others include, and hold back again, while its rule waits stays held back", async () => {
  const { control } = world.simulator;
  const region = "eastus2";
  await control.stallRegion({ versionId: id, region, atProgress: 20 });
  await control.setSucceededWhen("homeRegion");
  const creation = operationIn(await put(world, id, RULED));
  await pass(world, QUARTER_MS);
  expect(await isExcluded(world, id)).toBe(true);
  await inPortal(false);
  await pass(world, QUARTER_MS);
  await inPortal(true);
  await pass(world, QUARTER_MS);
  await control.resumeRegion({ versionId: id, region });
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

test.each([
  ["in one update with it", 0],
  ["a minute later", 60_000],
])(
  "a rule that is asked after a demotion, %s, promotes",
  async (_, laterMs) => {
    await made(world, id, plain(TWO_REGIONS));
    const demotion = await byHand.demote(world, id);
    if (laterMs > 0) await pass(world, laterMs);
    const ruled = operationIn(await put(world, id, RULED));
    expect(await ended(world, [demotion, ruled])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, id)).toBe(false);
  },
);

test("a rule that is asked before a demotion, and sent with it, does not", async () => {
  await made(world, id, plain(TWO_REGIONS, { tags: { build: "1" } }));
  const update = operationIn(
    await put(world, id, plain(TWO_REGIONS, { tags: { build: "2" } })),
  );
  await world.runDue();
  const ruled = operationIn(await patch(world, id, { sigil: RULE }));
  const demotion = await byHand.demote(world, id);
  await ended(world, [update, ruled, demotion]);
  await pass(world, QUARTER_MS);
  expect(await isExcluded(world, id)).toBe(true);
});

test("a promotion that Azure refuses does not fail another's patch, of which Azure shows all", async () => {
  const { control } = world.simulator;
  const region = "eastus2";
  await control.failRegion({ versionId: id, region, times: 4 });
  await putThrough(world, id, RULED);
  await pass(world, QUARTER_MS);
  // Others repair it: the rule is due at the next operation.
  await control.setRegionState({ versionId: id, region, state: "Completed" });
  await pass(world, QUARTER_MS);
  refuse({ afterMatches: 1, times: null });
  const patched = await patchThrough(world, id, { tags: { z: "1" } });
  expect(patched).toMatchObject({ status: "Succeeded" });
  expect(patched.history).toContainEqual(
    expect.objectContaining({
      message: expect.stringContaining("promote it by hand") as string,
    }),
  );
  world.simulator.control.clearFaults();
  expect(await isExcluded(world, id)).toBe(true);
  expect(await patchThrough(world, id, { tags: { z: "2" } })).toMatchObject({
    status: "Succeeded",
  });
});
