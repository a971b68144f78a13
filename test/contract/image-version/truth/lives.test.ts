/** Versions that come and go: made by others, deleted outside, made again under the same number; the latest; rollback. */
import { describe, expect, test } from "vitest";
import { getImageVersion } from "../../../../src/image-version/queries/get.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { seedResource } from "../../../support/requests.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  etagOf,
  inAzure,
  made,
  outside,
  plain,
  put,
  putThrough,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const BODY = plain(undefined, { tags: { a: "1" } });

/** No replica of Azure is as far behind as the version is old: that it is not there is so. */
async function deletedLater(): Promise<void> {
  world.clock.advance(600_000);
  await outside(world, "DELETE", id);
}

describe("a version that was deleted outside", () => {
  test("is NotFound by GET, and its PUT is ImageVersionGone", async () => {
    await made(world, id, BODY);
    await deletedLater();
    world.clock.advance(30_000);
    expect(await refusal(getImageVersion(world.deps, idOf(id)))).toMatchObject({
      code: "NotFound",
    });
    expect(await refusal(put(world, id, BODY))).toMatchObject({
      code: "ImageVersionGone",
    });
    expect(await inAzure(world, id)).toBeUndefined();
  });

  test("is made again by a PUT that says If-None-Match, with a life of its own", async () => {
    await made(world, id, plain(undefined, { tags: { old: "1" } }));
    const before = (await shownIn(world, id)).properties.publishingProfile.publishedDate;
    await deletedLater();
    expect(await putThrough(world, id, BODY, { ifNoneMatch: "*" })).toMatchObject({
      status: "Succeeded",
      kind: "CreateImageVersion",
    });
    const shown = await shownIn(world, id);
    expect(shown.tags).toEqual({ a: "1" });
    expect(shown.properties.publishingProfile.publishedDate).not.toBe(before);
    expect(world.simulator.control.creates(id)).toBe(2);
  });

  test("is not made again where its source is gone: PreflightFailed names the source", async () => {
    const source = seedResource("images/shortLived");
    const { control } = world.simulator;
    const { resourcesIn } = await import("@sigil-local/arm-simulator/world");
    await control.putResource(
      resourcesIn(source.split("/")[2] ?? "", "MyResourceGroup").managedImage(
        "shortLived",
        "westus",
        [0],
      ),
    );
    const body = plain();
    const own = {
      ...body,
      properties: {
        ...body.properties,
        storageProfile: { source: { id: source } },
      },
    };
    await made(world, id, own);
    await deletedLater();
    await control.removeResource(source);
    expect(await putThrough(world, id, own, { ifNoneMatch: "*" })).toMatchObject({
      status: "Failed",
      error: { code: "PreflightFailed" },
    });
    expect(await inAzure(world, id)).toBeUndefined();
  });

  test.each(["promote", "demote", "retry"] as const)(
    "is ImageVersionGone for %s, and stays gone",
    async (what) => {
      await made(world, id, BODY);
      await deletedLater();
      expect(await refusal(byHand[what](world, id))).toMatchObject({
        code: "ImageVersionGone",
      });
      expect(await inAzure(world, id)).toBeUndefined();
    },
  );
});

describe("a version that others have made", () => {
  test("otherwise than asked is changed with If-Match, and what the body leaves out of it is taken away", async () => {
    await outside(world, "PUT", id, plain(undefined, { tags: { a: "2", b: "1" } }));
    expect(await putThrough(world, id, BODY, { ifMatch: await etagOf(world, id) })).toMatchObject({
      status: "Succeeded",
    });
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
  });

  test("is not changed by If-Match of a version that was changed since: 412 with the present ETag", async () => {
    await outside(world, "PUT", id, plain(undefined, { tags: { a: "2" } }));
    const ifMatch = await etagOf(world, id);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: "3" },
    });
    const error = await refusal(put(world, id, BODY, { ifMatch }));
    expect(error).toMatchObject({ code: "PreconditionFailed" });
    world.clock.advance(30_000);
    expect(error.fields["etag"]).toBe(await etagOf(world, id));
    expect((await shownIn(world, id)).tags).toEqual({ a: "3" });
  });
});
