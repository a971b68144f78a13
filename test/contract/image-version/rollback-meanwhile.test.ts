/** What happens while a rollback is under way. */
import { describe, expect, test } from "vitest";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import type { RollbackStateRecord } from "../../../src/image-version/rollback-record.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { BY, EASTUS2, HELD_BACK, inOwnWorld, WESTUS } from "./rollbacks.js";
import { naming } from "../../support/naming.js";
import { rollbackOf } from "../../../src/image-version/rollback/kind.js";

let world: InProcess;
let image: string;
const { versionId, inAzure, shown, puts, rollBack, written, told, operationOf } = inOwnWorld(
  (given, definition) => {
    world = given;
    image = definition;
  },
);

describe("in the midst of it", () => {
  test("a version that is deleted needs no demotion", async () => {
    await inAzure({ "1.0.0": HELD_BACK, "1.0.1": {}, "1.0.2": {} });
    await rollBack("1.0.0");
    await world.simulator.control.removeResource(versionId("1.0.1"));
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toEqual(["1.0.0 latest", "1.0.2 held back"]);
  });

  test("a version whose deletion was asked for is demoted, or gone", async () => {
    await inAzure({ "1.0.0": HELD_BACK, "1.0.1": {}, "1.0.2": {} });
    await rollBack("1.0.0");
    await deleteImageVersion(world.deps, {
      id: idOf(versionId("1.0.1")),
      ...BY,
    });
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
    await world.finish(versionId("1.0.1"));
    expect(await shown()).toEqual(["1.0.0 latest", "1.0.2 held back"]);
  });

  test("a version that is deleted while its demotion is under way needs none", async () => {
    await inAzure({ "1.0.0": HELD_BACK, "1.0.1": {}, "1.0.2": {} });
    await rollBack("1.0.0");
    let isDeleted = false;
    const operation = await world.finishWith(image, async ({ record }) => {
      const { steps } = record as unknown as RollbackStateRecord;
      if (isDeleted || steps[0]?.versionName !== "1.0.1") return;
      isDeleted = true;
      await deleteImageVersion(world.deps, {
        id: idOf(versionId("1.0.1")),
        ...BY,
      });
    });
    expect(isDeleted).toBe(true);
    expect(operation).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toEqual(["1.0.0 latest", "1.0.2 held back"]);
  });

  test("a change of a version that is canceled once it was sent stops it, and it says that this may have been done", async () => {
    await inAzure({ "1.0.0": HELD_BACK, "1.0.1": {} });
    await rollBack("1.0.0");
    let isCanceled = false;
    const operation = await world.finishWith(image, async ({ record }) => {
      const { child } = record as unknown as { readonly child?: string };
      const promotion =
        child === undefined ? undefined : (await world.deps.store.readOperation(child))?.operation;
      if (isCanceled || promotion?.status !== "Running") return;
      isCanceled = true;
      await cancelOperation(world.deps, promotion.id, BY.requestedBy);
    });
    expect(isCanceled).toBe(true);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        message: expect.any(String) as string,
      },
    });
  });

  test("a target that is deleted stops it before the latest is demoted", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {}, "1.0.2": {} });
    const operation = await rollBack("1.0.0");
    await world.simulator.control.removeResource(versionId("1.0.0"));
    expect(await world.finish(image)).toMatchObject({
      status: "Failed",
      error: {
        code: "ImageVersionGone",
        message: naming(["1.0.0", "1.0.2", "westus"]),
      },
    });
    expect(await told(operation)).toEqual(["accepted", "failed"]);
    expect(await shown()).toEqual(["1.0.1 promoted", "1.0.2 latest"]);
  });

  test("a target that somebody holds back stops it", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {}, "1.0.2": {} });
    await rollBack("1.0.0");
    await inAzure({ "1.0.0": HELD_BACK });
    expect(await world.finish(image)).toMatchObject({
      status: "Failed",
      error: { code: "RollbackRefused" },
    });
    expect(await shown()).toEqual(["1.0.0 held back", "1.0.1 promoted", "1.0.2 latest"]);
  });

  test("a demotion that Azure refuses stops it with Azure's words, and asked again it goes on", async () => {
    await inAzure({ "1.0.0": HELD_BACK, "1.0.1": {}, "1.0.2": {} });
    const first = await rollBack("1.0.0");
    world.simulator.control.addFault({
      method: "PUT",
      path: "/versions/1.0.1",
      status: 409,
      body: { error: { code: "ScopeLocked", message: "It is locked." } },
    });
    expect(await world.finish(image)).toMatchObject({
      status: "Failed",
      error: {
        message: expect.stringMatching(
          /^The rollback has stopped: 1\.0\.1 was not demoted \(operation .*, Failed\)\..*It is locked\./u,
        ) as string,
      },
    });
    expect(await shown()).toEqual(["1.0.0 promoted", "1.0.1 promoted", "1.0.2 latest"]);
    const second = await rollBack("1.0.0");
    expect(second.id).not.toBe(first.id);
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toEqual(["1.0.0 latest", "1.0.1 held back", "1.0.2 held back"]);
  });
});

