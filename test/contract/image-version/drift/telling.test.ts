/** What others do to versions that Sigil has made, while no operation works on them: told, each once. */
import { beforeEach, describe, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import type { CloudEvent } from "../../../../src/events/cloud-event.js";
import { refusal } from "../../../support/refusal.js";
import { managedImageRequest } from "../../../support/requests.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  cancel,
  ended,
  etagOf,
  made,
  newDefinition,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  profileOf,
  put,
  putThrough,
  regionNames,
  seen,
  shownIn,
} from "../truth/support.js";
import { eventsOf, look, MINUTE_MS, told } from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const REGIONS = [
  { name: "westus", regionalReplicaCount: 2 },
  { name: "eastus2" },
  { name: "northeurope" },
];

/** A version at rest, long after its last write. */
async function atRest(body = plain(REGIONS, { tags: { a: "1" } })) {
  await made(world, id, body);
  world.clock.advance(60 * MINUTE_MS);
}

const edit = (properties: Record<string, unknown>, tags?: Record<string, string | null>) =>
  world.simulator.control.editVersion({
    versionId: id,
    properties,
    ...(tags && { tags }),
  });

const reads = (): number =>
  world.simulator.control.countRequests({
    method: "GET",
    path: `${id}\\?`,
  });

describe("a change by others", () => {
  test.each([
    ["a tag", () => edit({}, { owner: "platform", a: null }), ["ChangedOutside"]],
    [
      "the end of life",
      () => edit({ publishingProfile: { endOfLifeDate: "2091-01-01T00:00:00Z" } }),
      ["ChangedOutside"],
    ],
    [
      "a hold-back",
      () => edit({ publishingProfile: { excludeFromLatest: true } }),
      ["Demoted", "ChangedOutside"],
    ],
    [
      "a region that is taken away",
      () =>
        world.simulator.control.dropRegion({
          versionId: id,
          region: "eastus2",
        }),
      ["ChangedOutside", "RegionLost"],
    ],
  ] as const)("%s is told once", async (_, change, expected) => {
    await atRest();
    await change();
    await look(world);
    expect(await told(world, id)).toEqual(expected);
    for (let runs = 0; runs < 3; runs += 1) {
      world.clock.advance(30 * MINUTE_MS);
      await look(world);
    }
    expect(await told(world, id)).toEqual([]);
  });

  test("says what, of whichever operation was the last", async () => {
    await atRest();
    const { operation } = await world.read(id);
    await edit({}, { a: "2" });
    await world.simulator.control.dropRegion({
      versionId: id,
      region: "northeurope",
    });
    await look(world);
    const [change, lost, ...others] = await eventsOf(world, id);
    expect(others).toEqual([]);
    expect(change?.data).toMatchObject({
      operationId: operation.id,
      changes: expect.arrayContaining([
        {
          pointer: "/tags/a",
          propertyChangeType: "Modify",
          before: "1",
          after: "2",
        },
        {
          pointer: "/properties/publishingProfile/targetRegions",
          propertyChangeType: "Delete",
          before: "northeurope",
        },
      ]) as unknown,
    });
    expect(change?.data).toHaveProperty("changes.length", 2);
    expect(lost?.data).toMatchObject({
      operationId: operation.id,
      region: "northeurope",
    });
    expect((await world.read(id)).record.regions.map(({ name }) => name)).toEqual([
      "westus",
      "eastus2",
    ]);
  });

  test("a lost key is told", async () => {
    await atRest(managedImageRequest());
    await world.simulator.control.dropEncryption({
      versionId: id,
      region: "eastus2",
    });
    await look(world);
    const events = await eventsOf(world, id);
    expect(events).toHaveLength(1);
    expect(JSON.stringify(events)).toMatch(
      /eastus2diskencryptionset1.+eastus2diskencryptionset2/iu,
    );
  });

  test("of one field is told once while its condition stands, and of another is told", async () => {
    await atRest();
    for (const [tags, expected] of [
      [{ a: "2" }, ["ChangedOutside"]],
      [{ a: "3" }, []],
      [{ b: "1" }, ["ChangedOutside"]],
    ] as const) {
      await edit({}, tags);
      await look(world);
      expect(await told(world, id)).toEqual(expected);
      world.clock.advance(30 * MINUTE_MS);
    }
    const { conditions } = await seen(world, id).then(({ sigil }) => sigil);
    expect(conditions).toMatchObject([{ type: "ChangedOutside" }]);
    await ended(world, [operationIn(await patch(world, id, { tags: { a: "4" } }))]);
    world.clock.advance(30 * MINUTE_MS);
    await world.takeEvents();
    await edit({}, { a: "5" });
    await look(world);
    expect(await told(world, id)).toEqual(["ChangedOutside"]);
  });

  test.each([
    ["its replicas", { regionalReplicaCount: 4 }],
    ["whether it is in latest", { excludeFromLatest: true }],
  ])("of a region before the last poll of its creation is told: %s", async (_, changed) => {
    const creation = operationIn(await put(world, id, plain(REGIONS)));
    await pass(world, MINUTE_MS);
    world.clock.advance(60 * MINUTE_MS);
    const profile = profileOf(await shownIn(world, id));
    const targetRegions = profile.targetRegions.map((region) =>
      /east/iu.test(region.name) ? { ...region, ...changed } : region,
    );
    await edit({ publishingProfile: { ...profile, targetRegions } });
    await ended(world, [creation]);
    world.clock.advance(60 * MINUTE_MS);
    await look(world);
    expect(await told(world, id)).toContain("ChangedOutside");
  });
});

