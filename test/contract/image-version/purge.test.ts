/** A soft-deleted version is deleted for good: "Hard Delete permanently deletes the image" (Microsoft, on soft delete). */
import { beforeEach, describe, expect, test } from "vitest";
import { purgeDeletedVersion } from "../../../src/image-version/commands/purge.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { deletionNow } from "../../../src/image-version/queries/deleted-versions.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { revokeImageVersion } from "../../../src/revocation/revoke.js";
import { idOf, revocationOf, type InProcess } from "../../support/dependencies.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest } from "../../support/requests.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import { BY, byHand, ended, made, outside, put, putThrough } from "./truth/support.js";
import { softDeleteIn } from "../../../src/image-version/state/deletion.js";

const ADMIN = { name: "ada@contoso.com" };

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});
beforeEach(() => enableSoftDelete(world));

const body = managedImageRequest;
const purge = (deps = world.deps) => purgeDeletedVersion(deps, idOf(id), ADMIN);
const restore = () => restoreImageVersion(world.deps, { id: idOf(id), ...BY });

const isListed = async (): Promise<boolean> =>
  (
    (await world.deps.resourceManager.listDeletedVersions(id.replace(/\/versions\/.*$/u, ""))) ?? []
  ).some(({ name }) => name === idOf(id).versionName);

/** Made and deleted by Sigil. */
async function deleted(): Promise<void> {
  await made(world, id, body());
  await ended(world, [await byHand.remove(world, id)]);
  await world.takeEvents();
  world.simulator.control.clearRequests();
}

test("costs two requests of Azure, tells nobody, and its number is free", async () => {
  await deleted();
  const before = await world.read(id);
  expect(await purge()).toMatchObject({
    id,
    name: idOf(id).versionName,
    hardDeletionTargetTime: expect.any(String) as string,
  });
  expect(world.simulator.control.requests().map(({ method }) => method)).toEqual(["GET", "DELETE"]);
  expect(await isListed()).toBe(false);
  expect(await world.read(id)).toEqual(before);
  expect(await world.takeEvents()).toEqual([]);
  expect(await putThrough(world, id, body(), { ifNoneMatch: "*" })).toMatchObject({
    status: "Succeeded",
  });
});

describe("is refused", () => {
  test("where Azure lists no such version: never deleted, or purged before", async () => {
    await made(world, id, body());
    expect(await refusal(purge())).toMatchObject({ code: "NotFound" });
    await ended(world, [await byHand.remove(world, id)]);
    await purge();
    expect(await refusal(purge())).toMatchObject({
      code: "NotFound",
      message: naming(id),
    });
  });

  test("while a restore runs, with its operation", async () => {
    await deleted();
    const { id: existingOperationId } = await restore();
    expect(await refusal(purge())).toMatchObject({
      code: "ImageVersionConflict",
      fields: { existingOperationId },
    });
    expect(await isListed()).toBe(true);
  });

  test("for a protected version, until the protection is taken off after a restore", async () => {
    await putThrough(world, id, { ...body(), sigil: { protected: true } });
    world.clock.advance(3_600_000);
    await outside(world, "DELETE", id);
    expect(await refusal(purge())).toMatchObject({
      code: "ImageVersionProtected",
      message: naming("POST …/restore"),
    });
    expect(await isListed()).toBe(true);
  });

  test("for a revoked version, which is evidence", async () => {
    await made(world, id, body());
    const revocation = await revokeImageVersion(
      { ...revocationOf(world.deps) },
      { id: idOf(id), ...BY, reason: "CVE-2026-1" },
    );
    await ended(world, [revocation]);
    await ended(world, [await byHand.remove(world, id)]);
    expect(await refusal(purge())).toMatchObject({
      code: "ImageVersionRevoked",
      message: naming(["CVE-2026-1"]),
    });
    expect(await isListed()).toBe(true);
  });

  test("with what Azure answers", async () => {
    await deleted();
    world.simulator.control.addFault({
      method: "DELETE",
      path: "softDeletedArtifactTypes",
      action: "respond",
      status: 403,
    });
    expect(await refusal(purge())).toMatchObject({
      code: "ResourceManagerForbidden",
    });
    expect(await isListed()).toBe(true);
    await purge();
  });
});

describe("a restore that was accepted between the question and the DELETE", () => {
  /** Does this right before Azure is asked to delete for good. */
  const before = (meanwhile: () => Promise<unknown>): Dependencies => ({
    ...world.deps,
    resourceManager: {
      ...world.deps.resourceManager,
      purgeImageVersion: async (asked) => {
        await meanwhile();
        return world.deps.resourceManager.purgeImageVersion(asked);
      },
    },
  });

  test("ends NotRestorable, and says who has deleted the version for good", async () => {
    await deleted();
    let accepted = { id: "" };
    await purge(before(async () => (accepted = await restore())));
    expect(await ended(world, [accepted])).toMatchObject([
      {
        status: "Failed",
        error: { code: "NotRestorable", message: naming(ADMIN.name) },
      },
    ]);
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
  });

  test("succeeds where Azure has carried it out before", async () => {
    await deleted();
    let accepted = { id: "" };
    const refused = await refusal(
      purge(
        before(async () => {
          accepted = await restore();
          await world.runDue();
        }),
      ),
    );
    expect(refused).toMatchObject({ code: "NotFound" });
    expect(await ended(world, [accepted])).toMatchObject([{ status: "Succeeded" }]);
  });
});

describe("GET of the deletion says what Azure lists now", () => {
  const shownNow = async () => {
    // Longer than a look is kept.
    world.clock.advance(31_000);
    const { operation } = await world.read(id);
    return softDeleteIn(await deletionNow(world.deps, operation));
  };
  const final = { isSoftDeleteEnabled: false };

  test("after its time, it cannot be restored", async () => {
    await deleted();
    const { operation } = await world.read(id);
    expect(softDeleteIn(operation)?.hardDeletionTargetTime).toBeDefined();
    expect(await shownNow()).toEqual(softDeleteIn(operation));
    world.clock.advance(8 * 86_400_000);
    expect(await shownNow()).toEqual(final);
  });

  test("purged, it cannot be restored; what cannot be read stays as it was", async () => {
    await deleted();
    await purge();
    world.simulator.control.addFault({
      method: "GET",
      path: "softDeletedArtifactTypes",
      action: "respond",
      status: 403,
    });
    expect(await shownNow()).toMatchObject({ isSoftDeleteEnabled: true });
    expect(await shownNow()).toEqual(final);
  });

  test("of a deletion that was final nothing is asked", async () => {
    await made(world, id, body());
    await ended(world, [
      await deleteImageVersion(world.deps, {
        id: idOf(id),
        ...BY,
        bypassSoftDelete: true,
      }),
    ]);
    world.simulator.control.clearRequests();
    expect(await shownNow()).toEqual(final);
    expect(world.simulator.control.requests()).toEqual([]);
  });
});

test("the refusal of a DELETE with bypassSoftDelete names it", async () => {
  await deleted();
  expect(
    await refusal(
      deleteImageVersion(world.deps, {
        id: idOf(id),
        ...BY,
        bypassSoftDelete: true,
      }),
    ),
  ).toMatchObject({
    message: naming(`DELETE …/deleted-versions/${idOf(id).versionName}`),
  });
  await purge();
  expect(await refusal(put(world, id, body()))).toMatchObject({
    code: "ImageVersionGone",
  });
});
