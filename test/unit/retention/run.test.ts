/** How a run goes through many policies: in turn, within its time, and on behind the last run. */
import { expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { RetentionDependencies, RetentionRules } from "../../../src/retention/ports.js";
import { runRetention } from "../../../src/retention/run-retention.js";
import { TRACEPARENT } from "../../support/dependencies.js";
import { imageAt, storedImages } from "../../support/stored-images.js";

const KEEP_1: RetentionRules = { keepNewestPromoted: 1 };
const KEEP_ALL: RetentionRules = { keepNewestPromoted: 1_000 };

const IMAGES = Array.from({ length: 30 }, (_, i) => imageAt(i));

/** Image definitions, each with so many versions to delete; `policies` of which each has its own. */
async function start(images: number, toDelete: number, rules = () => KEEP_1) {
  const world = await storedImages(images, toDelete + 1, { mostRows: 2 });
  for (let i = 0; i < images; i += 1) await world.enforce(imageAt(i), rules());
  /** Of a run, how many deletions of each image definition. */
  async function run(given: RetentionDependencies = world.retention) {
    const ran = await world.play(() => runRetention(given, TRACEPARENT));
    const each = Array<number>(images).fill(0);
    for (const id of ran.deletions) {
      const { resourceId = "" } = (await world.deps.store.readOperation(id))?.operation ?? {};
      const image = IMAGES.indexOf(resourceId.split("/versions/")[0] ?? "");
      each[image] = (each[image] ?? 0) + 1;
    }
    return { ...ran, each };
  }
  return { ...world, run };
}

test("deletions are dealt in turn, one of each policy", async () => {
  const { run } = await start(3, 20);
  expect(await run()).toMatchObject({ each: [4, 3, 3], policies: 3, unfinished: false });
});

test("a run stops at the tenth policy with a deletion, and the next goes on behind it", async () => {
  const { run } = await start(12, 3);
  const first = await run();
  expect(first.each).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  expect(first).toMatchObject({ unfinished: true, isBehind: false });
  const second = await run();
  expect(second.each).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1]);
  expect(second).toMatchObject({ unfinished: true, isBehind: false });
});

test("policies that delete nothing end no run, and cost one read of each", async () => {
  const { run, takeCounts } = await start(30, 1, () => KEEP_ALL);
  expect(await run()).toMatchObject({ deletions: [], policies: 30, unfinished: false });
  // Besides the cursor
  expect(takeCounts()).toEqual({ records: 0, rowPages: 31, listPages: 30, reads: 0, galleries: 0 });
});

test("a policy that is put again deletes no more in the run that began before", async () => {
  const { run, retention } = await start(1, 20);
  const { policies } = retention;
  let reads = 0;
  const read: typeof policies.read = async (imageId) => {
    const stored = await policies.read(imageId);
    reads += 1;
    return stored && reads > 3 ? { ...stored, etag: "another" } : stored;
  };
  expect((await run({ ...retention, policies: { ...policies, read } })).each).toEqual([3]);
});

test("a gallery and each list are read once, however much is deleted", async () => {
  const { run, takeCounts } = await start(4, 20);
  expect((await run()).deletions).toHaveLength(10);
  expect(takeCounts()).toMatchObject({ listPages: 4, galleries: 1 });
});

/** Each list takes so long. */
function slow(world: Awaited<ReturnType<typeof start>>, ms: number): RetentionDependencies {
  const { resourceManager } = world.deps;
  const listImageVersions: typeof resourceManager.listImageVersions = async (imageId) => {
    await world.takes(ms);
    return resourceManager.listImageVersions(imageId);
  };
  return {
    ...world.retention,
    imageVersions: { ...world.deps, resourceManager: { ...resourceManager, listImageVersions } },
  };
}

test.each([15_000, 30_000, 70_000])(
  "where a list takes %i ms, a run ends in time, and each policy gets its turn",
  async (ms) => {
    const world = await start(9, 5);
    const given = slow(world, ms);
    const all = Array<number>(9).fill(0);
    let behind = 0;
    for (let runs = 0; runs < 9; runs += 1) {
      const began = world.now().getTime();
      const { each, isBehind } = await world.run(given);
      expect(world.now().getTime() - began).toBeLessThan(60_000 + ms);
      each.forEach((count, i) => (all[i] = (all[i] ?? 0) + count));
      if (isBehind) behind += 1;
    }
    expect(Math.min(...all)).toBeGreaterThan(0);
    expect(behind > 0).toBe(ms > 15_000);
  },
);

