/** What becomes of a version that somebody changes in the portal while Sigil works on it, or after it has. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  ended,
  etagOf,
  facts,
  isExcluded,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  profileOf,
  put,
  putThrough,
  puts,
  regionNames,
  seen,
  shownIn,
  showAs,
  tagsIn,
  toldOfChanges,
} from "../truth/support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const TAGGED = plain(undefined, { tags: { build: "1" } });
const HELD_BACK = {
  properties: { publishingProfile: { excludeFromLatest: true } },
};
const conditionsOf = async (): Promise<readonly string[]> =>
  ((await seen(world, id)).sigil.conditions ?? []).map(({ type }) => type);

test("D: the answer to a PUT is lost, and a person excludes the version meanwhile: that is not undone", async () => {
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    action: "reset-after-processing",
  });
  const creation = operationIn(await put(world, id, TAGGED));
  await world.runDue();
  await world.simulator.control.editVersion({ versionId: id, ...HELD_BACK });

  await ended(world, [creation]);
  await pass(world, 3_600_000);

  expect(world.simulator.control.creates(id)).toBe(1);
  expect(puts(world)).toBe(1);
  expect(await isExcluded(world, id)).toBe(true);
  const told = facts(await world.takeEvents(), creation);
  expect(new Set(told).size).toBe(told.length);
  expect(told.filter((fact) => fact === "creating")).toHaveLength(1);
});

test("E: the portal changes a tag while a PUT of another tag runs: both stay, and it is told once", async () => {
  await made(world, id, TAGGED);
  const update = operationIn(await put(world, id, plain(undefined, { tags: { build: "2" } })));
  await world.runDue();
  await world.simulator.control.editVersion({
    versionId: id,
    tags: { cost: "c1" },
  });

  expect(await ended(world, [update])).toMatchObject([{ status: "Succeeded" }]);
  await pass(world, 3_600_000);

  expect(await tagsIn(world, id)).toEqual({ build: "2", cost: "c1" });
  expect(await toldOfChanges(world, id)).toEqual(["Sigil.ImageVersion.ChangedOutside"]);
  expect(await conditionsOf()).toEqual(["ChangedOutside"]);
});

test("H: others delete the version and make it anew while an update is open: theirs is untouched, and can be adopted", async () => {
  await made(world, id, TAGGED);
  await pass(world, 3_600_000);
  const update = operationIn(await patch(world, id, { tags: { team: "a" } }));
  const theirs = plain([{ name: "westus" }], { tags: { theirs: "1" } });
  await outside(world, "DELETE", id);
  await outside(world, "PUT", id, theirs);
  world.simulator.control.clearRequests();

  expect(await ended(world, [update])).toMatchObject([
    { status: "Failed", error: { code: "ReplacedOutside" } },
  ]);
  expect(puts(world)).toBe(0);
  expect(await tagsIn(world, id)).toEqual({ theirs: "1" });
  expect((await seen(world, id)).sigil.managedBy).toBe("Others");

  await pass(world, 3_600_000);
  expect(await putThrough(world, id, theirs)).toMatchObject({
    status: "Succeeded",
  });
  expect(puts(world)).toBe(0);
  expect((await seen(world, id)).sigil.managedBy).toBe("Sigil");
});

test("L: a look of nine minutes ago arrives after an update: nothing is told, written or repaired by it", async () => {
  await made(world, id, TAGGED);
  const before = await shownIn(world, id);
  await pass(world, 540_000);
  const update = operationIn(
    await put(
      world,
      id,
      plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }], {
        tags: { build: "2" },
      }),
    ),
  );
  await world.runDue();
  await pass(world, 20_000);
  showAs(world, id, before, { times: 1 });

  expect(await ended(world, [update])).toMatchObject([{ status: "Succeeded" }]);
  await pass(world, 3_600_000);

  expect(puts(world)).toBe(1);
  expect(await toldOfChanges(world, id)).toEqual([]);
  const shown = await shownIn(world, id);
  expect(shown.tags).toEqual({ build: "2" });
  expect(regionNames(shown)).toEqual(["westus", "eastus2", "eastus"]);
});

test("what changes a tag again and again needs a person: nothing is written or ended by looks that never agree", async () => {
  await made(world, id, TAGGED);
  await patch(world, id, { tags: { build: "2" } });
  await world.runDue();
  for (let minute = 0; minute < 40; minute += 1) {
    const tags = { build: "2", by: String(minute) };
    await world.simulator.control.editVersion({ versionId: id, tags });
    await pass(world, 60_000);
  }

  expect(puts(world)).toBe(1);
  expect(await conditionsOf()).toEqual(["NeedsAttention"]);

  await pass(world, 3_600_000);
  expect(await conditionsOf()).toEqual(["ChangedOutside"]);
});

test("N: a PUT says again the tag that others changed: it sets it, and the condition is settled", async () => {
  await made(world, id, TAGGED);
  await pass(world, 3_600_000);
  await world.simulator.control.editVersion({
    versionId: id,
    tags: { build: "theirs" },
  });

  expect(await putThrough(world, id, TAGGED)).toMatchObject({
    status: "Succeeded",
  });
  expect(await tagsIn(world, id)).toEqual({ build: "1" });
  expect(await conditionsOf()).toEqual([]);
  expect(await toldOfChanges(world, id)).toEqual(["Sigil.ImageVersion.ChangedOutside"]);
});

test("W: one 404 of a day-old version: nothing is told, and it stays protected", async () => {
  await made(world, id, plain(undefined, { sigil: { protected: true } }));
  await pass(world, 86_400_000);
  const update = operationIn(await patch(world, id, { tags: { a: "1" } }));
  showAs(world, id, undefined, { status: 404, times: 1 });

  expect(await ended(world, [update])).toMatchObject([{ status: "Succeeded" }]);
  expect(world.simulator.control.creates(id)).toBe(1);
  expect(await seen(world, id)).toMatchObject({
    tags: { a: "1" },
    sigil: { managedBy: "Sigil", protected: true },
  });
  const told = (await world.takeEvents()).map(({ type }) => type);
  expect(told).not.toContain("Sigil.ImageVersion.DeletedOutside");
});

test("a person in the portal holds back a version: no later PUT takes that back, whatever its body repeats", async () => {
  const body = plain(undefined, { publishing: { excludeFromLatest: false } });
  await made(world, id, body);
  await pass(world, 3_600_000);
  await world.simulator.control.editVersion({ versionId: id, ...HELD_BACK });

  // The operation that has made it so says nothing of that: it is no answer any more.
  expect(await put(world, id, body)).toMatchObject({
    kind: "unchanged",
    version: { warnings: [{ code: "StaysExcluded" }] },
  });
  const update = await putThrough(world, id, { ...body, tags: { a: "1" } });
  expect(update).toMatchObject({
    status: "Succeeded",
    warnings: [{ code: "StaysExcluded" }],
  });
  expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(true);

  await ended(world, [await byHand.promote(world, id)]);
  expect(await isExcluded(world, id)).toBe(false);
  expect(await conditionsOf()).toEqual([]);
  expect(await etagOf(world, id)).toBeDefined();
});
