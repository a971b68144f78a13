/** Looks that are behind, answers that are lost, processes that die: no verdict, no write and no event follows from them. */
import { describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../../src/image-version/commands/promote.js";
import { getImageVersion } from "../../../../src/image-version/queries/get.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  BY,
  byHand,
  ended,
  facts,
  inAzure,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  regionNames,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

/** What Azure has, whatever its reads show now. */
async function truth(): Promise<Awaited<ReturnType<typeof shownIn>>> {
  await world.simulator.control.setLag({ ms: 0 });
  return shownIn(world, id);
}

const outsideTold = async (): Promise<number> =>
  (await world.takeEvents()).filter(
    ({ type, subject }) => subject === id && type === "Sigil.ImageVersion.ChangedOutside",
  ).length;

describe.each([3, 8])("where looks lag %d minutes", (minutes) => {
  const lag = { ms: minutes * 60_000 };

  test("a version is created once, and ends Succeeded", async () => {
    await world.simulator.control.setLag(lag);
    expect(await putThrough(world, id, plain(undefined, { tags: { a: "1" } }))).toMatchObject({
      status: "Succeeded",
    });
    expect(world.simulator.control.creates(id)).toBe(1);
    expect((await truth()).tags).toEqual({ a: "1" });
  });

  test("an update that changes a tag, a count and a region ends Succeeded, and tells of nobody else", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await world.simulator.control.setLag(lag);
    const body = plain(
      [{ name: "westus", regionalReplicaCount: 3 }, { name: "eastus2" }, { name: "eastus" }],
      { tags: { a: "2" } },
    );
    expect(await putThrough(world, id, body)).toMatchObject({
      status: "Succeeded",
    });
    const shown = await truth();
    expect(shown.tags).toEqual({ a: "2" });
    expect(regionNames(shown)).toEqual(["westus", "eastus2", "eastus"]);
    expect(await outsideTold()).toBe(0);
  });

  test("two updates one after the other both end as Azure has it", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await world.simulator.control.setLag(lag);
    const one = operationIn(await put(world, id, plain(undefined, { tags: { a: "2" } })));
    await world.runDue();
    const two = operationIn(await patch(world, id, { tags: { b: "1" } }));
    expect(await ended(world, [one, two])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    expect((await truth()).tags).toEqual({ a: "2", b: "1" });
    expect(await outsideTold()).toBe(0);
  });

  test("a removal of a region ends Succeeded and leaves ARM's permission closed", async () => {
    await made(world, id, plain());
    await world.simulator.control.setLag(lag);
    expect(
      await putThrough(world, id, plain([{ name: "westus" }]), {
        removeRegions: ["eastus2"],
      }),
    ).toMatchObject({ status: "Succeeded" });
    const shown = await truth();
    expect(regionNames(shown)).toEqual(["westus"]);
    expect(shown.properties.safetyProfile?.["allowDeletionOfReplicatedLocations"]).toBe(false);
  });

  test("a repair takes away and adds back once, with the region's own count", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
    });
    await world.simulator.control.setLag(lag);
    const accepted = operationIn(
      await put(
        world,
        id,
        plain([{ name: "westus" }, { name: "eastus2", regionalReplicaCount: 4 }]),
      ),
    );
    expect(await ended(world, [accepted])).toMatchObject([{ status: "Succeeded" }]);
    const shown = await truth();
    expect(regionNames(shown)).toContain("eastus2");
    expect(
      shown.properties.publishingProfile.targetRegions.find(({ name }) => name === "East US 2")
        ?.regionalReplicaCount,
    ).toBe(4);
    const told = facts(await world.takeEvents(), accepted);
    expect(told.filter((fact) => fact.includes("repairing"))).toHaveLength(1);
    expect(told.at(-1)).toBe("completed");
  });

  test("a deletion is known when Azure has none, and nothing is made again", async () => {
    await made(world, id, plain());
    await world.simulator.control.setLag(lag);
    expect(await ended(world, [await byHand.remove(world, id)])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await inAzure(world, id)).toBeUndefined();
    expect(world.simulator.control.creates(id)).toBe(1);
  });
});

describe("one look that is behind", () => {
  test("of a version that is gone for one look ends nothing", async () => {
    const accepted = operationIn(await put(world, id, plain()));
    await world.runDue();
    for (let looks = 0; looks < 4; looks += 1) {
      world.simulator.control.addFault({
        method: "GET",
        path: `${id}\\b`,
        action: "hide",
      });
      await pass(world, 20_000);
    }
    world.simulator.control.clearFaults();
    expect(await ended(world, [accepted])).toMatchObject([{ status: "Succeeded" }]);
    expect(world.simulator.control.creates(id)).toBe(1);
  });
});

describe("an answer that is lost", () => {
  test.each(["reset", "reset-after-processing"] as const)(
    "to an update (%s), with looks that lag: the update, as asked, and nobody else is blamed",
    async (action) => {
      await made(world, id, plain(undefined, { tags: { a: "1" } }));
      await world.simulator.control.setLag({ ms: 60_000 });
      world.simulator.control.addFault({ method: "PUT", action, times: 1 });
      expect(await putThrough(world, id, plain(undefined, { tags: { a: "2" } }))).toMatchObject({
        status: "Succeeded",
      });
      expect((await truth()).tags).toEqual({ a: "2" });
      expect(await outsideTold()).toBe(0);
    },
  );
});

describe("a version that is followed", () => {
  const readsOf = async (run: () => Promise<unknown>): Promise<number> => {
    world.simulator.control.clearRequests();
    await run();
    return world.simulator.control.countRequests({
      method: "GET",
      path: `${id.replaceAll(".", "\\.")}\\?`,
    });
  };
  const get = (refresh = false) => getImageVersion(world.deps, idOf(id), refresh);

  test("is looked at by each PUT, PATCH and promotion of it, and by no GET but a refresh", async () => {
    const body = plain(undefined, { tags: { a: "2" } });
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await put(world, id, body);
    world.clock.advance(20 * 60_000);
    expect(await readsOf(() => get())).toBe(0);
    expect(await readsOf(() => put(world, id, body))).toBe(1);
    expect(await readsOf(() => patch(world, id, { tags: { b: "1" } }))).toBe(1);
    expect(await readsOf(() => promoteImageVersion(world.deps, { ...BY, id: idOf(id) }))).toBe(1);
    expect(await readsOf(() => get())).toBe(0);
    world.clock.advance(5_000);
    expect(await readsOf(() => get(true))).toBe(1);
  });

  test("is shown with the time of its look: the poll's, a command's, or that of a refresh", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await put(world, id, plain(undefined, { tags: { a: "2" } }));
    const { record } = await world.read(id);
    world.clock.advance(20 * 60_000);
    expect((await get()).look?.time).toBe(record.status?.time);
    const shownMs = async (refresh = false): Promise<number> =>
      Date.parse((await get(refresh)).look?.time ?? "");
    const patchedMs = world.clock.now();
    await patch(world, id, { tags: { b: "1" } });
    world.clock.advance(25_000);
    const byPatchMs = await shownMs();
    expect(byPatchMs).toBeGreaterThanOrEqual(patchedMs);
    expect(byPatchMs).toBeLessThan(patchedMs + 25_000);
    expect(await shownMs(true)).toBeGreaterThanOrEqual(patchedMs + 25_000);
  });
});