describe("a target that cannot become the latest any more", () => {
  const BOTH = { targetRegions: [WESTUS, EASTUS2] };
  const region = () => ({ versionId: versionId("1.0.0"), region: "eastus2" });
  const failRegion = () => world.simulator.control.setRegionState({ ...region(), state: "Failed" });
  const NOT_READY = /1\.0\.0.*eastus2/u;

  test.each([
    ["has lost a region", () => world.simulator.control.dropRegion(region()), NOT_READY],
    ["has a region that failed", failRegion, NOT_READY],
    [
      "is excluded in a region",
      () =>
        inAzure({
          "1.0.0": {
            targetRegions: [WESTUS, { ...EASTUS2, excludeFromLatest: true }],
          },
        }),
      NOT_READY,
    ],
    [
      "is being deleted",
      () => world.deps.resourceManager.deleteImageVersion(idOf(versionId("1.0.0"))),
      /1\.0\.0 is being deleted\.|Azure no longer has 1\.0\.0\./u,
    ],
  ])("because it %s, stops it before anything is changed", async (_, lose, why) => {
    await inAzure({ "1.0.0": BOTH, "1.0.1": BOTH });
    const operation = await rollBack();
    await lose();
    world.simulator.control.clearRequests();
    const ended = await world.finish(image);
    expect(ended).toMatchObject({
      status: "Failed",
      error: {
        message: expect.stringMatching(why) as string,
      },
      detail: {
        from: "1.0.1",
        to: "1.0.0",
        regions: [
          { name: "eastus2", from: "1.0.1", to: "1.0.1" },
          { name: "westus", from: "1.0.1", to: "1.0.1" },
        ],
      },
    });
    expect(ended.error?.message).toEqual(naming(["1.0.1", "eastus2", "westus"]));
    expect(puts()).toBe(0);
    expect((await shown()).at(-1)).toBe("1.0.1 latest");
    expect(await told(operation)).toEqual(["accepted", "failed"]);
  });

  test("stops it after its promotion, before the latest is demoted", async () => {
    await inAzure({ "1.0.0": { ...BOTH, ...HELD_BACK }, "1.0.1": BOTH });
    await rollBack("1.0.0");
    await world.runDue();
    await failRegion();
    expect(await world.finish(image)).toMatchObject({
      status: "Failed",
      error: {
        code: "RollbackRefused",
        message: naming(["1.0.0", "1.0.1", "eastus2", "westus"]),
      },
    });
    expect(written()).toEqual(["1.0.0"]);
    expect(await shown()).toEqual(["1.0.0 promoted", "1.0.1 latest"]);
  });

  test("because it is demoted while the latest is, fails and says that nothing is the latest", async () => {
    await inAzure({ "1.0.0": BOTH, "1.0.1": BOTH });
    const operation = await rollBack();
    await world.runDue();
    await demoteImageVersion(world.deps, {
      id: idOf(versionId("1.0.0")),
      ...BY,
    });
    expect(await world.finish(image)).toMatchObject({
      status: "Failed",
      error: {
        message: naming(["1.0.0", "eastus2", "westus"]) as string,
      },
      detail: {
        regions: [
          { name: "eastus2", from: "1.0.1" },
          { name: "westus", from: "1.0.1" },
        ],
      },
    });
    expect(await told(operation)).toEqual(["accepted", "failed"]);
    expect(await shown()).toEqual(["1.0.0 held back", "1.0.1 held back"]);
  });
});

