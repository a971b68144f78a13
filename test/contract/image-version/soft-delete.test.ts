import { beforeEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { runDrift } from "../../../src/drift/run-drift.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { listDeletedImageVersions } from "../../../src/image-version/queries/deleted-versions.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { parseImageVersionId } from "../../../src/resource-id.js";
import { idOf, request, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedResource, seedVersionId } from "../../support/requests.js";
import { disableSoftDelete, enableSoftDelete } from "../../support/soft-delete.js";
import { BY, outside } from "./truth/support.js";
import { softDeleteIn } from "../../../src/image-version/state/deletion.js";
import { naming } from "../../support/naming.js";

const DAY_MS = 86_400_000;

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});
beforeEach(() => enableSoftDelete(world));

const remove = (more: object = {}): Promise<OperationRecord> =>
  deleteImageVersion(world.deps, { id: idOf(id), ...BY, ...more });

async function made(): Promise<void> {
  await request(world.deps, id, managedImageRequest());
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  await world.takeEvents();
}

describe("a deletion", () => {
  test("says that it can be undone and, once Azure says it, until when", async () => {
    await made();
    expect(await remove()).toMatchObject({
      detail: { isSoftDeleteEnabled: true },
    });
    const last = await world.finish(id);
    const { softDeletedTime = "" } = softDeleteIn(last) ?? {};
    const end = new Date(Date.parse(softDeletedTime) + 7 * DAY_MS).toISOString();
    expect(last).toMatchObject({
      status: "Succeeded",
      detail: {
        isSoftDeleteEnabled: true,
        consumptionEndTime: end,
        hardDeletionTargetTime: end,
      },
    });
    expect(last.warnings?.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["OneReplicaKept"]),
    );
    expect(last.warnings?.map(({ code }) => code)).not.toContain("DeletionIsFinal");
    expect(last.history.at(-1)?.message).toEqual(naming([end]));
    expect(await world.takeEvents()).toContainEqual(
      expect.objectContaining({
        type: "Sigil.ImageVersion.Deleted",
        data: { operationId: last.id, softDelete: softDeleteIn(last) },
      }),
    );
    expect(await listDeletedImageVersions(world.deps, idOf(id))).toContainEqual({
      id,
      name: idOf(id).versionName,
      location: "westus",
      softDeletedTime,
      consumptionEndTime: end,
      hardDeletionTargetTime: end,
    });
  });

  test("says that it is final where the gallery has no soft delete", async () => {
    await disableSoftDelete(world);
    await made();
    expect(await remove()).toMatchObject({
      detail: { isSoftDeleteEnabled: false },
      warnings: expect.arrayContaining([
        expect.objectContaining({
          code: "DeletionIsFinal",
          severity: "warning",
          message: expect.stringContaining("has no soft delete") as string,
        }),
      ]) as unknown,
    });
    const last = await world.finish(id);
    expect(softDeleteIn(last)).toEqual({ isSoftDeleteEnabled: false });
  });

  test("is not held up by a gallery or a list that cannot be read, and says what it does not know", async () => {
    await made();
    world.simulator.control.addFault({
      method: "GET",
      path: "/galleries/MyGallery\\?|softDeletedArtifactTypes",
      action: "respond",
      status: 403,
      times: null,
    });
    expect(await remove()).toMatchObject({
      detail: {},
      warnings: expect.arrayContaining([
        expect.objectContaining({
          code: "DeletionIsFinal",
          message: expect.stringContaining("could not be read") as string,
        }),
      ]) as unknown,
    });
    expect(await world.finish(id)).toMatchObject({
      status: "Succeeded",
      detail: {},
    });
  });

  test("with bypassSoftDelete is for good", async () => {
    await made();
    const deletion = await remove({ bypassSoftDelete: true });
    expect(deletion).toMatchObject({
      detail: { isSoftDeleteEnabled: false },
      warnings: expect.arrayContaining([
        expect.objectContaining({
          message: expect.stringContaining("soft delete") as string,
        }),
      ]) as unknown,
    });
    expect((await remove({ bypassSoftDelete: true })).id).toBe(deletion.id);
    expect((await remove()).id).toBe(deletion.id);
    await world.finish(id);
    expect(
      (await listDeletedImageVersions(world.deps, idOf(id))).map(({ id: one }) => one),
    ).not.toContain(id);
    expect((await remove({ bypassSoftDelete: true })).id).toBe(deletion.id);
  });

  test("that can be undone is not answered to whoever wants it for good", async () => {
    await made();
    const deletion = await remove();
    const refused = {
      code: "ImageVersionConflict",
      fields: { existingOperationId: deletion.id },
    };
    expect(await refusal(remove({ bypassSoftDelete: true }))).toMatchObject(refused);
    await world.finish(id);
    expect(await refusal(remove({ bypassSoftDelete: true }))).toMatchObject(refused);
  });
});

