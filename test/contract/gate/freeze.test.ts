/** What a freeze holds back, for how long, and what it lets pass. The ways into latest are in doors.test.ts. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { createFreezes, type AskedFreeze, type StoredFreezes } from "../../../src/gate/freezes.js";
import { gateWaits } from "../../../src/gate/objections.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { approveImageVersion } from "../../../src/gate/approve.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { createMemoryImageDocuments } from "../../support/fakes/image-documents.js";
import { latestIn } from "../../support/latest.js";
import { refusal } from "../../support/refusal.js";
import { body, define, EASTUS2, versionId, WESTUS } from "../image-version/rollbacks.js";

const DAY_MS = 86_400_000;
const ADMIN = { appId: "admin" };
const EVERYWHERE = [{ subscriptionId: "*" }];

let world: InProcess;
let image: string;
beforeEach(async () => {
  world = await startInProcess({ replicationMs: 60_000, spread: 0 });
  image = await define(world);
});
afterEach(() => world.close());

const id = (number: string) => idOf(versionId(number, image));
const latest = (region: string) => latestIn(world.simulator, image, region);
const inMs = (ms: number) => new Date(world.clock.now() + ms).toISOString();

const freeze = (more: Partial<AskedFreeze> = {}) =>
  world.freezes.put(
    {
      name: "quarter-close",
      images: [{ subscriptionId: "*", galleryName: "mygallery" }],
      until: inMs(DAY_MS),
      reason: "CHG0042: quarter close.",
      ...more,
    },
    ADMIN,
  );

async function publish(number: string, excludeFromLatest: boolean): Promise<void> {
  const made = body({ excludeFromLatest, targetRegions: [WESTUS, EASTUS2] });
  await request(world.deps, versionId(number, image), made);
  await world.finish(versionId(number, image));
  world.clock.advance(600_000);
}

const by = (number: string) => ({
  id: id(number),
  requestedBy: { appId: "writer" },
  traceparent: TRACEPARENT,
});
const promote = (number: string, regions?: readonly string[]) =>
  promoteImageVersion(world.deps, { ...by(number), ...(regions && { regions }) });

const FROZEN = { code: "GateClosed" };

describe("a promotion", () => {
  beforeEach(() => publish("1.0.0", true));

  test("is refused until the freeze ends by itself, and says until when and why", async () => {
    const { until } = await freeze();
    const { code, message, findings } = await refusal(promote("1.0.0"));
    expect(code).toBe("GateClosed");
    expect(message).toContain(until);
    expect(message).toContain("CHG0042: quarter close");
    expect(findings).toHaveLength(2);
    world.clock.advance(DAY_MS);
    await promote("1.0.0");
    await world.finish(versionId("1.0.0", image));
    expect(await latest("westus")).toBe("1.0.0");
  });

  test.each([
    ["of another gallery", { images: [{ subscriptionId: "*", galleryName: "Other" }] }],
    ["of another region", { regions: ["North Europe"] }],
    ["that has yet to begin", { from: "later" }],
  ])("is free of a freeze %s", async (_, { from, ...more }: Partial<AskedFreeze>) => {
    await freeze({ ...more, ...(from && { from: inMs(3_600_000) }) });
    expect((await promote("1.0.0")).kind).toBe("PromoteImageVersion");
  });

  test("is frozen where the freeze is, in any spelling of the region", async () => {
    await freeze({ regions: ["West US"] });
    expect(await refusal(promote("1.0.0", ["westus"]))).toMatchObject(FROZEN);
    expect((await promote("1.0.0", ["eastus2"])).kind).toBe("PromoteImageVersion");
  });

  test("that was accepted before is held back by a freeze before it is sent", async () => {
    const { id: operationId } = await promote("1.0.0");
    await freeze();
    const ended = await world.finish(versionId("1.0.0", image));
    expect([ended.id, ended.status, ended.error?.code]).toEqual([
      operationId,
      "Failed",
      "GateClosed",
    ]);
    expect(await latest("westus")).toBeNull();
  });

  test("is opened by an approval since the freeze began, and by none before", async () => {
    const approve = () =>
      approveImageVersion(
        { ...world.deps, results: world.results },
        {
          id: id("1.0.0"),
          reason: "Hotfix",
          approvedBy: { objectId: "b" },
          traceparent: TRACEPARENT,
        },
      );
    await approve();
    world.clock.advance(1_000);
    await freeze();
    expect(await refusal(promote("1.0.0"))).toMatchObject(FROZEN);
    world.clock.advance(1_000);
    await approve();
    expect((await promote("1.0.0")).kind).toBe("PromoteImageVersion");
  });

  test("is free at once when the freeze is deleted, and GET shows neither", async () => {
    await freeze();
    const waits = async () =>
      gateWaits(
        { ...world, now: world.deps.now, gates: [] },
        await getImageVersion(world.deps, id("1.0.0")),
        [],
      );
    expect((await waits()).map(({ region }) => region)).toEqual(["westus", "eastus2"]);
    expect((await world.freezes.remove("quarter-close")).setBy).toEqual(ADMIN);
    expect(await waits()).toEqual([]);
    expect(await world.freezes.list()).toEqual([]);
    expect((await promote("1.0.0")).kind).toBe("PromoteImageVersion");
  });
});

test("what leaves latest is not held", async () => {
  await publish("1.0.0", false);
  await publish("1.0.1", false);
  await freeze();
  await demoteImageVersion(world.deps, by("1.0.1"));
  await world.finish(versionId("1.0.1", image));
  expect(await latest("westus")).toBe("1.0.0");
});

describe("what is stored", () => {
  test.each([
    ["ends before it begins", { from: 2, until: 1 }, "FreezeEndsFirst"],
    ["has ended", { until: -1 }, "FreezeEndsFirst"],
    ["lasts longer than 92 days", { until: 93 }, "FreezeTooLong"],
    ["lasts longer from its begin", { from: 10, until: 103 }, "FreezeTooLong"],
  ])("is nothing that %s", async (_, days: { from?: number; until: number }, code) => {
    const { from, until } = days;
    const asked = freeze({
      ...(from !== undefined && { from: inMs(from * DAY_MS) }),
      until: inMs(until * DAY_MS),
    });
    expect((await refusal(asked)).findings).toMatchObject([{ code, pointer: "/until" }]);
    expect(await world.freezes.list()).toEqual([]);
  });

  test("is what the caller last asked under a name, and what has ended goes", async () => {
    await freeze();
    await freeze({ name: "short", until: inMs(1_000) });
    const again = await freeze({ reason: "Longer", until: inMs(92 * DAY_MS), images: EVERYWHERE });
    expect(again).toMatchObject({ reason: "Longer", from: again.setTime });
    expect((await world.freezes.list()).map(({ name }) => name)).toEqual([
      "short",
      "quarter-close",
    ]);
    world.clock.advance(1_000);
    expect(await world.freezes.list()).toEqual([again]);
    expect((await refusal(world.freezes.remove("short"))).code).toBe("NotFound");
  });

  test("is at most a hundred", async () => {
    for (let i = 0; i < 100; i += 1) await freeze({ name: `f${i}` });
    expect((await refusal(freeze())).findings).toMatchObject([{ code: "TooManyFreezes" }]);
    expect((await freeze({ name: "f7", reason: "Another" })).reason).toBe("Another");
  });

  test("is read once in five seconds, and known at once where it was stored", async () => {
    const documents = createMemoryImageDocuments<StoredFreezes>("list");
    let reads = 0;
    const counted = {
      ...documents,
      read: (one: string) => {
        reads += 1;
        return documents.read(one);
      },
    };
    const [mine, theirs] = [1, 2].map(() => createFreezes(counted, world.deps.now));
    if (mine === undefined || theirs === undefined) throw new TypeError();
    expect([await mine.list(), await theirs.list(), await theirs.list()]).toEqual([[], [], []]);
    expect(reads).toBe(2);
    const asked = { name: "a", images: EVERYWHERE, until: inMs(DAY_MS), reason: "r" };
    await mine.put(asked, ADMIN);
    expect([await mine.list(), await theirs.list()]).toMatchObject([[asked], []]);
    world.clock.advance(5_000);
    expect(await theirs.list()).toMatchObject([asked]);
  });
});
