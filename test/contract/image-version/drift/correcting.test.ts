/** Versions that say `sigil.drift: correct`: what others change of them is put back, within bounds. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  ended,
  etagOf,
  made,
  operation,
  operationIn,
  outside,
  patch,
  plain,
  profileOf,
  put,
  putThrough,
  puts,
  regionIn,
  regionNames,
  seen,
  shownIn,
} from "../truth/support.js";
import { eventsOf, look, MINUTE_MS, told } from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const REGIONS = [
  { name: "westus", regionalReplicaCount: 2 },
  { name: "eastus2", regionalReplicaCount: 1 },
];

const BODY = plain(REGIONS, {
  tags: { a: "1", b: "1" },
  publishing: { endOfLifeDate: "2090-01-01T00:00:00Z" },
  sigil: { drift: "correct" },
});

async function atRest(body = BODY): Promise<void> {
  await made(world, id, body);
  world.clock.advance(60 * MINUTE_MS);
}

const edit = (
  properties: Record<string, unknown>,
  tags?: Record<string, string | null>,
) =>
  world.simulator.control.editVersion({
    versionId: id,
    properties,
    ...(tags && { tags }),
  });

/** The timer's run, and the operations that it has begun, once they have ended. */
async function corrected() {
  const runs = await look(world);
  return ended(
    world,
    runs.flatMap(({ corrections }) => corrections.map((one) => ({ id: one }))),
  );
}

describe("what others change", () => {
  test("is told, and put back by an operation of its own", async () => {
    await atRest();
    await edit(
      {
        publishingProfile: {
          endOfLifeDate: "2091-01-01T00:00:00Z",
          targetRegions: [
            {
              name: "West US",
              regionalReplicaCount: 5,
              storageAccountType: "Standard_LRS",
            },
            {
              name: "East US 2",
              regionalReplicaCount: 1,
              storageAccountType: "Standard_LRS",
            },
          ],
        },
      },
      { a: "2", b: null, theirs: "1" },
    );
    expect(await corrected()).toMatchObject([
      {
        kind: "UpdateImageVersion",
        status: "Succeeded",
        requestedBy: { name: "drift", policy: "drift" },
      },
    ]);
    expect(puts(world)).toBe(1);
    const shown = await shownIn(world, id);
    expect(shown.tags).toEqual({ a: "1", b: "1", theirs: "1" });
    expect(profileOf(shown).endOfLifeDate).toMatch(/^2090/u);
    expect(regionIn(shown, "westus").regionalReplicaCount).toBe(2);
    expect(await told(world, id)).toEqual([
      "ChangedOutside",
      "Accepted",
      "Updating",
      "RegionCompleted",
      "Completed",
    ]);
    world.clock.advance(60 * MINUTE_MS);
    expect(await corrected()).toEqual([]);
    expect(await told(world, id)).toEqual([]);
  });

  test("is told alone where the version does not say so, or no longer", async () => {
    await atRest(plain(REGIONS, { tags: { a: "1" } }));
    await edit({}, { a: "2" });
    expect(await corrected()).toEqual([]);
    expect(await told(world, id)).toEqual(["ChangedOutside"]);
    await ended(world, [
      operationIn(await patch(world, id, { sigil: { drift: "correct" } })),
    ]);
    expect(await corrected()).toMatchObject([{ status: "Succeeded" }]);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
    await putThrough(world, id, plain(REGIONS, { tags: { a: "1" } }));
    world.clock.advance(60 * MINUTE_MS);
    await edit({}, { a: "2" });
    expect(await corrected()).toEqual([]);
  });

  test("is put back, too, where an operation has told it, or a process has died between", async () => {
    await atRest();
    await edit({}, { a: "2" });
    await ended(world, [
      operationIn(await patch(world, id, { tags: { mine: "1" } })),
    ]);
    world.clock.advance(60 * MINUTE_MS);
    expect(await corrected()).toMatchObject([{ status: "Succeeded" }]);
    expect((await shownIn(world, id)).tags).toEqual({
      a: "1",
      b: "1",
      mine: "1",
    });
  });

  test("two hosts at once begin one operation", async () => {
    await atRest();
    await edit({}, { a: "2" });
    const before = puts(world);
    const runs = await Promise.all([
      look(world, world.instance()),
      look(world, world.instance()),
    ]);
    const ids = runs.flat().flatMap(({ corrections }) => corrections);
    expect(ids).toHaveLength(1);
    await ended(world, [{ id: ids[0] ?? "" }]);
    expect(puts(world) - before).toBe(1);
    expect((await world.read(id)).record.lastSequence).toBe(2);
  });

  test("not while Azure works on the version, nor where it cannot be read", async () => {
    await atRest();
    await edit({}, { a: "2" });
    world.simulator.control.addFault({
      method: "GET",
      path: `${id}\\?`,
      status: 500,
      times: null,
    });
    expect(await corrected()).toEqual([]);
    world.simulator.control.clearFaults();
    await world.simulator.control.setReplicationSpeed(0);
    await outside(world, "PATCH", id, { tags: { a: "3" } }).catch(() => 0);
    await world.simulator.control.setReplicationSpeed(1);
    world.clock.advance(60 * MINUTE_MS);
    expect(await corrected()).toMatchObject([{ status: "Succeeded" }]);
    expect((await shownIn(world, id)).tags).toMatchObject({ a: "1" });
  });
});