/** Azure throttles so many lists at once, or the deletions. */
function throttled(
  world: Awaited<ReturnType<typeof start>>,
  isThrottled: (imageId: string, atOnce: number) => boolean,
): RetentionDependencies {
  let atOnce = 0;
  const { resourceManager } = world.deps;
  const listImageVersions: typeof resourceManager.listImageVersions = async (imageId) => {
    atOnce += 1;
    try {
      await world.takes(100);
      if (isThrottled(imageId, atOnce)) throw new ServiceError("ResourceManagerThrottled", "Wait.");
      return await resourceManager.listImageVersions(imageId);
    } finally {
      atOnce -= 1;
    }
  };
  return {
    ...world.retention,
    imageVersions: { ...world.deps, resourceManager: { ...resourceManager, listImageVersions } },
  };
}

test("once Azure throttles, the run is over, and says so", async () => {
  const world = await start(6, 5);
  const ran = await world.run(throttled(world, (imageId) => imageId === imageAt(2)));
  expect(ran).toMatchObject({ unfinished: true, each: [1, 0, 0, 0, 0, 0] });
  expect(ran.errors).toMatchObject([{ code: "ResourceManagerThrottled" }]);
});

test.each([0, 1, 2, 3, 4, 5])(
  "where it is %i that is throttled always, each other gets its turn",
  async (busy) => {
    const world = await start(6, 12);
    const given = throttled(world, (imageId) => imageId === imageAt(busy));
    const all = Array<number>(6).fill(0);
    for (let runs = 0; runs < 8; runs += 1)
      (await world.run(given)).each.forEach((count, i) => (all[i] = (all[i] ?? 0) + count));
    expect(all.map((count) => count > 0)).toEqual(all.map((_, i) => i !== busy));
  },
);

test("where Azure throttles whatever is asked beside another, each gets its turn all the same", async () => {
  const world = await start(4, 12);
  const given = throttled(world, (_, atOnce) => atOnce > 1);
  const all = Array<number>(4).fill(0);
  for (let runs = 0; runs < 8; runs += 1)
    (await world.run(given)).each.forEach((count, i) => (all[i] = (all[i] ?? 0) + count));
  expect(Math.min(...all)).toBeGreaterThan(0);
});

test("a policy that is gone leaves the next run to begin behind where it was", async () => {
  const { run, retention } = await start(12, 3);
  await run();
  await retention.policies.remove(imageAt(9));
  expect((await run()).each).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1]);
});

test.each([0, 1, 2, 3, 4])(
  "where it is %i that is throttled beside any other, it gets its turn alone",
  async (busy) => {
    const world = await start(5, 12);
    const given = throttled(world, (imageId, atOnce) => imageId === imageAt(busy) && atOnce > 1);
    let count = 0;
    for (let runs = 0; runs < 6; runs += 1) count += (await world.run(given)).each[busy] ?? 0;
    expect(count).toBeGreaterThan(0);
  },
);

test("what is revoked is passed over, and the next of its policy goes", async () => {
  const world = await start(1, 3);
  let asked = 0;
  const readRecord: RetentionDependencies["revocations"]["readRecord"] = () => {
    asked += 1;
    const ban = { reason: "CVE" };
    return Promise.resolve(asked === 1 ? ({ ban } as never) : undefined);
  };
  const { deletions } = await world.run({ ...world.retention, revocations: { readRecord } });
  expect(deletions).toHaveLength(2);
});

test("two runs that together come to every policy are not behind, however often", async () => {
  const world = await start(9, 1, () => KEEP_ALL);
  const given = slow(world, 20_000);
  for (let runs = 0; runs < 5; runs += 1)
    expect(await world.run(given)).toMatchObject({
      policies: 5,
      unfinished: true,
      isBehind: false,
    });
});

test("once a run has come to every policy, none is behind", async () => {
  const world = await start(9, 1);
  const given = slow(world, 70_000);
  expect(await world.run(given)).toMatchObject({ unfinished: true, isBehind: false });
  expect(await world.run(given)).toMatchObject({ unfinished: true, isBehind: true });
  expect(await world.run()).toMatchObject({ unfinished: false, isBehind: false });
  expect(await world.run(given)).toMatchObject({ unfinished: true, isBehind: false });
});
