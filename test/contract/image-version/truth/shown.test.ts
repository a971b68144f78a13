/** What GET shows of a version, and which is the latest. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  profileOf,
  byHand,
  ended,
  made,
  plain,
  put,
  putThrough,
  regionNames,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

describe("what GET shows", () => {
  test("after an update that failed, the regions that Azure has", async () => {
    await made(world, id, plain());
    world.simulator.control.addFault({
      method: "PUT",
      status: 400,
      body: { error: { code: "InvalidParameter", message: "No." } },
    });
    const failed = await putThrough(
      world,
      id,
      plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }]),
    );
    expect(failed).toMatchObject({ status: "Failed" });
    world.clock.advance(60_000);
    const view = await seen(world, id);
    expect(view.properties.publishingProfile?.targetRegions?.map(({ name }) => name)).toEqual(
      regionNames(await shownIn(world, id)),
    );
    expect(view.sigil.regions.map(({ name }) => name)).toEqual(["westus", "eastus2"]);
    expect(view.sigil.pending).toEqual([]);
  });

  test("while an update waits, what is asked and not there yet", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await put(world, id, plain(undefined, { tags: { a: "2" } }));
    const view = await seen(world, id);
    expect(view.tags).toEqual({ a: "1" });
    expect(view.sigil.pending).toMatchObject([{ pointer: "/tags/a", before: "1", after: "2" }]);
    await world.finish(id);
    expect((await seen(world, id)).sigil.pending).toEqual([]);
  });

  test("of a version whose create is accepted is Creating, from what is asked", async () => {
    await put(world, id, plain(undefined, { tags: { a: "1" } }));
    expect(await seen(world, id)).toMatchObject({
      tags: { a: "1" },
      properties: { provisioningState: "Creating" },
    });
    await world.finish(id);
  });

  test("is told anew where others have changed it, within half a minute", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await seen(world, id);
    world.clock.advance(600_000);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { b: "1" },
    });
    world.clock.advance(30_000);
    expect((await seen(world, id)).tags).toEqual({ a: "1", b: "1" });
  });
});

describe("what is latest", () => {
  test("a hold-back by hand overrides the rule until the version is promoted by hand", async () => {
    const body = plain(undefined, {
      sigil: { promotion: { when: "allRegionsReady" } },
    });
    await made(world, id, body);
    await ended(world, [await byHand.demote(world, id)]);
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(true);
    expect(await putThrough(world, id, { ...body, tags: { a: "1" } })).toMatchObject({
      status: "Succeeded",
    });
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(true);
    await ended(world, [await byHand.promote(world, id)]);
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(false);
  });
});
