/** A version that was deleted, of a gallery with soft delete, is given back. */
import { beforeEach, describe, expect, test } from "vitest";
import { restoreImageVersion } from "../../../../src/image-version/commands/restore.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { refusal } from "../../../support/refusal.js";
import { managedImageRequest, seedResource } from "../../../support/requests.js";
import { enableSoftDelete } from "../../../support/soft-delete.js";
import {
  BY,
  byHand,
  ended,
  inAzure,
  made,
  operationIn,
  outside,
  put,
  plain,
  putThrough,
  seen,
  shownIn,
} from "./support.js";

const IMAGE = seedResource("galleries/MyGallery/images/MyImage");

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});
beforeEach(() => enableSoftDelete(world));

const body = managedImageRequest;

const restore = (more: object = {}): Promise<OperationRecord> =>
  restoreImageVersion(world.deps, { id: idOf(id), ...BY, ...more });

const restores = (): number =>
  world.simulator.control.countRequests({ method: "PUT", path: path() });

const path = (): string => `versions/${id.split("/").at(-1)}\\?`;

const deletedNames = async (): Promise<readonly string[]> =>
  ((await world.deps.resourceManager.listDeletedVersions(IMAGE)) ?? []).map(({ name }) => name);

/** Made and deleted by Sigil; gives what Azure showed of it. */
async function deleted(given = body()) {
  await made(world, id, given);
  const before = await shownIn(world, id);
  const [deletion] = await ended(world, [await byHand.remove(world, id)]);
  expect(deletion).toMatchObject({ status: "Succeeded" });
  expect(await inAzure(world, id)).toBeUndefined();
  await world.takeEvents();
  world.simulator.control.clearRequests();
  return before;
}

const typesOf = async (): Promise<string[]> =>
  (await world.takeEvents())
    .filter(({ subject }) => subject === id)
    .map(({ type }) => type.replace("Sigil.ImageVersion.", ""));

test("gives the version back as it was, with its regions and keys, and says when each is usable", async () => {
  const before = await deleted();
  const accepted = await restore();
  expect(accepted).toMatchObject({
    kind: "RestoreImageVersion",
    status: "NotStarted",
    warnings: [{ code: "RestoredIntoLatest" }],
  });
  expect((await restore()).id).toBe(accepted.id);
  const [last] = await ended(world, [accepted]);
  expect(last).toMatchObject({
    status: "Succeeded",
    regions: [
      { name: "westus", state: "Completed" },
      { name: "eastus2", state: "Completed" },
    ],
  });
  expect(await shownIn(world, id)).toEqual(before);
  expect(restores()).toBe(1);
  expect(world.simulator.control.creates(id)).toBe(1);
  expect(await typesOf()).toEqual([
    "Accepted",
    "Restoring",
    "Restored",
    "RegionCompleted",
    "RegionCompleted",
    "Completed",
  ]);
  expect((await restore()).id).toBe(accepted.id);
});

test("what Sigil knew of the version it knows again: the body that made it changes nothing", async () => {
  await deleted();
  await ended(world, [await restore()]);
  expect(await seen(world, id)).toMatchObject({
    sigil: { managedBy: "Sigil" },
  });
  expect(await put(world, id, body())).toMatchObject({ kind: "unchanged" });
  expect(await putThrough(world, id, { ...body(), tags: { build: "2" } })).toMatchObject({
    kind: "UpdateImageVersion",
    status: "Succeeded",
  });
});

describe("of what others have restored already", () => {
  const theirs = async (): Promise<void> => {
    await outside(world, "PUT", id, {
      location: "westus",
      properties: { restore: true },
    });
    world.clock.advance(3_600_000);
  };

  test("is refused once a PUT has taken it over", async () => {
    await deleted();
    await theirs();
    await putThrough(world, id, body());
    expect(await refusal(restore())).toMatchObject({
      code: "ImageVersionConflict",
    });
  });
});

describe("is refused", () => {
  test("for a version that is there", async () => {
    await made(world, id, body());
    expect(await refusal(restore())).toMatchObject({
      code: "ImageVersionConflict",
      message: expect.stringContaining("is not deleted") as string,
    });
  });

  test("for one that was never there", async () => {
    expect(await refusal(restore())).toMatchObject({ code: "NotFound" });
  });

  test("for one that is gone for good", async () => {
    await deleted();
    world.clock.advance(8 * 86_400_000);
    expect(await refusal(restore())).toMatchObject({
      code: "ImageVersionGone",
      message: expect.stringContaining("the time is over") as string,
    });
  });

  test("while the version is being deleted", async () => {
    await made(world, id, body());
    const deletion = await byHand.remove(world, id);
    expect(await refusal(restore())).toMatchObject({
      code: "ImageVersionConflict",
      fields: { existingOperationId: deletion.id },
    });
    await ended(world, [deletion]);
  });
});

test("until Azure has the version, every other request for it is refused with the operation", async () => {
  await deleted();
  const accepted = await restore();
  const refused = {
    code: "ImageVersionConflict",
    message: expect.stringContaining("being restored") as string,
    fields: { existingOperationId: accepted.id },
  };
  for (const ask of [
    () => put(world, id, plain()),
    () => put(world, id, plain(), { ifNoneMatch: "*" }),
    () => byHand.remove(world, id),
    () => byHand.demote(world, id),
  ])
    expect(await refusal(ask())).toMatchObject(refused);
  expect(await ended(world, [accepted])).toMatchObject([{ status: "Succeeded" }]);
});

describe("whoever else is at work", () => {
  test("restored by others meanwhile, it is followed and nothing is sent", async () => {
    await deleted();
    const accepted = await restore();
    await outside(world, "PUT", id, {
      location: "westus",
      properties: { restore: true },
    });
    world.simulator.control.clearRequests();
    expect(await ended(world, [accepted])).toMatchObject([{ status: "Succeeded" }]);
    expect(restores()).toBe(0);
    expect(await typesOf()).not.toContain("Restoring");
  });

  test("deleted for good meanwhile, it ends NotRestorable", async () => {
    await deleted();
    const accepted = await restore();
    await outside(world, "DELETE", `${id}?bypassSoftDelete=true`);
    world.simulator.control.clearRequests();
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Failed", error: { code: "NotRestorable" } },
    ]);
    expect(restores()).toBe(0);
    // The number is free for whoever says so.
    expect(operationIn(await put(world, id, body(), { ifNoneMatch: "*" }))).toMatchObject({
      kind: "CreateImageVersion",
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  });
});

describe("whatever ARM answers", () => {
  test("a request whose answer was lost is not sent again", async () => {
    await deleted();
    world.simulator.control.addFault({
      method: "PUT",
      path: path(),
      action: "reset-after-processing",
    });
    expect(await ended(world, [await restore()])).toMatchObject([{ status: "Succeeded" }]);
    expect(restores()).toBe(1);
  });

  test.each([429, 409, 500, 503])(
    "%i is waited for, and the request sent again",
    async (status) => {
      await deleted();
      world.simulator.control.addFault({
        method: "PUT",
        path: path(),
        action: "respond",
        status,
      });
      expect(await ended(world, [await restore()])).toMatchObject([{ status: "Succeeded" }]);
    },
  );

  test("a refusal ends it by its name", async () => {
    await deleted();
    await world.simulator.control.setPolicy({ deny: "no-restores" });
    expect(await ended(world, [await restore()])).toMatchObject([
      {
        status: "Failed",
        error: { code: "ResourceManagerRefused" },
      },
    ]);
    expect(await deletedNames()).toContain(id.split("/").at(-1));
  });
});