test("waits where it may not look at Azure, says so, and goes on once it may", async () => {
  await inAzure({ "1.0.0": {}, "1.0.1": {} });
  const operation = await rollBack();
  world.simulator.control.addFault({
    method: "GET",
    path: "/versions\\?",
    status: 403,
    body: { error: { code: "AuthorizationFailed", message: "No role." } },
  });
  await world.runDue();
  expect(await operationOf(operation)).toMatchObject({
    status: "NotStarted",
    waitReason: expect.stringContaining("Give it the role Reader") as string,
    nextAttemptTime: expect.any(String) as string,
  });
  expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
});

test("waits for a version that Azure does not let be changed, says so, and after an hour once by an event", async () => {
  await inAzure({ "1.0.0": {}, "1.0.1": {} });
  const operation = await rollBack();
  world.simulator.control.addFault({
    method: "PUT",
    path: "/versions/1.0.1",
    status: 409,
    times: null,
  });
  const endMs = world.clock.now() + 3 * 3_600_000;
  while (world.clock.now() < endMs) {
    await world.runDue();
    world.clock.advance(60_000);
  }
  const { record, operation: waiting } = await world.read(image);
  const { child } = record as unknown as { child: string };
  const reason = expect.stringContaining(`Operation ${child} waits: `) as string;
  expect(waiting).toMatchObject({
    status: "Running",
    waitReason: reason,
    nextAttemptTime: record.dueTime,
  });
  const ofRollback = async () =>
    (await world.takeEvents()).filter(({ subject }) => subject === image);
  expect(await ofRollback()).toMatchObject([
    { type: "Sigil.Image.RollbackAccepted" },
    {
      type: "Sigil.Image.RollbackStalled",
      data: { operationId: operation.id, state: "RollingBack", reason },
    },
  ]);
  world.simulator.control.clearFaults();
  expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
  expect(await ofRollback()).toMatchObject([
    { type: "Sigil.Image.RollbackResumed" },
    { type: "Sigil.Image.RollbackCompleted" },
  ]);
});

describe("what others do meanwhile is told, and not undone", () => {
  test("a newer version that they publish", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {} });
    await rollBack();
    await inAzure({ "1.0.2": {} });
    expect(await world.finish(image)).toMatchObject({
      status: "Failed",
      error: {
        code: "Superseded",
        message: naming(["1.0.0", "westus", "1.0.2"]),
      },
      detail: { regions: [{ name: "westus", from: "1.0.1", to: "1.0.2" }] },
    });
    expect(await shown()).toEqual(["1.0.0 promoted", "1.0.1 promoted", "1.0.2 latest"]);
  });

  test("a version between the two that they promote again", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {}, "1.0.2": {} });
    await rollBack("1.0.0");
    let promoted = false;
    const operation = await world.finishWith(image, async ({ record }) => {
      const { steps } = record as unknown as RollbackStateRecord;
      if (promoted || steps[0]?.versionName === "1.0.1") return;
      promoted = true;
      await world.simulator.control.editVersion({
        versionId: versionId("1.0.1"),
        properties: { publishingProfile: { excludeFromLatest: false } },
      });
    });
    expect(promoted).toBe(true);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "Superseded",
        message: naming(["1.0.1", "westus"]) as string,
      },
    });
    expect((await shown())[1]).toBe("1.0.1 latest");
  });

  test("a lower version that was to be the latest in another region is gone: it stops before that has none", async () => {
    await inAzure({
      "0.9.0": { targetRegions: [WESTUS, EASTUS2] },
      "1.0.0": {},
      "1.0.1": { targetRegions: [WESTUS, EASTUS2] },
      "1.0.2": {},
    });
    const operation = await rollBack("1.0.0");
    expect(rollbackOf(operation).regions).toEqual([
      { name: "eastus2", from: "1.0.1", to: "0.9.0" },
      { name: "westus", from: "1.0.2", to: "1.0.0" },
    ]);
    await world.simulator.control.removeResource(versionId("0.9.0"));
    expect(await world.finish(image)).toMatchObject({
      status: "Failed",
      error: { code: "RegionWouldLoseLatest" },
      detail: { regions: [{ to: "1.0.1" }, { to: "1.0.2" }] },
    });
  });
});
