/** Versions that come and go: made by others, deleted outside, made again under the same number; the latest; rollback. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  getImageVersion,
  listImageVersions,
} from "../../../../src/image-version/queries/get.js";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { seedResource } from "../../../support/requests.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  BY,
  byHand,
  ended,
  etagOf,
  inAzure,
  made,
  newDefinition,
  operationIn,
  outside,
  plain,
  put,
  putThrough,
  puts,
  regionNames,
  seen,
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
    const before = (await shownIn(world, id)).properties.publishingProfile
      .publishedDate;
    await deletedLater();
    expect(
      await putThrough(world, id, BODY, { ifNoneMatch: "*" }),
    ).toMatchObject({ status: "Succeeded", kind: "CreateImageVersion" });
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
    expect(
      await putThrough(world, id, own, { ifNoneMatch: "*" }),
    ).toMatchObject({ status: "Failed", error: { code: "PreflightFailed" } });
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

describe("a version that Sigil has deleted", () => {
  test("is gone from Azure and NotFound by GET; its number is used again only with If-None-Match", async () => {
    await made(world, id, BODY);
    expect(await ended(world, [await byHand.remove(world, id)])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await inAzure(world, id)).toBeUndefined();
    world.clock.advance(30_000);
    expect(await refusal(getImageVersion(world.deps, idOf(id)))).toMatchObject({
      code: "NotFound",
    });
    expect(await refusal(put(world, id, BODY))).toMatchObject({
      code: "ImageVersionGone",
    });
    expect(
      await putThrough(world, id, BODY, { ifNoneMatch: "*" }),
    ).toMatchObject({ status: "Succeeded" });
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
    expect(regionNames(await shownIn(world, id))).toEqual([
      "westus",
      "eastus2",
    ]);
  });

  test("during a run takes precedence of what is queued, and ends all of it", async () => {
    await made(world, id, BODY);
    const first = operationIn(
      await put(
        world,
        id,
        plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }], {
          tags: { a: "1" },
        }),
      ),
    );
    await world.runDue();
    const second = operationIn(
      await put(world, id, plain(undefined, { tags: { a: "2" } })),
    );
    const deletion = await byHand.remove(world, id);
    const all = await ended(world, [first, second, deletion]);
    expect(all[2]).toMatchObject({ status: "Succeeded" });
    expect(all[1]).toMatchObject({
      status: "Failed",
      error: { code: "Superseded" },
    });
    expect(await inAzure(world, id)).toBeUndefined();
    expect(world.simulator.control.creates(id)).toBe(1);
  });
});

describe("a version that others have made", () => {
  test("as asked is adopted by PUT, with no write", async () => {
    await outside(world, "PUT", id, BODY);
    world.simulator.control.clearRequests();
    expect(await putThrough(world, id, BODY)).toMatchObject({
      status: "Succeeded",
    });
    expect(puts(world)).toBe(0);
    expect((await seen(world, id)).sigil.managedBy).toBe("Sigil");
  });

  test("otherwise than asked is left as it is, and the error names what differs", async () => {
    await outside(world, "PUT", id, plain(undefined, { tags: { a: "2" } }));
    expect(await putThrough(world, id, BODY)).toMatchObject({
      status: "Failed",
      error: {
        code: "ImageVersionExists",
        errors: [{ pointer: "/tags/a" }],
      },
    });
    expect((await shownIn(world, id)).tags).toEqual({ a: "2" });
    expect((await seen(world, id)).sigil.managedBy).toBe("Others");
  });

  test("otherwise than asked is changed with If-Match, and what the body leaves out of it is taken away", async () => {
    await outside(
      world,
      "PUT",
      id,
      plain(undefined, { tags: { a: "2", b: "1" } }),
    );
    expect(
      await putThrough(world, id, BODY, { ifMatch: await etagOf(world, id) }),
    ).toMatchObject({ status: "Succeeded" });
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

  test("is promoted and demoted by hand, and stays theirs", async () => {
    await outside(world, "PUT", id, BODY);
    expect(await ended(world, [await byHand.demote(world, id)])).toMatchObject([
      { status: "Succeeded" },
    ]);
    const shown = await shownIn(world, id);
    expect(shown.properties.publishingProfile.excludeFromLatest).toBe(true);
    expect(shown.tags).toEqual({ a: "1" });
    expect((await seen(world, id)).sigil.managedBy).toBe("Others");
  });
});

describe("of one image definition", () => {
  let image: string;
  const at = (number: string): string => `${image}/versions/${number}`;
  beforeEach(async () => {
    image = await newDefinition(world);
  });

  const excluded = async (number: string): Promise<boolean> =>
    (await shownIn(world, at(number))).properties.publishingProfile
      .excludeFromLatest === true;

  const rollback = async (to?: string): Promise<OperationRecord> => {
    const accepted = await rollBackImage(world.deps, {
      ...BY,
      image: idOf(at("1.0.0")),
      ...(to !== undefined && { to }),
    });
    const [end] = await ended(world, [accepted]);
    if (end === undefined) throw new Error("no operation");
    return end;
  };

  /** By Azure's own rule: the highest that is Succeeded and not excluded. */
  const latestInAzure = async (
    ...numbers: readonly string[]
  ): Promise<string | undefined> => {
    for (const number of numbers) {
      const shown = await inAzure(world, at(number));
      if (
        shown?.properties.provisioningState === "Succeeded" &&
        shown.properties.publishingProfile.excludeFromLatest !== true
      )
        return number;
    }
    return undefined;
  };

  test("a version of others is listed, counted and the latest", async () => {
    await made(world, at("1.0.0"), BODY);
    await outside(world, "PUT", at("99.0.0"), BODY);
    world.clock.advance(30_000);
    const { value } = await listImageVersions(world.deps, image, 10, undefined);
    expect(
      value.map(({ id: { versionName }, latest }) => [versionName, latest]),
    ).toEqual([
      ["99.0.0", true],
      ["1.0.0", false],
    ]);
    expect((await seen(world, at("99.0.0"))).sigil).toMatchObject({
      latest: true,
      managedBy: "Others",
    });
  });

  test("after 110 newer versions that are held back the latest is known, at one list of Azure", async () => {
    await made(world, at("1.0.0"), BODY);
    const held = plain([{ name: "westus" }], {
      publishing: { excludeFromLatest: true },
    });
    await outside(world, "PUT", at("2.0.0"), held);
    const template = await shownIn(world, at("2.0.0"));
    expect(template.properties.provisioningState).toBe("Succeeded");
    for (let i = 1; i <= 110; i += 1)
      await world.deps.resourceManager.putImageVersion(
        idOf(at(`2.0.${i}`)),
        held,
      );
    world.clock.advance(600_000);
    await world.simulator.control.setPageSize(50);
    world.simulator.control.clearRequests();
    expect((await seen(world, at("1.0.0"))).sigil.latest).toBe(true);
    expect(
      world.simulator.control.countRequests({ method: "GET" }),
    ).toBeLessThan(8);
  });

  test("a rollback makes the earlier version the latest, and repeated it is the same operation", async () => {
    for (const number of ["1.0.0", "1.0.1", "1.0.2"])
      await made(world, at(number), BODY);
    const first = await rollback();
    expect(first).toMatchObject({
      status: "Succeeded",
      rollback: { from: "1.0.2", to: "1.0.1" },
    });
    expect(await latestInAzure("1.0.2", "1.0.1", "1.0.0")).toBe("1.0.1");
    const again = await rollBackImage(world.deps, {
      ...BY,
      image: idOf(at("1.0.0")),
    });
    expect(again.id).toBe(first.id);
    expect(await excluded("1.0.1")).toBe(false);
    expect(await excluded("1.0.0")).toBe(false);
  });

  test("a rollback over several demotes from the lowest up: none in between is ever the latest", async () => {
    for (const number of ["1.0.0", "1.0.1", "1.0.2", "1.0.3"])
      await made(world, at(number), BODY);
    const accepted = await rollBackImage(world.deps, {
      ...BY,
      image: idOf(at("1.0.0")),
      to: "1.0.0",
    });
    const shownLatest = new Set<string | undefined>();
    const [end] = await ended(world, [accepted], async () => {
      // What is being updated is no news: only what is at rest.
      const latest = await latestInAzure("1.0.3", "1.0.2", "1.0.1", "1.0.0");
      shownLatest.add(latest);
    });
    expect(end).toMatchObject({ status: "Succeeded" });
    expect(await latestInAzure("1.0.3", "1.0.2", "1.0.1", "1.0.0")).toBe(
      "1.0.0",
    );
    expect([...shownLatest].filter((one) => one === "1.0.2")).toEqual([]);
    expect([...shownLatest].filter((one) => one === "1.0.1")).toEqual([]);
  });

  test("a rollback with no version to go back to is refused by name", async () => {
    await made(world, at("1.0.0"), BODY);
    expect(await refusal(rollback())).toMatchObject({
      code: "RollbackRefused",
    });
    expect(await excluded("1.0.0")).toBe(false);
  });

  test("a rollback never goes to a version that is not ready where the latest is", async () => {
    await made(world, at("1.0.0"), plain([{ name: "westus" }]));
    await made(world, at("1.0.1"), BODY);
    expect(await refusal(rollback())).toMatchObject({
      code: "RollbackRefused",
    });
    expect(await refusal(rollback("1.0.0"))).toMatchObject({
      code: "RollbackRefused",
      findings: [{ code: "RegionNotReady" }],
    });
    expect(await excluded("1.0.1")).toBe(false);
  });
});
