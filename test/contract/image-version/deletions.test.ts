import { expect, test } from "vitest";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { idOf, request, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest } from "../../support/requests.js";
import { naming } from "../../support/naming.js";

const OPERATOR = { appId: "operator" };

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
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
    requestedBy: OPERATOR,
    traceparent: TRACEPARENT,
    allowNoLatest: true,
  });

const tagged = (build: string): ReturnType<typeof managedImageRequest> => ({
  ...managedImageRequest(),
  tags: { build },
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
  expect(await world.deps.resourceManager.getImageVersion(idOf(id))).toBeUndefined();
  expect(
    (await world.takeEvents())
      .filter(({ subject }) => subject === id)
      .map(({ type }) => type.replace("Sigil.ImageVersion.", "")),
  ).toEqual(["Accepted", "Deleting", "Deleted"]);
  // The version is gone from GET; its operations stay.
  await expect(getImageVersion(world.deps, idOf(id))).rejects.toMatchObject({
    code: "NotFound",
  });
  expect((await world.deps.store.readOperation(operation.id))?.operation).toMatchObject({
    kind: "DeleteImageVersion",
    history: [{ state: "DeletionRequested" }, { state: "Deleting" }, { state: "Deleted" }],
  });
  expect((await remove()).id).toBe(operation.id);
});

test("a version that was deleted is made again only by a PUT that says so", async () => {
  await made();
  await remove();
  await world.finish(id);
  expect(await refusal(request(world.deps, id, managedImageRequest()))).toMatchObject({
    code: "ImageVersionGone",
    message: expect.stringContaining(
      "create it again: send its PUT with the header If-None-Match: *",
    ) as string,
  });
  await request(world.deps, id, managedImageRequest(), { ifNoneMatch: "*" });
  expect(await world.finish(id)).toMatchObject({
    kind: "CreateImageVersion",
    status: "Succeeded",
  });
  expect(world.simulator.control.creates(id)).toBe(2);
});

