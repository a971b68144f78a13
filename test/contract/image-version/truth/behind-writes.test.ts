/** Looks of replicas that are behind some of Sigil's own writes: nothing that was achieved is undone, and nothing told of it. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  faultOn,
  inAzure,
  isExcluded,
  made,
  operationIn,
  outside,
  pass,
  patch,
  patchThrough,
  plain,
  put,
  puts,
  putThrough,
  regionNames,
  showAs,
  shownIn,
  tagsIn,
  toldOfChanges,
  until,
  type Shown,
} from "./support.js";

const MINUTE_MS = 60_000;
const SUCCEEDED = [{ status: "Succeeded" }];
const REFUSED = {
  method: "PUT",
  status: 400,
  body: { error: { code: "InvalidParameter", message: "No." } },
};
const EXCLUDED = { publishing: { excludeFromLatest: true } };
const TAGGED = plain(undefined, { tags: { a: "1" } });

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const excluding = (excludeFromLatest: boolean): unknown => ({
  properties: { publishingProfile: { excludeFromLatest } },
});

/** Demoted, then promoted: the version as it was in between. */
async function demotedAndPromoted(): Promise<Shown | undefined> {
  await made(world, id, plain());
  await ended(world, [await byHand.demote(world, id)]);
  const between = await inAzure(world, id);
  await ended(world, [await byHand.promote(world, id)]);
  await world.takeEvents();
  world.simulator.control.clearRequests();
  return between;
}

/** A tag that was 1 is 2: the version as it was before. */
async function changedOnce(): Promise<Shown | undefined> {
  await made(world, id, TAGGED);
  const before = await inAzure(world, id);
  await patchThrough(world, id, { tags: { a: "2" } });
  await world.takeEvents();
  world.simulator.control.clearRequests();
  return before;
}

describe("a look from between a write and the one that takes it back", () => {
  test("undoes no promotion, when another update is made", async () => {
    showAs(world, id, await demotedAndPromoted(), {
      times: 1,
      afterMatches: 1,
    });
    await patchThrough(world, id, { tags: { z: "1" } });
    world.simulator.control.clearFaults();
    expect(await isExcluded(world, id)).toBe(false);
    expect(await toldOfChanges(world, id)).toEqual([]);
  });

  test("answers no patch that asks the first again, nor a demotion", async () => {
    const between = await demotedAndPromoted();
    showAs(world, id, between);
    const again = operationIn(await patch(world, id, excluding(true)));
    expect(await ended(world, [again])).toMatchObject(SUCCEEDED);
    expect(await isExcluded(world, id)).toBe(true);
    await ended(world, [await byHand.promote(world, id)]);
    showAs(world, id, between, { times: 2 });
    await ended(world, [await byHand.demote(world, id)]);
    world.simulator.control.clearFaults();
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("takes away no region that a repair has added back", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
    });
    const creation = operationIn(await put(world, id, plain()));
    let between: Shown | undefined;
    await until(
      world,
      async () => {
        const shown = await inAzure(world, id);
        if (
          shown?.properties.provisioningState === "Succeeded" &&
          regionNames(shown).length === 1
        )
          between = shown;
        return puts(world) === 3;
      },
      1_000,
    );
    await pass(world, 90_000);
    await world.takeEvents();
    showAs(world, id, between ?? expect.fail());
    expect(await ended(world, [creation])).toMatchObject(SUCCEEDED);
    await pass(world, 20 * MINUTE_MS);
    expect(regionNames(await shownIn(world, id))).toEqual([
      "westus",
      "eastus2",
    ]);
    expect(await toldOfChanges(world, id)).toEqual([]);
    expect(puts(world)).toBe(3);
  });

  test("brings back no region that was removed, nor what another write between has made", async () => {
    await made(world, id, TAGGED);
    await patchThrough(world, id, { tags: { a: "2" } });
    const between = await inAzure(world, id);
    const less = plain([{ name: "westus" }], { tags: { a: "2" } });
    await putThrough(world, id, less, { removeRegions: ["eastus2"] });
    await world.takeEvents();
    showAs(world, id, between, { times: 1, afterMatches: 1 });
    await patchThrough(world, id, { tags: { z: "1" } });
    world.simulator.control.clearFaults();
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
    expect(await toldOfChanges(world, id)).toEqual([]);
  });

  test("nor the second of three, where the third is as the first", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1", b: "1" } }));
    await patchThrough(world, id, { tags: { a: "3" } });
    const between = await inAzure(world, id);
    await patchThrough(world, id, { tags: { a: "2", b: "2" } });
    await patchThrough(world, id, { tags: { a: "3" } });
    showAs(world, id, between, { times: 1, afterMatches: 1 });
    await patchThrough(world, id, { tags: { z: "1" } });
    expect(await tagsIn(world, id)).toEqual({ a: "3", b: "2", z: "1" });
  });
});