describe("nothing is told", () => {
  test("of a version as it was made, and it is not read by itself", async () => {
    await atRest();
    world.simulator.control.clearRequests();
    await look(world);
    expect(await told(world, id)).toEqual([]);
    expect(reads()).toBe(0);
  });

  test("twice of what Azure works on", async () => {
    await atRest();
    await world.simulator.control.setReplicationSpeed(0);
    try {
      await world.deps.resourceManager.putImageVersion(
        idOf(id),
        plain([...REGIONS, { name: "uksouth" }], { tags: { a: "1" } }),
      );
      await look(world);
      expect(await eventsOf(world, id)).toMatchObject([
        {
          type: "Sigil.ImageVersion.ChangedOutside",
          data: { regions: ["uksouth"] },
        },
      ]);
    } finally {
      await world.simulator.control.setReplicationSpeed(1);
    }
    for (let runs = 0; runs < 2; runs += 1) {
      world.clock.advance(60 * MINUTE_MS);
      await look(world);
      expect(await told(world, id)).not.toContain("ChangedOutside");
    }
  });

  test("of a version whose operation runs: that tells it, once", async () => {
    await atRest();
    const change = operationIn(await patch(world, id, { tags: { mine: "1" } }));
    await edit({}, { theirs: "1" });
    await look(world);
    expect(await told(world, id)).not.toContain("ChangedOutside");
    await ended(world, [change]);
    world.clock.advance(60 * MINUTE_MS);
    await look(world);
    expect((await told(world, id)).filter((type) => type === "ChangedOutside")).toHaveLength(1);
  });

  test("of what a canceled operation has sent", async () => {
    await atRest();
    const change = operationIn(
      await put(world, id, plain([...REGIONS, { name: "uksouth" }], { tags: { a: "1" } })),
    );
    await pass(world, MINUTE_MS);
    await cancel(world, change);
    await ended(world, [change]);
    await world.takeEvents();
    world.clock.advance(120 * MINUTE_MS);
    await look(world);
    expect(regionNames(await shownIn(world, id))).toContain("uksouth");
    expect(await told(world, id)).toEqual([]);
  });
});

describe("an operation that begins meanwhile", () => {
  test("has the last word: the look before it is thrown away", async () => {
    await atRest();
    await edit({}, { theirs: "1" });
    const { resourceManager } = world.deps;
    let change: string | undefined;
    await look(world, {
      ...world.deps,
      resourceManager: {
        ...resourceManager,
        async getImageVersion(versionId) {
          const shown = await resourceManager.getImageVersion(versionId);
          change ??= operationIn(await patch(world, id, { tags: { mine: "1" } })).id;
          return shown;
        },
      },
    });
    await ended(world, [{ id: change ?? "" }]);
    world.clock.advance(60 * MINUTE_MS);
    await look(world);
    expect((await told(world, id)).filter((type) => type === "ChangedOutside")).toHaveLength(1);
    expect((await seen(world, id)).tags).toEqual({
      a: "1",
      theirs: "1",
      mine: "1",
    });
  });

  test("two hosts at once tell it once", async () => {
    await atRest();
    await edit({}, { theirs: "1" });
    await Promise.all([look(world, world.instance()), look(world, world.instance()), look(world)]);
    expect(await told(world, id)).toEqual(["ChangedOutside"]);
  });
});