describe("is never put back:", () => {
  test("a region that others have removed, and what it had", async () => {
    await atRest();
    await world.simulator.control.dropRegion({
      versionId: id,
      region: "eastus2",
    });
    expect(await corrected()).toEqual([]);
    await edit({}, { a: "2" });
    expect(await corrected()).toMatchObject([{ status: "Succeeded" }]);
    const shown = await shownIn(world, id);
    expect(regionNames(shown)).toEqual(["westus"]);
    expect(shown.tags).toMatchObject({ a: "1" });
  });

  test("whether it is in latest, either way, in a region as well", async () => {
    await atRest(
      plain([{ name: "westus", excludeFromLatest: false }], {
        publishing: { excludeFromLatest: false },
        sigil: { drift: "correct" },
      }),
    );
    await edit({
      publishingProfile: {
        excludeFromLatest: true,
        targetRegions: [
          {
            name: "West US",
            regionalReplicaCount: 1,
            storageAccountType: "Standard_LRS",
            excludeFromLatest: true,
          },
        ],
      },
    });
    expect(await corrected()).toEqual([]);
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(true);
  });

  test("a version that others have deleted", async () => {
    await atRest();
    await outside(world, "DELETE", id);
    for (let runs = 0; runs < 3; runs += 1) {
      expect(await corrected()).toEqual([]);
      world.clock.advance(30 * MINUTE_MS);
    }
    expect(await told(world, id)).toEqual(["DeletedOutside"]);
  });

  test("what others have added, and nobody has asked Sigil for", async () => {
    await atRest();
    await edit({}, { policy: "1" });
    expect(await corrected()).toEqual([]);
    expect((await shownIn(world, id)).tags).toMatchObject({ policy: "1" });
  });
});