describe("while every look is a minute behind", () => {
  test("a region that fails twice is repaired twice", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 2,
    });
    const creation = operationIn(await put(world, id, plain()));
    await world.simulator.control.setLag({ ms: MINUTE_MS });
    expect(await ended(world, [creation])).toMatchObject(SUCCEEDED);
    await pass(world, 20 * MINUTE_MS);
    expect(puts(world)).toBe(5);
  });

  test("the permission to remove a region is given and taken back by one write each", async () => {
    await made(world, id, plain());
    await world.simulator.control.setLag({ ms: MINUTE_MS });
    await putThrough(world, id, plain([{ name: "westus" }]), {
      removeRegions: ["eastus2"],
    });
    await pass(world, 20 * MINUTE_MS);
    expect(puts(world)).toBe(2);
  });
});

describe("a refusal does not make Sigil forget what was achieved before it", () => {
  test.each([
    ["429", { status: 429, headers: { "Retry-After": "5" } }],
    ["409", { status: 409 }],
  ])("for now (%s)", async (_, refusal) => {
    const before = await changedOnce();
    const next = operationIn(await patch(world, id, { tags: { z: "1" } }));
    faultOn(world, id, { method: "PUT", ...refusal });
    showAs(world, id, before, { times: 1, afterMatches: 1 });
    expect(await ended(world, [next])).toMatchObject(SUCCEEDED);
    expect(await tagsIn(world, id)).toEqual({ a: "2", z: "1" });
    expect(await toldOfChanges(world, id)).toEqual([]);
  });

  test("for good", async () => {
    const before = await changedOnce();
    faultOn(world, id, REFUSED);
    expect(await patchThrough(world, id, { tags: { z: "1" } })).toMatchObject({
      status: "Failed",
    });
    showAs(world, id, before, { times: 1, afterMatches: 1 });
    await patchThrough(world, id, { tags: { y: "1" } });
    expect(await tagsIn(world, id)).toEqual({ a: "2", y: "1" });
    showAs(world, id, before);
    const back = plain(undefined, { tags: { a: "1" } });
    expect(await putThrough(world, id, back)).toMatchObject(SUCCEEDED[0] ?? {});
    expect(await tagsIn(world, id)).toMatchObject({ a: "1" });
  });
});

