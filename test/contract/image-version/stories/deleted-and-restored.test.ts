/** A version that is deleted, and one that is given back. */
import { expect, test } from "vitest";
import { restoreImageVersion } from "../../../../src/image-version/commands/restore.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { putUser } from "../../../support/image-users.js";
import { disableSoftDelete, enableSoftDelete } from "../../../support/soft-delete.js";
import { DELAY_MS, inGuardedWorld } from "../use-guard/support.js";
import {
  BY,
  byHand,
  ended,
  inAzure,
  made,
  plain,
  put,
  regionNames,
  seen,
  shownIn,
} from "../truth/support.js";

let world: InProcess;
let id: string;
const { remove, publish, shown, deletes, drive } = inGuardedWorld((given, versionId) => {
  world = given;
  id = versionId;
});

test("J: somebody comes to use the version while its deletion waits: it stays, and is in latest as before", async () => {
  await publish();
  const deletion = await remove();
  await drive(5);
  expect(await shown()).toBe("excluded");
  await putUser(world, "virtualMachineScaleSets", "web", id);
  await drive(DELAY_MS / 60_000 + 10);

  expect(await ended(world, [deletion])).toMatchObject([
    { status: "Failed", error: { code: "ImageVersionInUse" } },
  ]);
  expect(deletes()).toBe(0);
  expect(await shown()).toBe("included");
});

test("P: a version that Sigil has deleted is restored as it was, and is Sigil's again", async () => {
  await enableSoftDelete(world);
  await made(world, id, plain(undefined, { tags: { a: "1" } }));
  const before = await shownIn(world, id);
  await ended(world, [await byHand.remove(world, id)]);
  expect(await inAzure(world, id)).toBeUndefined();

  const restore = await restoreImageVersion(world.deps, {
    id: idOf(id),
    ...BY,
  });
  expect(await ended(world, [restore])).toMatchObject([{ status: "Succeeded" }]);

  const after = await shownIn(world, id);
  expect(after.tags).toEqual({ a: "1" });
  expect(regionNames(after)).toEqual(regionNames(before));
  expect((await seen(world, id)).sigil.managedBy).toBe("Sigil");
  await disableSoftDelete(world);
  expect(await put(world, id, plain(undefined, { tags: { a: "1" } }))).toMatchObject({
    kind: "unchanged",
  });
});