test("a DELETE whose answer was lost, and that Azure has carried out, is not sent again, though the message comes twice", async () => {
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

test("a deletion that is canceled, and that Azure carries out, is told Deleted once, though two hosts have each message", async () => {
  await made();
  const deletion = await remove();
  await world.runDue();
  const canceled = await cancelOperation(world.deps, deletion.id, OPERATOR);
  expect(canceled).toMatchObject({ status: "Running", canceledBy: OPERATOR });
  const other = world.instance();
  for (let i = 0; i < 100; i += 1) {
    for (const message of await world.takeDue())
      await Promise.all([world.handle(message), world.handle(message, other)]);
    world.clock.advance(15_000);
  }
  expect((await world.deps.store.readOperation(deletion.id))?.operation).toMatchObject({
    status: "Succeeded",
  });
  const ends = (await world.takeEvents()).filter(
    ({ subject, type }) => subject === id && !/Accepted|Deleting/u.test(type),
  );
  expect(new Set(ends.map(({ id: eventId, type }) => `${type} ${eventId}`))).toEqual(
    new Set([`Sigil.ImageVersion.Deleted ${deletion.id}/deleted`]),
  );
});

test("canceled before it is sent, it leaves the version to what was asked beside it", async () => {
  const body = managedImageRequest();
  body.properties.publishingProfile = {
    ...body.properties.publishingProfile,
    excludeFromLatest: true,
  };
  await made(body);
  const deletion = await remove();
  // It is out of latest already: the demotion has nothing to send.
  await demoteImageVersion(world.deps, {
    id: idOf(id),
    requestedBy: OPERATOR,
    traceparent: TRACEPARENT,
  });
  await cancelOperation(world.deps, deletion.id, OPERATOR);
  expect(await world.finish(id)).toMatchObject({
    kind: "DemoteImageVersion",
    status: "Succeeded",
  });
});

test("is refused where the version blocks it, before anything that is being done ends for it", async () => {
  const body = managedImageRequest();
  body.properties.safetyProfile = { blockDeletionBeforeEndOfLife: true };
  body.properties.publishingProfile = {
    ...body.properties.publishingProfile,
    endOfLifeDate: "2090-01-01",
  };
  await made(body);
  expect(await refusal(remove())).toMatchObject({
    code: "ImageVersionConflict",
    findings: [
      {
        code: "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
        pointer: "/properties/safetyProfile/blockDeletionBeforeEndOfLife",
        message: expect.stringContaining("2090") as string,
      },
    ],
  });
  const shown = await world.deps.resourceManager.getImageVersion(idOf(id));
  expect(shown?.provisioningState).toBe("Succeeded");
  body.properties.safetyProfile = { blockDeletionBeforeEndOfLife: false };
  await made(body);
  expect(await remove()).toMatchObject({ kind: "DeleteImageVersion" });
});

test("while Azure cannot be asked, what is being made is deleted, and what has ended is not", async () => {
  await request(world.deps, id, managedImageRequest());
  const unanswered = () =>
    world.simulator.control.addFault({
      method: "GET",
      path: path(),
      status: 429,
      headers: { "Retry-After": "17" },
      times: 3,
    });
  unanswered();
  const deletion = await remove();
  world.simulator.control.clearFaults();
  expect(await world.finish(id)).toMatchObject({
    id: deletion.id,
    status: "Succeeded",
  });
  unanswered();
  expect(await refusal(remove())).toMatchObject({
    code: "ResourceManagerThrottled",
  });
});

test("is refused for a version that neither Azure has nor anybody asked for", async () => {
  expect(await refusal(remove())).toMatchObject({ code: "NotFound" });
});

test("a version that others made is deleted, too", async () => {
  await world.deps.resourceManager.putImageVersion(idOf(id), managedImageRequest());
  world.clock.advance(600_000);
  await remove();
  expect(await world.finish(id)).toMatchObject({
    kind: "DeleteImageVersion",
    status: "Succeeded",
  });
  expect(await world.deps.resourceManager.getImageVersion(idOf(id))).toBeUndefined();
});

test("while others run it begins once Azure is idle, and ends those that are not done by then", async () => {
  await made();
  const update = await request(world.deps, id, tagged("1"));
  await world.runDue();
  const other = await request(world.deps, id, {
    ...tagged("1"),
    tags: { build: "1", other: "2" },
  });
  const deletion = await remove();
  expect((await remove()).id).toBe(deletion.id);
  // What would come after the deletion is refused.
  expect(await refusal(request(world.deps, id, tagged("3")))).toMatchObject({
    code: "ImageVersionConflict",
    message: expect.stringContaining(`being deleted by operation ${deletion.id}`) as string,
    fields: { existingOperationId: deletion.id },
  });
  await world.finish(id);
  const ends = await Promise.all(
    [update, other, deletion].map(
      async ({ id: operationId }) => (await world.deps.store.readOperation(operationId))?.operation,
    ),
  );
  expect(ends).toMatchObject([
    { status: "Succeeded" },
    { status: "Failed", error: { code: "Superseded" } },
    { status: "Succeeded" },
  ]);
  expect(await world.deps.resourceManager.getImageVersion(idOf(id))).toBeUndefined();
});

test("a creation whose regions replicate ends Superseded when its version is deleted", async () => {
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
  });
  await world.simulator.control.setSucceededWhen("homeRegion");
  const creation = await request(world.deps, id, managedImageRequest());
  await world.runDue();
  const deletion = await remove();
  await world.finish(id);
  await world.simulator.control.setSucceededWhen("everyRegion");
  expect((await world.deps.store.readOperation(creation.id))?.operation).toMatchObject({
    status: "Failed",
    error: {
      code: "Superseded",
      message: naming([deletion.id]),
    },
  });
  expect((await world.deps.store.readOperation(deletion.id))?.operation).toMatchObject({
    status: "Succeeded",
  });
});

test("a version that is being deleted is shown as each step sees it", async () => {
  await made();
  await world.simulator.control.setReplicationSpeed(0);
  await remove();
  await world.runDue();
  world.clock.advance(15_000);
  const begunMs = world.clock.now();
  await world.runDue();
  const { look } = await getImageVersion(world.deps, idOf(id));
  expect(look).toMatchObject({ provisioningState: "Deleting" });
  expect(Date.parse(look?.time ?? "")).toBeGreaterThanOrEqual(begunMs);
  await world.simulator.control.setReplicationSpeed(1);
  await world.finish(id);
});