describe("what Azure does not say changes nothing:", () => {
  const listPath = /\/versions\?/u.source;
  test.each<[string, { path: string; status?: number; action?: "reset" }]>([
    ["the list is refused", { path: listPath, status: 403 }],
    ["the list is throttled", { path: listPath, status: 429 }],
    ["the list fails", { path: listPath, status: 500 }],
    ["there is no image definition", { path: listPath, status: 404 }],
    ["the read is refused", { path: "one", status: 403 }],
    ["the read is throttled", { path: "one", status: 429 }],
    ["the read fails", { path: "one", status: 500 }],
    ["no answer comes", { path: "one", action: "reset" as const }],
    ["the version alone is not found", { path: "one", status: 404 }],
  ])("%s", async (_, { path, ...fault }) => {
    await atRest();
    await edit({}, { theirs: "1" });
    world.simulator.control.addFault({
      method: "GET",
      path: path === "one" ? `${id}\\?` : path,
      times: null,
      ...fault,
    });
    for (let runs = 0; runs < 3; runs += 1) {
      await look(world);
      world.clock.advance(30 * MINUTE_MS);
    }
    expect(await told(world, id)).toEqual([]);
    expect((await world.read(id)).record.status).toBeDefined();
    world.simulator.control.clearFaults();
    await look(world);
    expect(await told(world, id)).toEqual(["ChangedOutside"]);
  });
});

describe("versions whose image definition is gone", () => {
  const removed = async (): Promise<string> => {
    const image = await newDefinition(world);
    id = `${image}/versions/1.0.0`;
    await atRest();
    await made(world, `${image}/versions/2.0.0`, plain(REGIONS));
    world.clock.advance(60 * MINUTE_MS);
    await world.takeEvents();
    for (const name of ["1.0.0", "2.0.0"])
      await outside(world, "DELETE", `${image}/versions/${name}`);
    await world.simulator.control.removeResource(image);
    return image;
  };
  const run = async (): Promise<readonly CloudEvent[]> => {
    await look(world);
    world.clock.advance(30 * MINUTE_MS);
    return world.takeEvents();
  };

  test("are told at the second look, once each, and then looked at no more", async () => {
    const image = await removed();
    expect(await run()).toEqual([]);
    const events = await run();
    expect(events.map(({ type, subject }) => [type, subject]).sort()).toEqual([
      ["Sigil.ImageVersion.DeletedOutside", `${image}/versions/1.0.0`],
      ["Sigil.ImageVersion.DeletedOutside", `${image}/versions/2.0.0`],
    ]);
    const { record } = await world.read(id);
    expect(record.state).toBe("Deleted");
    expect(record).not.toHaveProperty("status");
    expect(await run()).toEqual([]);
    world.simulator.control.clearRequests();
    await run();
    expect(world.simulator.control.countRequests({ path: image })).toBe(0);
  });

  test("are not, where the subscription is not to be seen", async () => {
    await removed();
    world.simulator.control.addFault({
      method: "GET",
      path: "/providers/Microsoft.Compute\\?",
      status: 404,
      times: null,
    });
    for (let runs = 0; runs < 3; runs += 1) expect(await run()).toEqual([]);
    expect((await world.read(id)).record.status).toBeDefined();
    // Who may not ask for it is not told that there is none.
    world.simulator.control.clearFaults();
    world.simulator.control.addFault({
      method: "GET",
      path: "/providers/Microsoft.Compute\\?",
      status: 403,
      times: null,
    });
    await run();
    expect(await run()).toHaveLength(2);
  });

  test("are looked at again once one is made anew", async () => {
    const image = await removed();
    for (let runs = 0; runs < 3; runs += 1) await run();
    const [name = ""] = image.split("/").slice(-1);
    await world.simulator.control.putResource(
      resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup").imageDefinition(
        "MyGallery",
        name,
        "westus",
      ),
    );
    id = `${image}/versions/3.0.0`;
    await atRest();
    await world.takeEvents();
    await edit({}, { theirs: "1" });
    expect((await run()).map(({ type }) => type)).toEqual(["Sigil.ImageVersion.ChangedOutside"]);
  });
});