describe("what others have changed, and the request says by which correction begins, is never put back:", () => {
  const { sigil, ...plainly } = BODY;
  const OTHERS = { endOfLifeDate: "2095-01-01T00:00:00Z" };
  const THREE = REGIONS.map((one) => ({ ...one, regionalReplicaCount: 3 }));
  const read = async () =>
    structuredClone((await seen(world, id)) as unknown as ImageVersionRequest);

  test.each<[string, () => ReturnType<typeof put | typeof patch>]>([
    [
      "by GET, edit, PUT with its ETag",
      async () =>
        put(
          world,
          id,
          { ...(await read()), ...(sigil && { sigil }) },
          { pasted: true, ifMatch: await etagOf(world, id) },
        ),
    ],
    [
      "by a patch of all three",
      () =>
        patch(world, id, {
          tags: { a: "theirs" },
          properties: {
            publishingProfile: {
              ...OTHERS,
              targetRegions: THREE,
            },
          },
          sigil,
        }),
    ],
  ])("%s", async (_, say) => {
    await atRest(plainly);
    await edit(
      {
        publishingProfile: {
          ...OTHERS,
          targetRegions: profileOf(await shownIn(world, id)).targetRegions.map(
            (one) => ({ ...one, regionalReplicaCount: 3 }),
          ),
        },
      },
      { a: "theirs" },
    );
    const { tags, properties } = await shownIn(world, id);
    await ended(world, [operationIn(await say())]);
    for (let runs = 0; runs < 3; runs += 1) {
      world.clock.advance(60 * MINUTE_MS);
      expect(await corrected()).toEqual([]);
    }
    expect(await shownIn(world, id)).toMatchObject({ tags, properties });
  });
});

describe("what others have changed, and a request through Sigil says since, is never put back:", () => {
  const replicas = (westus: number) => [
    { name: "westus", regionalReplicaCount: westus },
    { name: "eastus2", regionalReplicaCount: 1 },
  ];
  const saying = (
    tags: Record<string, string>,
    endOfLifeDate = "2090-01-01T00:00:00Z",
    regions = REGIONS,
  ) =>
    plain(regions, {
      tags,
      publishing: { endOfLifeDate },
      sigil: { drift: "correct" },
    });
  const LATER = { endOfLifeDate: "2095-01-01T00:00:00Z" };
  const editRegions = async () => {
    const { targetRegions } = profileOf(await shownIn(world, id));
    await edit({
      publishingProfile: {
        targetRegions: targetRegions.map((region, i) =>
          i === 0 ? { ...region, regionalReplicaCount: 5 } : region,
        ),
      },
    });
  };

  test.each<
    [string, () => Promise<void>, () => ReturnType<typeof put | typeof patch>]
  >([
    [
      "a tag by a patch",
      () => edit({}, { a: "2" }),
      () => patch(world, id, { tags: { a: "2" } }),
    ],
    [
      "a tag by a body",
      () => edit({}, { a: "2" }),
      () => put(world, id, saying({ a: "2", b: "1" })),
    ],
    [
      "that a tag is gone, by a patch",
      () => edit({}, { b: null }),
      () => patch(world, id, { tags: { b: null } }),
    ],
    [
      "that a tag is gone, by a body",
      () => edit({}, { b: null }),
      () => put(world, id, saying({ a: "1" })),
    ],
    [
      "the end of life by a patch",
      () => edit({ publishingProfile: LATER }),
      () => patch(world, id, { properties: { publishingProfile: LATER } }),
    ],
    [
      "the end of life by a body",
      () => edit({ publishingProfile: LATER }),
      () => put(world, id, saying({ a: "1", b: "1" }, LATER.endOfLifeDate)),
    ],
    [
      "replicas by a patch of the regions",
      editRegions,
      () =>
        patch(world, id, {
          properties: { publishingProfile: { targetRegions: replicas(5) } },
        }),
    ],
    [
      "replicas by a patch that adds a region",
      editRegions,
      () =>
        patch(world, id, {
          properties: {
            publishingProfile: {
              targetRegions: [...replicas(5), { name: "northeurope" }],
            },
          },
        }),
    ],
    [
      "replicas by a body",
      editRegions,
      () => put(world, id, saying({ a: "1", b: "1" }, undefined, replicas(5))),
    ],
  ])("%s", async (_, others, say) => {
    await atRest();
    await others();
    const said = await ended(world, [operationIn(await say())]);
    expect(said).toMatchObject([{ status: "Succeeded" }]);
    const { tags, properties } = await shownIn(world, id);
    world.clock.advance(60 * MINUTE_MS);
    expect(await corrected()).toEqual([]);
    expect(await shownIn(world, id)).toMatchObject({ tags, properties });
    // Once it is said, it is as any other, and said again it changes nothing.
    await edit({}, { a: "3" });
    world.clock.advance(60 * MINUTE_MS);
    expect(await corrected()).toMatchObject([{ status: "Succeeded" }]);
    expect((await shownIn(world, id)).tags).toEqual(tags);
    const again = await say();
    expect(again.kind === "unchanged" || operationIn(again).status).not.toBe(
      "Running",
    );
  });
});

