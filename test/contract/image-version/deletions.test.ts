import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/delete-image-version.js";
import { viewImageVersion } from "../../../src/image-version/views.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());

let versions = 0;
let id: string;
beforeEach(async () => {
  versions += 1;
  id = seedVersionId(`5.0.${versions}`);
  await world.takeEvents();
});

async function made(body = managedImageRequest()): Promise<OperationRecord> {
  await request(world.deps, id, body);
  const operation = await world.finish(id);
  expect(operation).toMatchObject({ status: "Succeeded" });
  await world.takeEvents();
  return operation;
}

const remove = (): Promise<OperationRecord> =>
  deleteImageVersion(world.deps, {
    id: idOf(id),
    requestedBy: { appId: "operator" },
    traceparent: TRACEPARENT,
  });

const path = (): string => `versions/${id.split("/").at(-1)}\\?`;

test("a version is Deleted once ARM shows it gone three times in a row, and is kept as history", async () => {
  await made();
  await remove();
  // One answer of a replica that is ahead, and then the version again.
  await world.runDue();
  world.simulator.control.addFault({ path: path(), action: "hide" });
  const operation = await world.finish(id);
  expect(operation).toMatchObject({
    kind: "DeleteImageVersion",
    status: "Succeeded",
  });
  expect(
    await world.deps.resourceManager.getImageVersion(idOf(id)),
  ).toBeUndefined();
  expect(
    (await world.takeEvents())
      .filter(({ subject }) => subject === id)
      .map(({ type }) => type.replace("Sigil.ImageVersion.", "")),
  ).toEqual(["Accepted", "Deleting", "Deleted"]);
  const { record } = await world.read(id);
  const view = viewImageVersion({ record, latest: false }, world.deps.now());
  expect(view.properties.provisioningState).toBe("Deleted");
  expect((await remove()).id).toBe(operation.id);
});

test("a version that was deleted can be made again", async () => {
  await made();
  await remove();
  await world.finish(id);
  const again = await made();
  expect(again).toMatchObject({ kind: "CreateImageVersion" });
  expect(world.simulator.control.creates(id)).toBe(2);
});

test("one DELETE is sent, though the answer is lost and the message comes twice", async () => {
  await made();
  world.simulator.control.clearRequests();
  world.simulator.control.addFault({
    method: "DELETE",
    path: path(),
    action: "reset-after-processing",
  });
  await remove();
  for (const message of await world.takeDue())
    await Promise.all([world.handle(message), world.handle(message)]);
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  expect(world.simulator.control.countRequests({ method: "DELETE" })).toBe(1);
});

test("what blocks it is told by its name, and the version stays as it is", async () => {
  const body = managedImageRequest();
  body.properties.safetyProfile = { blockDeletionBeforeEndOfLife: true };
  body.properties.publishingProfile = {
    ...body.properties.publishingProfile,
    endOfLifeDate: "2090-01-01",
  };
  await made(body);
  await remove();
  expect(await world.finish(id)).toMatchObject({
    status: "Failed",
    error: {
      code: "ResourceManagerRefused",
      errors: [
        {
          code: "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
          message: expect.stringContaining("2090") as string,
        },
      ],
    },
  });
  const shown = await world.deps.resourceManager.getImageVersion(idOf(id));
  expect(shown?.provisioningState).toBe("Succeeded");
});

test("is refused for a version that Sigil does not know, or that is being worked on", async () => {
  await expect(remove()).rejects.toMatchObject({ code: "NotFound" });
  const { id: running } = await request(world.deps, id, managedImageRequest());
  await expect(remove()).rejects.toMatchObject({
    code: "ImageVersionConflict",
    fields: { existingOperationId: running },
  });
  await world.finish(id);
});