describe("a version that others have deleted", () => {
  beforeEach(async () => {
    await atRest();
  });

  test("is told at the second look, once, and is as after a deletion", async () => {
    await outside(world, "DELETE", id);
    await look(world);
    expect(await told(world, id)).toEqual([]);
    world.clock.advance(MINUTE_MS);
    await look(world);
    expect(await told(world, id)).toEqual([]);
    world.clock.advance(3 * MINUTE_MS);
    await look(world);
    const { operation, record } = await world.read(id);
    expect(await eventsOf(world, id)).toMatchObject([
      {
        type: "Sigil.ImageVersion.DeletedOutside",
        data: { operationId: operation.id },
      },
    ]);
    expect(record.state).toBe("Deleted");
    expect(record).not.toHaveProperty("status");
    expect(operation).toMatchObject({
      kind: "CreateImageVersion",
      status: "Succeeded",
    });
    world.clock.advance(30 * MINUTE_MS);
    await look(world);
    expect(await told(world, id)).toEqual([]);
    await expect(seen(world, id)).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("outside Sigil") as string,
    });
    await expect(put(world, id, plain(REGIONS))).rejects.toMatchObject({
      code: "ImageVersionGone",
    });
    expect(await putThrough(world, id, plain(REGIONS), { ifNoneMatch: "*" })).toMatchObject({
      kind: "CreateImageVersion",
      status: "Succeeded",
    });
    world.clock.advance(30 * MINUTE_MS);
    await world.takeEvents();
    await look(world);
    expect(await told(world, id)).toEqual([]);
  });

  test("is told by the PUT that makes it again before any look, once, before its new life", async () => {
    await outside(world, "DELETE", id);
    const { operation } = await world.read(id);
    expect(await putThrough(world, id, plain(REGIONS), { ifNoneMatch: "*" })).toMatchObject({
      kind: "CreateImageVersion",
      status: "Succeeded",
    });
    const events = await eventsOf(world, id);
    expect(events[0]).toMatchObject({
      type: "Sigil.ImageVersion.DeletedOutside",
      data: { operationId: operation.id },
    });
    expect(events[1]?.type).toBe("Sigil.ImageVersion.Accepted");
    expect(events.filter(({ type }) => type.endsWith("DeletedOutside"))).toHaveLength(1);
    world.clock.advance(60 * MINUTE_MS);
    await look(world);
    expect(await told(world, id)).toEqual([]);
  });

  test("is not told by a PUT that is refused", async () => {
    await outside(world, "DELETE", id);
    await expect(put(world, id, plain(REGIONS))).rejects.toMatchObject({
      code: "ImageVersionGone",
    });
    expect(await told(world, id)).toEqual([]);
  });

  test("by Sigil is not told by the PUT that makes it again", async () => {
    await ended(world, [await byHand.remove(world, id)]);
    await world.takeEvents();
    await putThrough(world, id, plain(REGIONS), { ifNoneMatch: "*" });
    expect(await told(world, id)).not.toContain("DeletedOutside");
  });

  test("is not there for a DELETE, which is not sent", async () => {
    await outside(world, "DELETE", id);
    await look(world);
    world.clock.advance(30 * MINUTE_MS);
    await look(world);
    world.simulator.control.clearRequests();
    expect(await refusal(byHand.remove(world, id))).toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("deleted outside Sigil") as string,
    });
    expect(world.simulator.control.countRequests({ method: "DELETE" })).toBe(0);
  });

  test("and made again is told at once, and the new one is theirs", async () => {
    await outside(world, "DELETE", id);
    world.clock.advance(60 * MINUTE_MS);
    await outside(world, "PUT", id, plain([{ name: "westus" }]));
    const { publishedDate } = (await shownIn(world, id)).properties.publishingProfile;
    await look(world);
    expect(await eventsOf(world, id)).toMatchObject([
      {
        type: "Sigil.ImageVersion.DeletedOutside",
        data: { publishedDate },
      },
    ]);
    world.clock.advance(30 * MINUTE_MS);
    await look(world);
    expect(await told(world, id)).toEqual([]);
    expect((await seen(world, id)).sigil).toMatchObject({
      managedBy: "Others",
    });
  });

  test.each([
    [
      "PUT",
      async () =>
        operationIn(
          await put(world, id, plain([{ name: "westus" }], { tags: { b: "1" } }), {
            ifMatch: await etagOf(world, id),
          }),
        ),
    ],
    ["PATCH", async () => operationIn(await patch(world, id, { tags: { b: "1" } }))],
    ["demotion", () => byHand.demote(world, id)],
    ["DELETE", () => byHand.remove(world, id)],
  ])(
    "and made again is told by the %s of the new one before any look, once, and first",
    async (_, ask) => {
      const { operation } = await world.read(id);
      await outside(world, "DELETE", id);
      world.clock.advance(60 * MINUTE_MS);
      await outside(world, "PUT", id, plain([{ name: "westus" }]));
      const { publishedDate } = (await shownIn(world, id)).properties.publishingProfile;
      world.clock.advance(10 * MINUTE_MS);
      const [done] = await ended(world, [await ask()]);
      expect(done).toMatchObject({ status: "Succeeded" });
      world.clock.advance(60 * MINUTE_MS);
      await look(world);
      world.clock.advance(60 * MINUTE_MS);
      await look(world);
      const events = await eventsOf(world, id);
      expect(events[0]).toMatchObject({
        type: "Sigil.ImageVersion.DeletedOutside",
        data: { operationId: operation.id, publishedDate },
      });
      expect(events.filter(({ type }) => type.endsWith("DeletedOutside"))).toHaveLength(1);
    },
  );

  test("by Sigil tells nothing more", async () => {
    await ended(world, [await byHand.remove(world, id)]);
    await world.takeEvents();
    for (let runs = 0; runs < 3; runs += 1) {
      world.clock.advance(30 * MINUTE_MS);
      await look(world);
    }
    expect(await told(world, id)).toEqual([]);
  });
});