describe("an update that has no answer", () => {
  test.each(["reset", "reset-after-processing"])(
    "is not made of a look from before the one that was achieved before it (%s)",
    async (action) => {
      const before = await changedOnce();
      const next = operationIn(await patch(world, id, { tags: { z: "1" } }));
      faultOn(world, id, { method: "PUT", action });
      await world.runDue();
      showAs(world, id, before, { times: null });
      await pass(world, 8 * MINUTE_MS);
      world.simulator.control.clearFaults();
      expect(await ended(world, [next])).toMatchObject(SUCCEEDED);
      expect(await tagsIn(world, id)).toEqual({ a: "2", z: "1" });
      expect(await toldOfChanges(world, id)).toEqual([]);
    },
  );

  test("nor where the process dies as it sends it", async () => {
    const before = await changedOnce();
    const next = operationIn(await patch(world, id, { tags: { z: "1" } }));
    const { resourceManager } = world.deps;
    const dying: typeof world.deps = {
      ...world.deps,
      resourceManager: {
        ...resourceManager,
        putImageVersion: () => Promise.reject(new Error("killed")),
      },
    };
    for (const message of await world.takeDue()) {
      await world.handle(message, dying).catch(() => undefined);
      await world.handle(message);
    }
    showAs(world, id, before, { times: null });
    await pass(world, 8 * MINUTE_MS);
    world.simulator.control.clearFaults();
    expect(await ended(world, [next])).toMatchObject(SUCCEEDED);
    expect(await tagsIn(world, id)).toEqual({ a: "2", z: "1" });
  });

  test.each([0, 2.5])(
    "and is canceled, is taken back as the next request says, while looks are four minutes behind (after %d minutes)",
    async (minutes) => {
      await made(world, id, TAGGED);
      await world.simulator.control.setLag({ ms: 4 * MINUTE_MS });
      faultOn(world, id, { method: "PUT", action: "reset-after-processing" });
      const first = operationIn(await patch(world, id, { tags: { a: "2" } }));
      await world.runDue();
      await cancel(world, first);
      await pass(world, minutes * MINUTE_MS);
      const back = operationIn(await patch(world, id, { tags: { a: "1" } }));
      expect(await ended(world, [first, back])).toMatchObject([
        { status: "Canceled" },
        { status: "Succeeded" },
      ]);
      await pass(world, 20 * MINUTE_MS);
      expect(await tagsIn(world, id)).toEqual({ a: "1" });
    },
  );

  test("and was a demotion, is taken back by a promotion", async () => {
    await made(world, id, plain());
    await world.simulator.control.setLag({ ms: 4 * MINUTE_MS });
    faultOn(world, id, { method: "PUT", action: "reset-after-processing" });
    const first = await byHand.demote(world, id);
    await world.runDue();
    await cancel(world, first);
    const back = await byHand.promote(world, id);
    expect(await ended(world, [first, back])).toMatchObject([
      { status: "Canceled" },
      { status: "Succeeded" },
    ]);
    await pass(world, 20 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(false);
  });

  test("is told once, however often what is sent after it is refused", async () => {
    await made(world, id, TAGGED);
    faultOn(world, id, { method: "PUT", action: "reset" });
    const first = operationIn(await patch(world, id, { tags: { a: "2" } }));
    await world.runDue();
    await cancel(world, first);
    const next = operationIn(await patch(world, id, { tags: { z: "1" } }));
    faultOn(world, id, {
      method: "PUT",
      status: 429,
      times: 3,
      headers: { "Retry-After": "5" },
    });
    await world.takeEvents();
    expect(await ended(world, [next])).toMatchObject(SUCCEEDED);
    const updating = (await world.takeEvents()).filter(
      (event) =>
        event.id.startsWith(next.id) && event.type.endsWith("Updating"),
    );
    expect(updating).toHaveLength(1);
  });
});

test("a replica that is behind for minutes is no other's change", async () => {
  const before = await changedOnce();
  const next = operationIn(await patch(world, id, { tags: { z: "1" } }));
  showAs(world, id, before, { times: null });
  await pass(world, 4 * MINUTE_MS);
  world.simulator.control.clearFaults();
  expect(await ended(world, [next])).toMatchObject(SUCCEEDED);
  expect(await tagsIn(world, id)).toEqual({ a: "2", z: "1" });
  expect(await toldOfChanges(world, id)).toEqual([]);
});

test("a version that others have made again is not taken for an old one", async () => {
  await demotedAndPromoted();
  await outside(world, "DELETE", id);
  await outside(world, "PUT", id, plain(undefined, EXCLUDED));
  const promotion = await byHand.promote(world, id);
  expect(await ended(world, [promotion])).toMatchObject(SUCCEEDED);
  expect(await isExcluded(world, id)).toBe(false);
});

test("a region that others have removed is not added without all that it had", async () => {
  await made(world, id, plain());
  const update = operationIn(
    await patch(world, id, {
      properties: {
        publishingProfile: {
          targetRegions: [
            { name: "westus" },
            { name: "eastus2", regionalReplicaCount: 3 },
          ],
        },
      },
    }),
  );
  const { targetRegions } = (await shownIn(world, id)).properties
    .publishingProfile;
  await world.simulator.control.editVersion({
    versionId: id,
    properties: {
      publishingProfile: { targetRegions: targetRegions.slice(0, 1) },
    },
  });
  const [{ status, error } = expect.fail()] = await ended(world, [update]);
  expect(status).toBe("Failed");
  expect(error).toMatchObject({
    code: "ReadBackMismatch",
    errors: [{ pointer: "/properties/publishingProfile/targetRegions/1" }],
  });
  expect(error?.message).toContain("others have removed it");
  expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
});

test("how old a look may be counts from ARM's answer", async () => {
  await made(world, id, TAGGED);
  const before = await inAzure(world, id);
  const { resourceManager } = world.deps;
  const slow: typeof world.deps = {
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      putImageVersion: (...args) => {
        world.clock.advance(50_000);
        return resourceManager.putImageVersion(...args);
      },
    },
  };
  const update = operationIn(await patch(world, id, { tags: { a: "2" } }));
  const sentMs = world.clock.now();
  for (const message of await world.takeDue())
    await world.handle(message, slow);
  expect(await ended(world, [update])).toMatchObject(SUCCEEDED);
  world.clock.advance(sentMs + 10 * MINUTE_MS + 5_000 - world.clock.now());
  const next = operationIn(await patch(world, id, { tags: { z: "1" } }));
  showAs(world, id, before);
  expect(await ended(world, [next])).toMatchObject(SUCCEEDED);
  expect(await tagsIn(world, id)).toEqual({ a: "2", z: "1" });
});
