import { beforeEach, describe, expect, test } from "vitest";
import { restoreImageVersion } from "../../../../src/image-version/commands/restore.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  managedImageRequest,
  seedResource,
} from "../../../support/requests.js";
import { enableSoftDelete } from "../../../support/soft-delete.js";
import { eventsOf, look } from "../drift/support.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  inAzure,
  made,
  operation,
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
inOneWorld({ replicationMs: 60_000 }, (given, versionId) => {
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
  ((await world.deps.resourceManager.listDeletedVersions(IMAGE)) ?? []).map(
    ({ name }) => name,
  );

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

test("a version whose end of life is past is restored, and a policy may delete it again, as is said", async () => {
  const given = body();
  given.properties.publishingProfile = {
    ...given.properties.publishingProfile,
    endOfLifeDate: "2026-01-02T00:00:00Z",
  };
  await deleted(given);
  world.clock.advance(48 * 60 * 60_000);
  expect((await restore()).warnings).toMatchObject([
    { code: "RestoredIntoLatest" },
    {
      code: "RestoredPastEndOfLife",
      message: expect.stringContaining("2026-01-02T00:00:00") as string,
      remediation: expect.stringContaining('"protected": true') as string,
    },
  ]);
});

test("a version that each region's own flag holds back is restored so", async () => {
  const held = ["westus", "eastus2"].map((name) => ({
    name,
    excludeFromLatest: true,
  }));
  await deleted(plain(held));
  expect((await restore()).warnings).toMatchObject([
    { code: "RestoredExcluded" },
  ]);
});

test("what Sigil knew of the version it knows again: the body that made it changes nothing", async () => {
  await deleted();
  await ended(world, [await restore()]);
  expect(await seen(world, id)).toMatchObject({
    sigil: { managedBy: "Sigil" },
  });
  expect(await put(world, id, body())).toMatchObject({ kind: "unchanged" });
  expect(
    await putThrough(world, id, { ...body(), tags: { build: "2" } }),
  ).toMatchObject({ kind: "UpdateImageVersion", status: "Succeeded" });
});

test("a version that was demoted, and whose rule would include it, stays excluded", async () => {
  await made(world, id, {
    ...body(),
    sigil: { promotion: { when: "allRegionsReady" } },
  });
  await ended(world, [await byHand.demote(world, id)]);
  await ended(world, [await byHand.remove(world, id)]);
  const accepted = await restore();
  expect(accepted.warnings).toMatchObject([{ code: "RestoredExcluded" }]);
  await ended(world, [accepted]);
  world.clock.advance(600_000);
  await world.runDue();
  expect(
    (await shownIn(world, id)).properties.publishingProfile.excludeFromLatest,
  ).toBe(true);
});

describe("proven first", () => {
  test("a set that is gone is named, and nothing is sent", async () => {
    await deleted();
    const set = seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1");
    const kept = world.simulator.control
      .resources()
      .find((one) => one.id.toLowerCase() === set.toLowerCase());
    if (kept === undefined) throw new Error(`there is no ${set}`);
    await world.simulator.control.removeResource(set);
    try {
      const [last] = await ended(world, [await restore()]);
      expect(last).toMatchObject({
        status: "Failed",
        error: {
          code: "PreflightFailed",
          message: expect.stringContaining("Nothing was restored") as string,
          errors: [{ code: "DiskEncryptionSetNotFound" }],
        },
      });
      expect(restores()).toBe(0);
      expect(await inAzure(world, id)).toBeUndefined();
    } finally {
      await world.simulator.control.putResource(kept);
    }
    // Mended, it is restored.
    expect(await ended(world, [await restore()])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });

  test("of a version that Sigil has never seen nothing is proven, and that is said", async () => {
    await outside(world, "PUT", id, body());
    await outside(world, "DELETE", id);
    const accepted = await restore();
    expect(accepted).toMatchObject({
      warnings: [{ code: "RestoreNotProven" }],
    });
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded", regions: [{}, {}] },
    ]);
    expect(await seen(world, id)).toMatchObject({
      sigil: { managedBy: "Others" },
    });
  });

  test("a version that others have deleted is proven by what Sigil saw of it last", async () => {
    await made(world, id, body());
    await outside(world, "DELETE", id);
    expect(await ended(world, [await restore()])).toMatchObject([
      { status: "Succeeded", warnings: [{ code: "RestoredIntoLatest" }] },
    ]);
    expect(await put(world, id, body())).toMatchObject({ kind: "unchanged" });
    // No look had found that.
    expect((await typesOf()).slice(0, 3)).toEqual([
      "DeletedOutside",
      "Accepted",
      "Restoring",
    ]);
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

  test("makes it Sigil's again, and sends nothing", async () => {
    await deleted();
    await theirs();
    expect(await seen(world, id)).toMatchObject({
      sigil: { managedBy: "Others" },
    });
    world.simulator.control.clearRequests();
    const accepted = await restore();
    expect(accepted.warnings).toBeUndefined();
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(restores()).toBe(0);
    expect(await seen(world, id)).toMatchObject({
      sigil: { managedBy: "Sigil" },
    });
    expect(await put(world, id, body())).toMatchObject({ kind: "unchanged" });
    // Repeated, it is the same; what nobody has deleted since is not restored.
    expect((await restore()).id).toBe(accepted.id);
  });

  test("and deleted again, it is Sigil's again, and nothing is said to be proven", async () => {
    await deleted();
    await theirs();
    await outside(world, "DELETE", id);
    world.clock.advance(3_600_000);
    const accepted = await restore();
    expect(accepted.warnings).toMatchObject([{ code: "RestoreNotProven" }]);
    await ended(world, [accepted]);
    expect(await seen(world, id)).toMatchObject({
      sigil: { managedBy: "Sigil" },
    });
    expect(await put(world, id, body())).toMatchObject({ kind: "unchanged" });
  });

  test("is refused once a PUT has taken it over", async () => {
    await deleted();
    await theirs();
    await putThrough(world, id, body());
    expect(await refusal(restore())).toMatchObject({
      code: "ImageVersionConflict",
    });
  });

  test("tells what they had changed before they deleted it", async () => {
    await made(world, id, { ...body(), tags: { a: "1" } });
    world.clock.advance(3_600_000);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: {},
      tags: { a: "9" },
    });
    await outside(world, "DELETE", id);
    await look(world);
    world.clock.advance(300_000);
    await look(world);
    expect(await typesOf()).toContain("DeletedOutside");
    await ended(world, [await restore()]);
    const events = await eventsOf(world, id);
    expect(
      events.filter(({ type }) => type === "Sigil.ImageVersion.ChangedOutside"),
    ).toMatchObject([
      {
        data: {
          changes: [{ pointer: "/tags/a", before: "1", after: "9" }],
        },
      },
    ]);
    await look(world);
    expect(await typesOf()).toEqual([]);
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
    () => put(world, id, body()),
    () => put(world, id, body(), { ifNoneMatch: "*" }),
    () => byHand.remove(world, id),
    () => byHand.demote(world, id),
    () => seen(world, id),
  ])
    expect(await refusal(ask())).toMatchObject(refused);
  expect(await ended(world, [accepted])).toMatchObject([
    { status: "Succeeded" },
  ]);
});

test("once Azure has it, a deletion goes before what is left to follow", async () => {
  await deleted();
  await world.simulator.control.setReplicationSpeed(0);
  const accepted = await restore();
  await world.runDue();
  world.clock.advance(15_000);
  await world.runDue();
  expect(await operation(world, accepted)).toMatchObject({ status: "Running" });
  await byHand.remove(world, id);
  await world.simulator.control.setReplicationSpeed(1);
  expect(await ended(world, [accepted])).toMatchObject([
    { status: "Failed", error: { code: "Superseded" } },
  ]);
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
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(restores()).toBe(0);
    expect(await typesOf()).not.toContain("Restoring");
  });

  test("deleted for good meanwhile, it ends ImageVersionGone", async () => {
    await deleted();
    const accepted = await restore();
    await outside(world, "DELETE", `${id}?bypassSoftDelete=true`);
    world.simulator.control.clearRequests();
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Failed", error: { code: "ImageVersionGone" } },
    ]);
    expect(restores()).toBe(0);
    // The number is free for whoever says so.
    expect(
      operationIn(await put(world, id, body(), { ifNoneMatch: "*" })),
    ).toMatchObject({ kind: "CreateImageVersion" });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  });

  test("made anew by others after it was deleted for good, it is theirs", async () => {
    await deleted();
    await outside(world, "DELETE", `${id}?bypassSoftDelete=true`);
    world.clock.advance(3_600_000);
    await outside(world, "PUT", id, body());
    await outside(world, "DELETE", id);
    const accepted = await restore();
    expect(accepted).toMatchObject({
      warnings: [{ code: "RestoreNotProven" }],
    });
    await ended(world, [accepted]);
    expect(await seen(world, id)).toMatchObject({
      sigil: { managedBy: "Others" },
    });
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
    expect(await ended(world, [await restore()])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(restores()).toBe(1);
  });

  test("a request that never arrived is sent again once the first cannot be under way", async () => {
    await deleted();
    world.simulator.control.addFault({
      method: "PUT",
      path: path(),
      action: "reset",
    });
    const times: number[] = [];
    const accepted = await restore();
    let count = 0;
    await ended(world, [accepted], () => {
      if (restores() > count) {
        count = restores();
        times.push(world.clock.now());
      }
      return Promise.resolve();
    });
    expect(await operation(world, accepted)).toMatchObject({
      status: "Succeeded",
    });
    expect(times).toHaveLength(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(
      world.deps.pace.putTimeoutMs * 2,
    );
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
      expect(await ended(world, [await restore()])).toMatchObject([
        { status: "Succeeded" },
      ]);
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

  test("looks and lists that are behind only take longer", async () => {
    await deleted();
    await world.simulator.control.setLag({ ms: 120_000 });
    expect(await ended(world, [await restore()])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(restores()).toBe(1);
  });

  test("a list that cannot be read ends nothing once the request was sent", async () => {
    await deleted();
    const accepted = await restore();
    await world.runDue();
    world.simulator.control.addFault({
      method: "GET",
      path: "softDeletedArtifactTypes",
      action: "respond",
      status: 500,
      times: 5,
    });
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });
});

describe("canceled", () => {
  const canceledBy = BY.requestedBy;
  const fault = (given: object) =>
    world.simulator.control.addFault({
      method: "PUT",
      path: path(),
      times: null,
      ...given,
    });

  test("before it is sent, nothing is restored", async () => {
    await deleted();
    const accepted = await restore();
    await cancel(world, accepted);
    await world.runDue();
    expect(await operation(world, accepted)).toMatchObject({
      status: "Canceled",
    });
    expect(restores()).toBe(0);
    // It is asked for anew.
    expect(await ended(world, [await restore()])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });

  test.each([false, true])(
    "once it is sent, and Azure carries it out, it has succeeded, and the version is Sigil's again (its answer is lost: %s)",
    async (isLost) => {
      await deleted();
      await world.simulator.control.setLag({ ms: 60_000 });
      const accepted = await restore();
      if (isLost) fault({ action: "reset-after-processing" });
      await world.runDue();
      const canceled = await cancel(world, accepted);
      expect(canceled).toMatchObject({ status: "Running", canceledBy });
      expect(canceled.history.at(-1)?.message).toContain("Azure may carry out");
      // Canceled again, it is the same; asked for again, it is to be waited for.
      expect(await cancel(world, accepted)).toEqual(canceled);
      expect(await refusal(restore())).toMatchObject({
        code: "ImageVersionConflict",
        fields: { existingOperationId: accepted.id },
      });
      expect(await ended(world, [accepted])).toMatchObject([
        { status: "Succeeded", canceledBy },
      ]);
      expect(restores()).toBe(1);
      const types = await typesOf();
      expect(types).toContain("Restored");
      expect(types.at(-1)).toBe("Completed");
      expect(types).not.toContain("Canceled");
      world.clock.advance(600_000);
      expect(await seen(world, id)).toMatchObject({
        sigil: { managedBy: "Sigil" },
      });
      expect(await put(world, id, body())).toMatchObject({ kind: "unchanged" });
    },
  );

  test.each([
    ["it never arrived", { action: "reset" }],
    ["Azure has not taken it", { status: 503 }],
    ["Azure does nothing of it", { status: 202, body: {} }],
    ["Azure refuses it for now", { status: 429 }],
  ])(
    "once it is sent, and %s, it is Canceled, and not sent again",
    async (_, given) => {
      await deleted();
      fault(given);
      const accepted = await restore();
      await world.runDue();
      await cancel(world, accepted);
      expect(await ended(world, [accepted])).toMatchObject([
        { status: "Canceled", canceledBy },
      ]);
      expect(restores()).toBe(1);
      expect(await inAzure(world, id)).toBeUndefined();
      expect((await typesOf()).at(-1)).toBe("Canceled");
      // It is asked for anew.
      world.simulator.control.clearFaults();
      expect(await ended(world, [await restore()])).toMatchObject([
        { status: "Succeeded" },
      ]);
    },
  );

  test("once it is sent, and the version is deleted for good meanwhile, it is Canceled", async () => {
    await deleted();
    fault({ action: "reset" });
    const accepted = await restore();
    await world.runDue();
    await cancel(world, accepted);
    await outside(world, "DELETE", `${id}?bypassSoftDelete=true`);
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Canceled" },
    ]);
  });

  test("once Azure has it, Azure goes on, and that is said", async () => {
    await deleted();
    await world.simulator.control.setReplicationSpeed(0);
    const accepted = await restore();
    await world.runDue();
    world.clock.advance(15_000);
    await world.runDue();
    await cancel(world, accepted);
    await world.simulator.control.setReplicationSpeed(1);
    const canceled = await operation(world, accepted);
    expect(canceled).toMatchObject({ status: "Canceled" });
    expect(canceled.history.at(-1)?.message).toContain("Azure goes on");
    world.clock.advance(600_000);
    expect(await put(world, id, body())).toMatchObject({ kind: "unchanged" });
  });
});

test("two who handle its messages at once send one request", async () => {
  await deleted();
  const accepted = await restore();
  for (let steps = 0; steps < 40; steps += 1) {
    for (const message of await world.takeDue())
      await Promise.all([
        world.handle(message),
        world.handle(message, world.instance()),
      ]);
    const { endTime, status } = await operation(world, accepted);
    if (endTime !== undefined) {
      expect(status).toBe("Succeeded");
      break;
    }
    world.clock.advance(15_000);
  }
  expect(restores()).toBe(1);
});