test("three times in 24 hours; then it is told once that it has stopped, and a day later it goes on", async () => {
  await atRest();
  const begun = world.clock.now();
  for (let times = 0; times < 3; times += 1) {
    await edit({}, { a: `theirs${times}` });
    expect(await corrected()).toMatchObject([{ status: "Succeeded" }]);
    world.clock.advance(60 * MINUTE_MS);
  }
  await world.takeEvents();
  await edit({}, { a: "theirs" });
  expect(await corrected()).toEqual([]);
  const events = await eventsOf(world, id);
  expect(events).toMatchObject([
    { type: "Sigil.ImageVersion.ChangedOutside" },
    {
      type: "Sigil.ImageVersion.CorrectionStopped",
      data: {
        changes: [{ pointer: "/tags/a", before: "1", after: "theirs" }],
        nextAttemptTime: new Date(begun + 24 * 60 * MINUTE_MS).toISOString(),
      },
    },
  ]);
  for (let runs = 0; runs < 3; runs += 1) {
    world.clock.advance(60 * MINUTE_MS);
    expect(await corrected()).toEqual([]);
  }
  expect(await told(world, id)).toEqual([]);
  world.clock.advance(begun + 24 * 60 * MINUTE_MS - world.clock.now());
  expect(await corrected()).toMatchObject([{ status: "Succeeded" }]);
  expect((await shownIn(world, id)).tags).toMatchObject({ a: "1" });
});

test("a correction that Azure refuses counts, and is told as any operation", async () => {
  await atRest();
  await edit({}, { a: "2" });
  await world.simulator.control.setPolicy({ deny: "no" });
  for (let times = 0; times < 3; times += 1)
    expect(await corrected()).toMatchObject([{ status: "Failed" }]);
  expect(await corrected()).toEqual([]);
  expect(
    (await told(world, id)).filter((type) => type === "CorrectionStopped"),
  ).toHaveLength(1);
});

describe("the property", () => {
  test("is shown, kept by a patch of something else, and taken away by a body without it", async () => {
    await atRest();
    expect((await seen(world, id)).sigil).toMatchObject({ drift: "correct" });
    await ended(world, [
      operationIn(await patch(world, id, { tags: { more: "1" } })),
    ]);
    expect((await seen(world, id)).sigil).toMatchObject({ drift: "correct" });
    const { sigil: _, ...body } = BODY;
    const change = operationIn(await put(world, id, body));
    await ended(world, [change]);
    expect(await operation(world, change)).toMatchObject({
      status: "Succeeded",
    });
    expect((await seen(world, id)).sigil.drift).toBeUndefined();
  });

  test("is set by a body that changes nothing else, without an update", async () => {
    const { sigil: _, ...body } = BODY;
    await atRest(body);
    const before = puts(world);
    expect(await putThrough(world, id, BODY)).toMatchObject({
      status: "Succeeded",
    });
    expect(puts(world)).toBe(before);
    expect((await seen(world, id)).sigil).toMatchObject({ drift: "correct" });
    expect((await put(world, id, BODY)).kind).toBe("accepted"); // The same operation.
    expect((await world.read(id)).record.lastSequence).toBe(2);
  });

  test("said as it is changes nothing", async () => {
    await atRest();
    expect((await patch(world, id, { sigil: { drift: "correct" } })).kind).toBe(
      "unchanged",
    );
  });
});
