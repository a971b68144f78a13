/** What others have changed, and the permission to remove regions, which they may close. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { eventsOf } from "../drift/support.js";
import {
  byHand,
  profileOf,
  FULL,
  ended,
  etagOf,
  facts,
  isExcluded,
  newDefinition,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  puts,
  regionIn,
  regionNames,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

describe("the permission to remove regions", () => {
  const OPEN = plain(undefined, {
    safety: { allowDeletionOfReplicatedLocations: true },
  });
  const isOpen = async (): Promise<unknown> =>
    (await shownIn(world, id)).properties.safetyProfile?.[
      "allowDeletionOfReplicatedLocations"
    ];
  const shutInPortal = (): Promise<void> =>
    world.simulator.control.editVersion({
      versionId: id,
      properties: {
        safetyProfile: { allowDeletionOfReplicatedLocations: false },
      },
    });
  const change = async (): Promise<void> => {
    const changing = operationIn(await patch(world, id, { tags: { a: "1" } }));
    expect(await ended(world, [changing])).toMatchObject([
      { status: "Succeeded" },
    ]);
  };

  test("that a caller has given stays, whatever else is changed, and after a removal", async () => {
    await made(world, id, OPEN);
    await change();
    expect(await isOpen()).toBe(true);
    const removal = operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus2"] }),
    );
    expect(await ended(world, [removal])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isOpen()).toBe(true);
  });

  test("is not given again where others have shut it, and that they have is told", async () => {
    await made(world, id, OPEN);
    world.clock.advance(600_000);
    await shutInPortal();
    await change();
    expect(await isOpen()).toBe(false);
    const outside = (await world.takeEvents()).filter(
      ({ type }) => type === "Sigil.ImageVersion.ChangedOutside",
    );
    expect(JSON.stringify(outside.map(({ data }) => data))).toContain(
      "allowDeletionOfReplicatedLocations",
    );
    expect(outside).toHaveLength(1);
    // A body that says so gives it again.
    expect(await putThrough(world, id, OPEN)).toMatchObject({
      status: "Succeeded",
    });
    expect(await isOpen()).toBe(true);
  });

  test("is taken for a removal that is asked for, and given back, where others have shut it", async () => {
    await made(world, id, OPEN);
    await shutInPortal();
    const removal = operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus2"] }),
    );
    expect(await ended(world, [removal])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
    expect(await isOpen()).toBe(false);
    expect(
      (await world.takeEvents()).filter(
        ({ type, data }) =>
          type === "Sigil.ImageVersion.ChangedOutside" &&
          JSON.stringify(data).includes(`"after":true`),
      ),
    ).toEqual([]);
  });
});

describe("what others have changed", () => {
  test("a hold-back by hand survives the caller's own body with another change, and a retry", async () => {
    const body = plain(undefined, { publishing: { excludeFromLatest: false } });
    await made(world, id, body);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    expect(
      await putThrough(world, id, { ...body, tags: { a: "1" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(true);
  });

  test("a hold-back by hand survives a body with If-Match that is silent about it, and a patch says it in words", async () => {
    await made(world, id, plain());
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    world.clock.advance(30_000);
    expect(
      await putThrough(world, id, plain(undefined, { tags: { a: "1" } }), {
        ifMatch: await etagOf(world, id),
      }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(true);
    const answer = await patch(world, id, {
      properties: { publishingProfile: { excludeFromLatest: null } },
    });
    await ended(world, [operationIn(answer)]);
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(false);
  });

  test("an end of life that was put off in the portal survives the caller's own body with another change", async () => {
    await made(world, id, FULL);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: {
        publishingProfile: { endOfLifeDate: "2095-01-01T00:00:00Z" },
      },
    });
    expect(
      await putThrough(world, id, { ...FULL, tags: { build: "2" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await shownIn(world, id)).endOfLifeDate).toMatch(/^2095/u);
    expect((await shownIn(world, id)).tags).toEqual({ build: "2" });
  });

  test("a tag by policy does not fail an update, and stays", async () => {
    await world.simulator.control.setPolicy({ addTags: { cost: "c1" } });
    expect(
      await putThrough(world, id, plain(undefined, { tags: { a: "1" } })),
    ).toMatchObject({ status: "Succeeded" });
    for (const value of ["2", "3", "4"])
      expect(
        await putThrough(world, id, plain(undefined, { tags: { a: value } })),
      ).toMatchObject({ status: "Succeeded" });
    expect((await shownIn(world, id)).tags).toEqual({ a: "4", cost: "c1" });
  });

  test("a policy that overwrites the caller's tag ends the operation OverriddenByAzure after three writes", async () => {
    await made(world, id, plain(undefined, { tags: { cost: "c0" } }));
    await world.simulator.control.setPolicy({ addTags: { cost: "c1" } });
    world.simulator.control.clearRequests();
    expect(
      await putThrough(world, id, plain(undefined, { tags: { cost: "mine" } })),
    ).toMatchObject({
      status: "Failed",
      error: { code: "OverriddenByAzure" },
    });
    expect(puts(world)).toBe(3);
    expect((await seen(world, id)).tags).toEqual({ cost: "c1" });
  });

  test.each([
    ["", {}],
    [
      ", where the caller allows it",
      { safetyProfile: { allowDeletionOfReplicatedLocations: true } },
    ],
  ])(
    "a region that an update has removed before a policy fails it is told to be gone%s",
    async (_, properties) => {
      await made(world, id, plain([{ name: "westus" }, { name: "eastus" }]));
      await world.simulator.control.setPolicy({ addTags: { cost: "c1" } });
      await world.takeEvents();
      const [update] = await ended(world, [
        operationIn(
          await patch(
            world,
            id,
            { tags: { cost: "mine" }, properties },
            { removeRegions: ["eastus"] },
          ),
        ),
      ]);
      expect(update).toMatchObject({
        status: "Failed",
        error: { code: "OverriddenByAzure" },
      });
      const events = await eventsOf(world, id);
      expect(
        events.filter(({ type }) => type.endsWith(".RegionRemoved")),
      ).toMatchObject([
        { data: { operationId: update?.id, region: "eastus" } },
      ]);
      expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
    },
  );

  test("a tag that was removed outside is written again by the same body, as an operation of its own", async () => {
    const body = plain(undefined, { tags: { a: "1" } });
    await made(world, id, body);
    const first = (await world.read(id)).operation.id;
    world.clock.advance(15 * 60_000);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: null },
    });
    const again = await putThrough(world, id, body);
    expect(again).toMatchObject({ status: "Succeeded" });
    expect(again.id).not.toBe(first);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
    expect(facts(await world.takeEvents(), again)).toContainEqual(
      expect.stringMatching(/^outside\//u),
    );
  });

  test("the same body again, as long as Azure shows it, is the same operation", async () => {
    const body = plain(undefined, { tags: { a: "1" } });
    await made(world, id, body);
    const first = (await world.read(id)).operation.id;
    expect(operationIn(await put(world, id, body)).id).toBe(first);
    expect(puts(world)).toBe(0);
  });

  test("a region that was removed and has come back is removed by the same request again", async () => {
    await made(world, id, plain());
    const less = plain([{ name: "westus" }]);
    const more = { removeRegions: ["eastus2"] };
    const first = await putThrough(world, id, less, more);
    expect(first).toMatchObject({ status: "Succeeded" });
    await outside(world, "PUT", id, plain());
    const again = await putThrough(world, id, less, more);
    expect(again).toMatchObject({ status: "Succeeded" });
    expect(again.id).not.toBe(first.id);
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
  });

  test("a tag that was taken away and that others have added since is theirs", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1", b: "1" } }));
    const less = plain(undefined, { tags: { a: "1" } });
    await putThrough(world, id, less);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { b: "2" },
    });
    world.simulator.control.clearRequests();
    // So soon after the write, a look that lacks it may be older.
    const again = await putThrough(world, id, less);
    expect(again).toMatchObject({ status: "Succeeded" });
    expect(operationIn(await put(world, id, less)).id).toBe(again.id);
    expect(puts(world)).toBe(0);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1", b: "2" });
  });

  test.each([{}, { ifMatch: "*" }])(
    "a tag of others that a body takes over goes with the body that leaves it out (%j)",
    async (more) => {
      const body = (tags: Record<string, string>) => plain(undefined, { tags });
      await made(world, id, body({ a: "1" }));
      await world.simulator.control.editVersion({
        versionId: id,
        tags: { b: "1" },
      });
      world.clock.advance(3_600_000);
      world.simulator.control.clearRequests();
      const over = await putThrough(world, id, body({ a: "1", b: "1" }), more);
      expect(over).toMatchObject({ status: "Succeeded" });
      expect(puts(world)).toBe(0);
      expect(
        await put(world, id, body({ a: "1", b: "1" }), more),
      ).toMatchObject({ operation: { id: over.id } });
      await putThrough(world, id, body({ a: "1" }));
      expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
    },
  );

  test("what a body says with If-Match: * of a version of others is set by it: what later ones leave out is removed", async () => {
    const body = (westus: object, more: object) =>
      plain([{ name: "westus", ...westus }], more);
    const full = body(
      { regionalReplicaCount: 3 },
      {
        tags: { a: "1", b: "1" },
        publishing: { endOfLifeDate: "2090-01-01T00:00:00Z" },
      },
    );
    await outside(world, "PUT", id, full);
    world.clock.advance(3_600_000);
    await putThrough(world, id, full, { ifMatch: "*" });
    expect(puts(world)).toBe(1); // Others' own.
    await putThrough(world, id, body({}, { tags: { a: "1" } }));
    const shown = await shownIn(world, id);
    expect(shown.tags).toEqual({ a: "1" });
    expect(profileOf(shown).endOfLifeDate).toBeUndefined();
    expect(regionIn(shown, "westus").regionalReplicaCount).toBe(1);
  });

  test.each([
    ["the version's flag", true, {}],
    ["a region's own", false, { excludeFromLatest: true }],
  ])(
    "what they hold back by %s is not included by false in a body that takes the version over",
    async (_, excludeFromLatest, own) => {
      const regions = (more: object) => [
        { name: "westus", ...more },
        { name: "eastus2" },
      ];
      await outside(
        world,
        "PUT",
        id,
        plain(regions(own), { publishing: { excludeFromLatest } }),
      );
      world.clock.advance(3_600_000);
      const before = profileOf(await shownIn(world, id));
      const body = (build: string) =>
        plain(regions({ excludeFromLatest: false }), {
          publishing: { excludeFromLatest: false },
          tags: { build },
        });
      for (const build of ["1", "2"]) {
        const over = await putThrough(world, id, body(build), {
          ifMatch: "*",
        });
        expect(over.status).toBe("Succeeded");
        expect(over.warnings).toMatchObject([{ code: "StaysExcluded" }]);
        expect(profileOf(await shownIn(world, id))).toMatchObject(before);
      }
      await ended(world, [await byHand.promote(world, id)]);
      expect((await shownIn(world, id)).tags).toEqual({ build: "2" });
    },
  );

  test("nor is it by who says the same, without the header, while that runs", async () => {
    await outside(
      world,
      "PUT",
      id,
      plain(undefined, { publishing: { excludeFromLatest: true } }),
    );
    world.clock.advance(3_600_000);
    const body = plain(undefined, {
      publishing: { excludeFromLatest: false },
      tags: { build: "1" },
    });
    const first = operationIn(await put(world, id, body, { ifMatch: "*" }));
    const second = operationIn(await put(world, id, body));
    expect(second.warnings).toMatchObject([{ code: "StaysExcluded" }]);
    await pass(world, 20_000);
    const third = operationIn(await put(world, id, body));
    expect(third.warnings).toMatchObject([{ code: "StaysExcluded" }]);
    for (const { status } of await ended(world, [first, second, third]))
      expect(status).toBe("Succeeded");
    await pass(world, 3_600_000);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test.each([
    [{ publishing: { excludeFromLatest: true } }, {}],
    [{}, { excludeFromLatest: true }],
  ])(
    "nor is it by who says false while a body that was to create it is found to be theirs (%j)",
    async (more, own) => {
      const theirs = await newDefinition(world);
      const version = `${theirs}/versions/1.0.0`;
      const regions = (flag: object) => [
        { name: "westus" },
        { name: "eastus2", ...flag },
      ];
      await outside(world, "PUT", version, plain(regions(own), more));
      world.clock.advance(3_600_000);
      const before = profileOf(await shownIn(world, version));
      const first = operationIn(await put(world, version, plain(regions({}))));
      const second = operationIn(
        await put(
          world,
          version,
          plain(regions({ excludeFromLatest: false }), {
            publishing: { excludeFromLatest: false },
          }),
        ),
      );
      expect(second.warnings).toMatchObject([{ code: "StaysExcluded" }]);
      for (const { status } of await ended(world, [first, second]))
        expect(status).toBe("Succeeded");
      expect(profileOf(await shownIn(world, version))).toEqual(before);
    },
  );

  test("nor is it by a body that was read before they held it back", async () => {
    await outside(
      world,
      "PUT",
      id,
      plain(undefined, { publishing: { excludeFromLatest: false } }),
    );
    world.clock.advance(3_600_000);
    const read = (await seen(world, id)) as unknown as ImageVersionRequest;
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    world.clock.advance(3_600_000);
    const over = await putThrough(
      world,
      id,
      { ...read, tags: { build: "1" } },
      { ifMatch: "*", pasted: true },
    );
    expect(over).toMatchObject({
      status: "Succeeded",
      warnings: [{ code: "StaysExcluded" }],
    });
    const shown = await shownIn(world, id);
    expect(shown.tags).toEqual({ build: "1" });
    expect(profileOf(shown).excludeFromLatest).toBe(true);
  });

  test("nor what they hold back while that is carried out", async () => {
    await outside(world, "PUT", id, plain([{ name: "westus" }]));
    world.clock.advance(3_600_000);
    const over = operationIn(
      await put(
        world,
        id,
        plain(undefined, { publishing: { excludeFromLatest: false } }),
        { ifMatch: "*" },
      ),
    );
    await pass(world, 30_000);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    await ended(world, [over]);
    await pass(world, 3_600_000);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test.each([{}, { ifMatch: "*" }])(
    "and no body through Sigil has had stays as it is (%j)",
    async (more) => {
      await made(world, id, plain(undefined, { tags: { a: "1" } }));
      await world.simulator.control.editVersion({
        versionId: id,
        tags: { b: "1" },
        properties: {
          publishingProfile: { endOfLifeDate: "2090-01-01T00:00:00Z" },
        },
      });
      world.clock.advance(3_600_000);
      await putThrough(world, id, plain(undefined, { tags: { a: "2" } }), more);
      const shown = await shownIn(world, id);
      expect(shown.tags).toEqual({ a: "2", b: "1" });
      expect(profileOf(shown).endOfLifeDate).toMatch(/^2090/u);
    },
  );
});
