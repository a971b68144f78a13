/** What others have changed, and the permission to remove regions, which they may close. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  profileOf,
  FULL,
  ended,
  made,
  operationIn,
  patch,
  plain,
  put,
  putThrough,
  puts,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

describe("the permission to remove regions", () => {
  const OPEN = plain(undefined, {
    safety: { allowDeletionOfReplicatedLocations: true },
  });
  const isOpen = async (): Promise<unknown> =>
    (await shownIn(world, id)).properties.safetyProfile?.["allowDeletionOfReplicatedLocations"];
  const shutInPortal = (): Promise<void> =>
    world.simulator.control.editVersion({
      versionId: id,
      properties: {
        safetyProfile: { allowDeletionOfReplicatedLocations: false },
      },
    });
  const change = async (): Promise<void> => {
    const changing = operationIn(await patch(world, id, { tags: { a: "1" } }));
    expect(await ended(world, [changing])).toMatchObject([{ status: "Succeeded" }]);
  };

  test("that a caller has given stays, whatever else is changed, and after a removal", async () => {
    await made(world, id, OPEN);
    await change();
    expect(await isOpen()).toBe(true);
    const removal = operationIn(await patch(world, id, {}, { removeRegions: ["eastus2"] }));
    expect(await ended(world, [removal])).toMatchObject([{ status: "Succeeded" }]);
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
});

describe("what others have changed", () => {
  test("an end of life that was put off in the portal survives the caller's own body with another change", async () => {
    await made(world, id, FULL);
    world.clock.advance(600_000);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: {
        publishingProfile: { endOfLifeDate: "2095-01-01T00:00:00Z" },
      },
    });
    expect(await putThrough(world, id, { ...FULL, tags: { build: "2" } })).toMatchObject({
      status: "Succeeded",
    });
    expect(profileOf(await shownIn(world, id)).endOfLifeDate).toMatch(/^2095/u);
    expect((await shownIn(world, id)).tags).toEqual({ build: "2" });
  });

  test("a tag by policy does not fail an update, and stays", async () => {
    await world.simulator.control.setPolicy({ addTags: { cost: "c1" } });
    expect(await putThrough(world, id, plain(undefined, { tags: { a: "1" } }))).toMatchObject({
      status: "Succeeded",
    });
    for (const value of ["2", "3", "4"])
      expect(await putThrough(world, id, plain(undefined, { tags: { a: value } }))).toMatchObject({
        status: "Succeeded",
      });
    expect((await shownIn(world, id)).tags).toEqual({ a: "4", cost: "c1" });
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
      expect(await put(world, id, body({ a: "1", b: "1" }), more)).toMatchObject({
        operation: { id: over.id },
      });
      await putThrough(world, id, body({ a: "1" }));
      expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
    },
  );

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
