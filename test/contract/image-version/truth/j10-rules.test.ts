/** Promotion rules: what a refused or canceled update that merely repeats one does to it, and who decides what is latest. */
import { describe, expect, test } from "vitest";
import type { PromotionRule } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  faultOn,
  isExcluded,
  made,
  operation,
  operationIn,
  pass,
  patchThrough,
  plain,
  put,
  putThrough,
  seen,
} from "./support.js";

const MINUTE_MS = 60_000;
const FOR_ALL: PromotionRule = { when: "allRegionsReady" };
const RULED = plain(undefined, { sigil: { promotion: FOR_ALL } });
const ruledWith = (t: string) =>
  plain(undefined, { sigil: { promotion: FOR_ALL }, tags: { t } });
const REFUSED = {
  method: "PUT",
  status: 400,
  body: { error: { code: "InvalidParameter", message: "No." } },
};

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const holdBackInPortal = (): Promise<unknown> =>
  world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest: true } },
  });

describe("J10-1: a body that repeats the rule, and whose update comes to nothing", () => {
  test("refused by Azure: sent again it does not promote what was demoted by hand", async () => {
    await made(world, id, RULED);
    expect(await isExcluded(world, id)).toBe(false);
    await ended(world, [await byHand.demote(world, id)]);
    await pass(world, 15 * MINUTE_MS);
    faultOn(world, id, REFUSED);
    expect(await putThrough(world, id, ruledWith("1"))).toMatchObject({
      status: "Failed",
    });
    await pass(world, 15 * MINUTE_MS);
    expect(await putThrough(world, id, ruledWith("1"))).toMatchObject({
      status: "Succeeded",
    });
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("canceled: sent again it does not promote what was demoted by hand", async () => {
    await made(world, id, RULED);
    await ended(world, [await byHand.demote(world, id)]);
    await pass(world, 15 * MINUTE_MS);
    const update = operationIn(await put(world, id, ruledWith("1")));
    await cancel(world, update);
    expect(await operation(world, update)).toMatchObject({
      status: "Canceled",
    });
    await pass(world, MINUTE_MS);
    expect(await putThrough(world, id, ruledWith("1"))).toMatchObject({
      status: "Succeeded",
    });
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("refused by a check: the rule that waits for a retry still includes the version once that is repaired", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 4,
    });
    const creation = operationIn(await put(world, id, RULED));
    expect(await ended(world, [creation])).toMatchObject([
      { status: "Failed" },
    ]);
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
    faultOn(world, id, REFUSED);
    expect(await putThrough(world, id, ruledWith("1"))).toMatchObject({
      status: "Failed",
    });
    await pass(world, 15 * MINUTE_MS);
    const retry = await byHand.retry(world, id);
    expect(await ended(world, [retry])).toMatchObject([
      { status: "Succeeded" },
    ]);
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(false);
  });
});

describe("J10-2: a rule that was asked of a version in latest", () => {
  test("does not undo a hold-back in the portal, when a tag is changed", async () => {
    await made(world, id, plain());
    expect(await putThrough(world, id, RULED)).toMatchObject({
      status: "Succeeded",
    });
    await pass(world, 15 * MINUTE_MS);
    await holdBackInPortal();
    await pass(world, 15 * MINUTE_MS);
    await patchThrough(world, id, { tags: { z: "1" } });
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("nor when the very body is sent again with another tag", async () => {
    await made(world, id, plain());
    await putThrough(world, id, RULED);
    await pass(world, 15 * MINUTE_MS);
    await holdBackInPortal();
    await pass(world, 15 * MINUTE_MS);
    await putThrough(world, id, ruledWith("2"));
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("asked anew of one that it had promoted before: nor then", async () => {
    await made(world, id, RULED);
    await putThrough(world, id, plain());
    await putThrough(world, id, RULED);
    await pass(world, 15 * MINUTE_MS);
    await holdBackInPortal();
    await pass(world, 15 * MINUTE_MS);
    await patchThrough(world, id, { tags: { z: "1" } });
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });
});

describe("J10-3: a rule that is asked after a demotion, in one batch with it", () => {
  test("promotes, as it does where it comes a minute later", async () => {
    await made(world, id, plain());
    const demotion = await byHand.demote(world, id);
    const ruled = operationIn(await put(world, id, RULED));
    expect(await ended(world, [demotion, ruled])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(false);
  });

  test("(control) a minute later", async () => {
    await made(world, id, plain());
    await ended(world, [await byHand.demote(world, id)]);
    await pass(world, MINUTE_MS);
    expect(await putThrough(world, id, RULED)).toMatchObject({
      status: "Succeeded",
    });
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(false);
  });
});

describe("J10-4: Sigil's own promotion is refused while another's patch is shown", () => {
  test("the patch, of which Azure shows all, is not Failed", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 4,
    });
    await ended(world, [operationIn(await put(world, id, RULED))]);
    await pass(world, 15 * MINUTE_MS);
    // Others repair it in the portal: the rule is due at the next operation.
    await world.simulator.control.setRegionState({
      state: "Completed",
      versionId: id,
      region: "eastus2",
    });
    await pass(world, 5 * MINUTE_MS);
    faultOn(world, id, { ...REFUSED, afterMatches: 1, times: null });
    const patched = await patchThrough(world, id, { tags: { z: "1" } });
    world.simulator.control.clearFaults();
    expect(patched).toMatchObject({ status: "Succeeded" });
  });
});

describe("J10-5: what GET says of a rule that a person has overridden", () => {
  test("openapi: a demotion removes the rule that it had", async () => {
    await made(world, id, RULED);
    await ended(world, [await byHand.demote(world, id)]);
    expect((await seen(world, id)).sigil.promotion).toBeUndefined();
  });

  test("an update that Azure refused changes nothing of it", async () => {
    await made(world, id, RULED);
    const before = (await seen(world, id)).sigil.promotion;
    faultOn(world, id, REFUSED);
    await putThrough(world, id, ruledWith("1"));
    expect((await seen(world, id)).sigil.promotion).toEqual(before);
  });
});