describe("what is deleted softly already", () => {
  const told = async (): Promise<void> => {
    for (let looks = 0; looks < 3; looks += 1) {
      world.clock.advance(720_000);
      await runDrift(world.deps);
      await world.runDue();
    }
  };
  const wordsOf = async (): Promise<readonly (string | undefined)[]> =>
    (await world.takeEvents()).map(({ type }) => type.split(".").at(-1));
  const refuses = async (code: string): Promise<void> => {
    await world.takeEvents();
    world.simulator.control.clearRequests();
    for (const more of [
      {},
      { ignoreUse: true },
      { bypassSoftDelete: true },
      { bypassSoftDelete: true, ignoreUse: true },
    ])
      expect(await refusal(remove(more))).toMatchObject({ code });
    await world.runDue();
    expect(world.simulator.control.countRequests({ method: "DELETE" })).toBe(0);
    expect(await wordsOf()).toEqual([]);
  };
  const restored = async (): Promise<void> => {
    await restoreImageVersion(world.deps, { id: idOf(id), ...BY });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  };

  test("by others is not deleted for good, nor once more, protected or not", async () => {
    await request(world.deps, id, {
      ...managedImageRequest(),
      sigil: { protected: true },
    });
    await world.finish(id);
    world.clock.advance(3_600_000);
    await outside(world, "DELETE", id);
    await told();
    expect(await wordsOf()).toContain("DeletedOutside");
    await refuses("ImageVersionSoftDeleted");
    await restored();
    expect(await refusal(remove())).toMatchObject({
      code: "ImageVersionProtected",
    });
  });

  test("and no look has found so is not deleted for good", async () => {
    await made();
    world.clock.advance(3_600_000);
    await outside(world, "DELETE", id);
    await refuses("ImageVersionSoftDeleted");
    await restored();
  });

  test("by Sigil, and whose restore was canceled, is not deleted for good", async () => {
    await made();
    await remove();
    await world.finish(id);
    const restore = await restoreImageVersion(world.deps, {
      id: idOf(id),
      ...BY,
    });
    await cancelOperation(world.deps, restore.id, BY.requestedBy);
    await world.runDue();
    await refuses("ImageVersionSoftDeleted");
    await restored();
  });

  test("and restored is shown by the step that restores it, not as a reader saw it before", async () => {
    await made();
    await remove();
    await world.finish(id);
    const { looks } = world.deps;
    await looks.version(idOf(id));
    expect(looks.has(idOf(id))).toBe(true);
    await restoreImageVersion(world.deps, { id: idOf(id), ...BY });
    expect(await looks.version(idOf(id))).toBeUndefined();
    await world.runDue();
    expect(await looks.version(idOf(id))).toBeDefined();
  });

  test("and whose time is over is gone", async () => {
    await made();
    world.clock.advance(3_600_000);
    await outside(world, "DELETE", id);
    await told();
    world.clock.advance(8 * DAY_MS);
    await refuses("NotFound");
  });
});

test("what Sigil has deleted and others have restored is not said to be deleted by a look that does not show it yet", async () => {
  await made();
  const deletion = await remove();
  await world.finish(id);
  world.clock.advance(3_600_000);
  expect((await remove()).id).toBe(deletion.id);
  await world.deps.resourceManager.restoreImageVersion(idOf(id), "westus");
  world.clock.advance(3_600_000);
  world.simulator.control.addFault({
    method: "GET",
    path: `${id}\\?`,
    action: "hide",
  });
  expect(await refusal(remove())).toMatchObject({ code: "StateConflict" });
  expect((await remove()).id).not.toBe(deletion.id);
});

describe("the number of a deleted version", () => {
  const taken = {
    code: "ImageVersionSoftDeleted",
  };

  test("is not free, and a PUT says so at once, with the next that is", async () => {
    await made();
    await remove();
    await world.finish(id);
    for (const more of [{}, { ifNoneMatch: "*" as const }])
      expect(await refusal(request(world.deps, id, managedImageRequest(), more))).toMatchObject({
        ...taken,
        fields: { nextFreeVersion: expect.any(String) as string },
      });
    world.clock.advance(8 * DAY_MS);
    await request(world.deps, id, managedImageRequest(), { ifNoneMatch: "*" });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  });

  test("that others have deleted is found by the plan, and before anything is created", async () => {
    await outside(world, "PUT", id, managedImageRequest());
    await outside(world, "DELETE", id);
    world.simulator.control.clearRequests();
    const { findings } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: managedImageRequest(),
    });
    expect(findings).toContainEqual(expect.objectContaining({ ...taken, severity: "error" }));
    await request(world.deps, id, managedImageRequest());
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { code: "PreflightFailed", errors: [taken] },
    });
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
  });

  test("that an operation is to make stops no request beside it", async () => {
    await request(world.deps, id, managedImageRequest());
    await outside(world, "PUT", id, managedImageRequest());
    await outside(world, "DELETE", id);
    const tagged = { ...managedImageRequest(), tags: { build: "2" } };
    expect(await request(world.deps, id, tagged)).toMatchObject({
      kind: "CreateImageVersion",
    });
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { errors: [taken] },
    });
  });

  test("is given to no new version", async () => {
    const highest = seedVersionId("90.0.0");
    await outside(world, "PUT", highest, managedImageRequest());
    await outside(world, "DELETE", highest);
    const operation = await createNextImageVersion(world.deps, {
      image: idOf(id),
      increment: "patch",
      body: managedImageRequest(),
      ...BY,
    });
    expect(parseImageVersionId(operation.resourceId)?.versionName).toBe("90.0.1");
    expect(await world.finish(operation.resourceId)).toMatchObject({
      status: "Succeeded",
    });
  });

  test("the list of a definition that is not there is not found", async () => {
    expect(
      await refusal(
        listDeletedImageVersions(
          world.deps,
          idOf(`${seedResource("galleries/MyGallery/images/None")}/versions/1.0.0`),
        ),
      ),
    ).toMatchObject({ code: "NotFound" });
  });
});
