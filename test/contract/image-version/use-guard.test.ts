/** What somebody needs is not taken away: deletions, regions, retention, where the subscriptions of consumers are known. */
import { afterEach, describe, expect, test } from "vitest";
import type { OperationRecord } from "../../../src/operation/records.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/by-hand.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { takeStep } from "../../../src/image-version/steps/take-step.js";
import { runDrift } from "../../../src/drift/run-drift.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { imageIdOf } from "../../../src/resource-id.js";
import {
  idOf,
  operationIn,
  request,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import {
  CONSUMER,
  putUser,
  removeUsers,
  worldWithConsumer,
} from "../../support/image-users.js";
import { inOneWorld } from "../../support/one-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest } from "../../support/requests.js";
import {
  byHand,
  ended,
  isExcluded,
  made,
  newDefinition,
  outside,
  plain,
  showAs,
  shownIn,
  until,
} from "./truth/support.js";

const BY = { requestedBy: { appId: "operator" }, traceparent: TRACEPARENT };
const DELAY_MS = 900_000;

let world: InProcess;
let version: string;
inOneWorld(
  {
    replicationMs: 60_000,
    consumerSubscriptions: [CONSUMER],
    world: worldWithConsumer(),
  },
  (given, versionId) => {
    world = given;
    version = versionId;
  },
);
afterEach(async () => {
  await removeUsers(world);
  await world.simulator.control.setResourceGraphLag({ ms: 0 });
  await world.simulator.control.allowAction({
    action: "Microsoft.Compute/virtualMachines/read",
  });
});

const remove = (more: { ignoreUse?: boolean } = {}) =>
  deleteImageVersion(world.deps, { id: idOf(version), ...BY, ...more });

async function publish(excludeFromLatest = false): Promise<void> {
  const { properties, ...rest } = managedImageRequest();
  await request(world.deps, version, {
    ...rest,
    properties: {
      ...properties,
      publishingProfile: { ...properties.publishingProfile, excludeFromLatest },
    },
  });
  expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
}

/** Whether Azure has it, and excludes it from latest. */
async function shown(): Promise<"gone" | "excluded" | "included"> {
  const found = await world.deps.resourceManager.getImageVersion(idOf(version));
  if (found === undefined) return "gone";
  const { excludeFromLatest, targetRegions = [] } =
    found.resource.properties.publishingProfile ?? {};
  const flags = [
    excludeFromLatest === true,
    ...targetRegions.map(
      (region) => (region.excludeFromLatest ?? excludeFromLatest) === true,
    ),
  ];
  if (new Set(flags).size > 1) throw new Error("excluded in some regions");
  return flags[0] === true ? "excluded" : "included";
}

/** Runs on until the delay is being waited out. */
async function untilExcluded(): Promise<void> {
  for (let i = 0; i < 50; i += 1) {
    await world.runDue();
    const { record } = await world.read(version);
    if (
      record.state === "DeletionRequested" &&
      Object.values(record.requests).some(({ guard }) => guard?.excludedTime)
    )
      return;
    world.clock.advance(15_000);
  }
  throw new Error("it is not excluded");
}

/** Somebody else includes the version in latest, or excludes it, in every region. */
async function byOthers(excludeFromLatest: boolean): Promise<void> {
  const found = await world.deps.resourceManager.getImageVersion(idOf(version));
  const { publishingProfile } = found?.resource.properties ?? {};
  await world.simulator.control.editVersion({
    versionId: version,
    properties: {
      publishingProfile: {
        ...publishingProfile,
        excludeFromLatest,
        targetRegions: (publishingProfile?.targetRegions ?? []).map(
          ({ excludeFromLatest: _, ...region }) => region,
        ),
      },
    },
  });
}

const deletes = () =>
  world.simulator.control.countRequests({ method: "DELETE" });

describe("a deletion", () => {
  test("of what a scale set names is refused, with names and counts", async () => {
    await publish();
    const id = await putUser(
      world,
      "virtualMachineScaleSets",
      "front",
      version,
    );
    const error = await refusal(remove());
    expect(error).toMatchObject({
      code: "ImageVersionInUse",
      findings: [{ code: "ImageVersionInUse", pointer: "" }],
    });
    expect(error.message).toContain("1 scale set (westus 1) is made of it");
    expect(error.findings[0]?.message).toContain(id);
    expect(deletes()).toBe(0);
  });

  test("of what a scale set names is refused, too, where one look shows no version", async () => {
    await publish();
    world.clock.advance(3_600_000);
    await putUser(world, "virtualMachineScaleSets", "front", version);
    world.simulator.control.addFault({
      method: "GET",
      path: `${version}\\?`,
      action: "hide",
      times: 1,
    });
    expect(await refusal(remove())).toMatchObject({
      code: "ImageVersionInUse",
    });
    world.simulator.control.clearFaults();
    expect(await shown()).toBe("included");
  });

  test("is not sent unasked where its own look shows no version", async () => {
    await publish();
    await remove();
    await untilExcluded();
    await putUser(world, "virtualMachineScaleSets", "late", version);
    world.simulator.control.addFault({
      method: "GET",
      path: `${version}\\?`,
      action: "hide",
      times: 1,
    });
    expect(await world.finish(version)).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    world.simulator.control.clearFaults();
    expect(deletes()).toBe(0);
  });

  describe("where looks show no version is sent no sooner", () => {
    const hide = (times: number) =>
      world.simulator.control.addFault({
        method: "GET",
        path: `${version}\\?`,
        action: "hide",
        times,
      });
    /** It leaves latest, and is deleted once the delay has passed since. */
    async function isDoneInTime(minutes = 14): Promise<void> {
      for (let i = 0; i < minutes * 4; i += 1) {
        await world.runDue();
        world.clock.advance(15_000);
      }
      expect(deletes()).toBe(0);
      world.simulator.control.clearFaults();
      expect(await shown()).toBe("excluded");
      expect(await world.finish(version)).toMatchObject({
        status: "Succeeded",
      });
      expect(deletes()).toBe(1);
    }

    test.each([1, 2, 3, 9])("at its first steps, %i times", async (times) => {
      await publish();
      await remove();
      hide(times);
      await isDoneInTime();
    });

    test("while it is excluded", async () => {
      await publish();
      await remove();
      while (world.simulator.control.countRequests({ method: "PUT" }) < 2) {
        await world.runDue();
        world.clock.advance(5_000);
      }
      // It is taken for gone, and so its deletion looks once more.
      hide(12);
      await isDoneInTime(20);
      const { history } = (await world.read(version)).operation;
      expect(history.map(({ message }) => message)).toContainEqual(
        expect.stringContaining("makes sure"),
      );
    });

    test("by a step that comes within the delay", async () => {
      await publish();
      await remove();
      await untilExcluded();
      hide(1);
      const { record, operation } = await world.read(version);
      await takeStep(world.deps, {
        operationId: operation.id,
        step: record.step,
      });
      await isDoneInTime();
    });

    test("and ends as done where Azure's list has none, either", async () => {
      await publish();
      await world.takeEvents();
      await remove();
      await world.simulator.control.removeResource(version);
      expect(await world.finish(version)).toMatchObject({
        status: "Succeeded",
      });
      expect(deletes()).toBe(0);
      const ends = (await world.takeEvents()).filter(
        ({ subject, type }) => subject === version && /Deleted/u.test(type),
      );
      expect(ends.map(({ type }) => type)).toEqual([
        "Sigil.ImageVersion.Deleted",
      ]);
    });
  });

  test("of what a machine with an ephemeral disk is made of is refused", async () => {
    await publish();
    await putUser(world, "virtualMachines", "vm", version, { ephemeral: true });
    expect(await refusal(remove())).toMatchObject({
      code: "ImageVersionInUse",
    });
  });

  test("is refused where it could not be seen whether it is in use", async () => {
    await publish();
    await world.simulator.control.denyAction({
      action: "Microsoft.Compute/virtualMachines/read",
      scope: `/subscriptions/${CONSUMER}`,
    });
    world.clock.advance(60_000);
    expect(await refusal(remove())).toMatchObject({
      code: "UseUnknown",
      findings: [{ code: "UseUnknown" }],
    });
  });

  test("excludes it from latest, waits, asks again, and deletes; machines with disks of their own are told", async () => {
    await publish();
    await putUser(world, "virtualMachines", "vm", version);
    const accepted = await remove();
    expect(accepted.warnings?.map(({ code }) => code)).toContain(
      "MachinesRunOn",
    );
    await untilExcluded();
    expect(await shown()).toBe("excluded");
    expect(deletes()).toBe(0);
    world.clock.advance(DELAY_MS - 60_000);
    await world.runDue();
    expect(deletes()).toBe(0);
    // Repeated, it is the same.
    expect((await remove()).id).toBe(accepted.id);
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toBe("gone");
    expect(deletes()).toBe(1);
  });

  test("of what is excluded already waits as well, and writes nothing else", async () => {
    await publish(true);
    world.simulator.control.clearRequests();
    await remove();
    await untilExcluded();
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
  });

  test("excludes it where its first look is of before Sigil has included it", async () => {
    await publish(true);
    const before = await shownIn(world, version);
    const promotion = { id: idOf(version), ...BY };
    await promoteImageVersion(world.deps, promotion);
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    await remove();
    showAs(world, version, before);
    await untilExcluded();
    expect(await shown()).toBe("excluded");
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  });

  test.each([
    ["was excluded before", true],
    ["the deletion has excluded", false],
  ])(
    "of what %s excludes it anew, and waits anew, where others include it meanwhile",
    async (_, excluded) => {
      await publish(excluded);
      await remove();
      await untilExcluded();
      await byOthers(false);
      expect(await shown()).toBe("included");
      world.clock.advance(DELAY_MS);
      await world.runDue();
      await untilExcluded();
      const since = world.clock.now();
      expect(await shown()).toBe("excluded");
      world.clock.advance(DELAY_MS - 60_000);
      await world.runDue();
      expect(deletes()).toBe(0);
      expect(await world.finish(version)).toMatchObject({
        status: "Succeeded",
      });
      expect(world.clock.now() - since).toBeGreaterThanOrEqual(DELAY_MS);
    },
  );

  test("with a delay that is shorter than an answer may be old sends no DELETE of what Azure shows in latest", async () => {
    await publish();
    world.clock.advance(3_600_000);
    const deps = { ...world.deps, useDelayMs: 300_000 };
    await deleteImageVersion(deps, { id: idOf(version), ...BY });
    const runs = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 15_000) {
        for (const message of await world.takeDue())
          await takeStep(deps, message);
        world.clock.advance(15_000);
      }
    };
    await runs(120_000);
    expect(await shown()).toBe("excluded");
    await byOthers(false);
    await runs(400_000);
    expect(await shown()).toBe("included");
    expect(deletes()).toBe(0);
    await runs(300_000);
    expect(await shown()).toBe("excluded");
    await runs(700_000);
    expect(await shown()).toBe("gone");
  });

  test("whose version is found in use then ends, with the version in latest as it was", async () => {
    await publish();
    await remove();
    await untilExcluded();
    // Resource Graph does not know of it yet; Azure Resource Manager does.
    await world.simulator.control.setResourceGraphLag({ ms: DELAY_MS * 10 });
    await putUser(world, "virtualMachineScaleSets", "late", version);
    const ended = await world.finish(version);
    expect(ended).toMatchObject({
      status: "Failed",
      error: {
        code: "ImageVersionInUse",
        errors: [{ code: "ImageVersionInUse" }],
      },
    });
    expect(await shown()).toBe("included");
    expect(deletes()).toBe(0);
    const { record } = await world.read(version);
    expect(record.excludedByCancel).toBeUndefined();
    // Another request begins as after any other.
    await removeUsers(world);
    await world.simulator.control.setResourceGraphLag({ ms: 0 });
    await remove();
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  });

  test.each(["demoted", "deleted in the portal"])(
    "of what nobody gets is not carried out once the version above it is %s, and a scale set gets it by the definition's id",
    async (how) => {
      const image = await newDefinition(world);
      const older = `${image}/versions/1.0.0`;
      const newer = `${image}/versions/2.0.0`;
      await made(world, older, plain());
      await made(world, newer, plain());
      await putUser(world, "virtualMachineScaleSets", "web", image);
      world.clock.advance(DELAY_MS * 4);
      const deletion = await byHand.remove(world, older);
      await until(world, () => isExcluded(world, older));
      if (how === "demoted")
        await ended(world, [await byHand.demote(world, newer)]);
      else await outside(world, "DELETE", newer);
      expect(await ended(world, [deletion])).toMatchObject([
        { status: "Failed", error: { code: "ImageVersionInUse" } },
      ]);
      expect(await isExcluded(world, older)).toBe(false);
    },
  );

  test("of the latest is carried out though a scale set that is made meanwhile gets the version below", async () => {
    const image = await newDefinition(world);
    const older = `${image}/versions/1.0.0`;
    const newer = `${image}/versions/2.0.0`;
    await made(world, older, plain());
    await made(world, newer, plain());
    world.clock.advance(DELAY_MS * 4);
    const deletion = await byHand.remove(world, newer);
    await until(world, () => isExcluded(world, newer));
    await putUser(world, "virtualMachineScaleSets", "web", image);
    expect(await ended(world, [deletion])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });

  test("tells who has come to need it between the last question and the DELETE", async () => {
    await publish();
    await remove();
    await untilExcluded();
    world.clock.advance(DELAY_MS);
    await world.runDue();
    expect(deletes()).toBe(1);
    await putUser(world, "virtualMachineScaleSets", "late", version);
    const ended = await world.finish(version);
    expect(ended).toMatchObject({ status: "Succeeded" });
    expect(ended.warnings).toContainEqual(
      expect.objectContaining({
        code: "ImageVersionInUse",
        message: expect.stringContaining("late") as string,
      }),
    );
  });

  test("whose version is found in use then says that Azure refuses to include it again", async () => {
    await publish();
    await remove();
    await untilExcluded();
    await putUser(world, "virtualMachineScaleSets", "late", version);
    const { control } = world.simulator;
    const error = { code: "RequestDisallowedByPolicy", message: "No." };
    control.addFault({
      method: "PUT",
      path: `${version}\\?`,
      times: null,
      status: 403,
      body: { error },
    });
    const ended = await world.finish(version);
    control.clearFaults();
    expect(ended).toMatchObject({
      status: "Failed",
      error: {
        code: "ImageVersionInUse",
        message: expect.stringMatching(
          /in use: .* The remaining work could not be done: .*No\./u,
        ) as string,
      },
    });
    expect(await shown()).toBe("excluded");
  });

  test("whose version is found in use then, and was excluded before, leaves it excluded", async () => {
    await publish(true);
    await remove();
    await untilExcluded();
    await putUser(world, "virtualMachineScaleSets", "late", version);
    expect(await world.finish(version)).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    expect(await shown()).toBe("excluded");
  });

  test("of which nothing can be seen then ends, too", async () => {
    await publish();
    await remove();
    await untilExcluded();
    await world.simulator.control.denyAction({
      action: "Microsoft.Compute/virtualMachines/read",
      scope: `/subscriptions/${CONSUMER}`,
    });
    expect(await world.finish(version)).toMatchObject({
      status: "Failed",
      error: { code: "UseUnknown" },
    });
    expect(await shown()).toBe("included");
  });

  test("waits where Resource Graph is throttled", async () => {
    await publish();
    await remove();
    await untilExcluded();
    world.simulator.control.addFault({
      method: "POST",
      path: "ResourceGraph",
      status: 429,
      headers: { "Retry-After": "30" },
      times: 2,
    });
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toBe("gone");
  });

  test("that Azure refuses leaves the version in latest", async () => {
    await publish();
    await remove();
    await untilExcluded();
    world.simulator.control.addFault({
      method: "DELETE",
      path: version,
      status: 409,
      body: { error: { code: "ScopeLocked", message: "Locked." } },
    });
    expect(await world.finish(version)).toMatchObject({
      status: "Failed",
      error: { code: "ResourceManagerRefused" },
    });
    expect(await shown()).toBe("included");
  });

  test.each(["at once", "while it waits"])(
    "that is canceled %s leaves the version in latest",
    async (when) => {
      await publish();
      const { id } = await remove();
      if (when === "while it waits") await untilExcluded();
      await cancelOperation(world.deps, id, { appId: "operator" });
      const { record } = await world.read(version);
      if (record.state !== "Canceled")
        expect(await world.finish(version)).toMatchObject({
          status: "Canceled",
        });
      expect(await shown()).toBe("included");
      expect(deletes()).toBe(0);
    },
  );

  test.each([
    ["for now", { status: 429, headers: { "Retry-After": "30" } }],
    [
      "while the version is busy",
      { status: 409, body: { error: { code: "Conflict", message: "Busy." } } },
    ],
  ])(
    "that Azure refuses %s, canceled, ends with the version in latest, and is not sent again",
    async (_, refused) => {
      await publish();
      const { id } = await remove();
      await untilExcluded();
      world.simulator.control.addFault({
        method: "DELETE",
        path: version,
        times: null,
        ...refused,
      });
      world.clock.advance(DELAY_MS);
      await world.runDue();
      const canceled = await cancelOperation(world.deps, id, BY.requestedBy);
      expect(canceled).toMatchObject({
        status: "Running",
        canceledBy: BY.requestedBy,
      });
      world.simulator.control.clearFaults();
      const before = world.clock.now();
      expect(await world.finish(version)).toMatchObject({
        id,
        status: "Canceled",
      });
      expect(world.clock.now() - before).toBeLessThan(300_000);
      expect(await shown()).toBe("included");
      expect(deletes()).toBe(1);
      expect((await world.read(version)).record).toMatchObject({
        state: "Canceled",
        exists: true,
      });
    },
  );

  test.each(["reset", "status"] as const)(
    "that has no answer (%s), canceled, is followed until it is known that the version stays, which is in latest then",
    async (how) => {
      await publish();
      const { id } = await remove();
      await untilExcluded();
      world.simulator.control.addFault({
        method: "DELETE",
        path: version,
        times: null,
        ...(how === "reset" ? { action: "reset" } : { status: 500 }),
      });
      world.clock.advance(DELAY_MS);
      await world.runDue();
      const sent = deletes();
      const canceled = await cancelOperation(world.deps, id, BY.requestedBy);
      expect(canceled.history.at(-1)?.message).toContain("Azure may carry out");
      // Canceled again, it is the same.
      expect(await cancelOperation(world.deps, id, BY.requestedBy)).toEqual(
        canceled,
      );
      await world.runDue();
      expect(await world.deps.store.readOperation(id)).toMatchObject({
        status: "Running",
        waitReason: expect.stringContaining("not known") as string,
      });
      expect(await shown()).toBe("excluded");
      const ended = await world.finish(version);
      expect(ended).toMatchObject({ id, status: "Canceled" });
      expect(await shown()).toBe("included");
      expect(deletes()).toBe(sent);
    },
  );

  test.each([true, false])(
    "that Azure carries out, canceled, is told Deleted once, and nothing else (its answer is lost: %s)",
    async (isLost) => {
      await publish();
      const { id } = await remove();
      await untilExcluded();
      if (isLost)
        world.simulator.control.addFault({
          method: "DELETE",
          path: version,
          action: "reset-after-processing",
        });
      world.clock.advance(DELAY_MS);
      await world.runDue();
      expect(deletes()).toBe(1);
      await cancelOperation(world.deps, id, BY.requestedBy);
      expect(await world.finish(version)).toMatchObject({
        id,
        status: "Succeeded",
      });
      expect(await shown()).toBe("gone");
      expect((await world.read(version)).record.state).toBe("Deleted");
      for (let i = 0; i < 3; i += 1) {
        world.clock.advance(3_600_000);
        await runDrift(world.deps, TRACEPARENT);
      }
      const ends = (await world.takeEvents()).filter(
        ({ subject, type }) =>
          subject === version && /Deleted|Canceled|Failed/u.test(type),
      );
      expect(ends.map(({ type }) => type)).toEqual([
        "Sigil.ImageVersion.Deleted",
      ]);
      expect(deletes()).toBe(1);
    },
  );

  test.each(["at once", "while it waits"])(
    "is to be canceled %s before its version is promoted: the refusal says so",
    async (when) => {
      await publish(true);
      const { id } = await remove();
      if (when === "while it waits") await untilExcluded();
      const promote = () =>
        promoteImageVersion(world.deps, { id: idOf(version), ...BY });
      expect(await refusal(promote())).toMatchObject({
        code: "ImageVersionConflict",
        message: expect.stringContaining(
          `Cancel it (POST /api/operations/${id}/cancel)`,
        ) as string,
        fields: { existingOperationId: id },
      });
      await cancelOperation(world.deps, id, BY.requestedBy);
      await world.runDue();
      expect((await world.read(version)).record.state).toBe("Canceled");
      await promote();
      expect(await world.finish(version)).toMatchObject({
        kind: "PromoteImageVersion",
        status: "Succeeded",
      });
      expect(await shown()).toBe("included");
    },
  );

  test("canceled while the exclusion is on its way takes that back", async () => {
    await publish();
    const { id } = await remove();
    for (let i = 0; i < 20; i += 1) {
      await world.runDue();
      if ((await shown()) === "excluded") break;
      world.clock.advance(5_000);
    }
    await cancelOperation(world.deps, id, { appId: "operator" });
    expect(await world.finish(version)).toMatchObject({ status: "Canceled" });
    expect(await shown()).toBe("included");
  });

  test.each(["canceled", "found in use"])(
    "that was %s, and whose version is demoted before it is in latest again, deletes nothing and leaves it excluded",
    async (how) => {
      await publish();
      const deletion = await remove();
      await untilExcluded();
      if (how === "canceled")
        await cancelOperation(world.deps, deletion.id, BY.requestedBy);
      else {
        await putUser(world, "virtualMachineScaleSets", "front", version);
        world.clock.advance(DELAY_MS);
        await world.runDue();
      }
      await demoteImageVersion(world.deps, { id: idOf(version), ...BY });
      await removeUsers(world);
      expect(await world.finish(version)).toMatchObject({
        kind: "DemoteImageVersion",
        status: "Succeeded",
      });
      expect((await world.deps.store.readOperation(deletion.id))?.status).toBe(
        how === "canceled" ? "Canceled" : "Failed",
      );
      expect(await shown()).toBe("excluded");
      expect(deletes()).toBe(0);
    },
  );

  test.each([
    ["at once", undefined],
    ["while its exclusion is throttled", { method: "PUT", status: 429 }],
    ["while its exclusion has no answer", { method: "PUT", status: 500 }],
    ["while Azure is not seen", { method: "GET", status: 500 }],
  ])(
    "whose version is demoted %s is done, without step upon step",
    async (_, fault) => {
      await publish();
      const deletion = await remove();
      if (fault !== undefined)
        world.simulator.control.addFault({
          ...fault,
          path: `${version}\\?`,
          times: null,
        });
      const before = world.clock.now();
      while (fault !== undefined && world.clock.now() - before < 300_000) {
        await world.runDue();
        world.clock.advance(15_000);
      }
      const demotion = await demoteImageVersion(world.deps, {
        id: idOf(version),
        ...BY,
      });
      world.simulator.control.clearFaults();
      let steps = 0;
      for (; steps < 60; steps += 1) {
        const due = await world.takeDue();
        for (const message of due) await world.handle(message);
        if (due.length === 0) world.clock.advance(60_000);
        if ((await world.read(version)).record.state === "Deleted") break;
      }
      expect(await world.deps.store.readOperation(deletion.id)).toMatchObject({
        status: "Succeeded",
      });
      expect(await world.deps.store.readOperation(demotion.id)).toMatchObject({
        status: "Failed",
        error: { code: "ImageVersionGone" },
      });
      expect(deletes()).toBe(1);
    },
  );

  test.each([
    ["500", { status: 500 }],
    ["503", { status: 503 }],
    ["reset", { action: "reset" as const }],
    ["429 after 500", { status: 500 }],
  ])(
    "whose DELETE comes to nothing (%s) is not sent again where somebody has come to need the version since",
    async (how, fault) => {
      await publish();
      const { id } = await remove();
      await untilExcluded();
      const refuse = (what: object) =>
        world.simulator.control.addFault({
          method: "DELETE",
          path: version,
          times: null,
          ...what,
        });
      refuse(fault);
      world.clock.advance(DELAY_MS);
      await world.runDue();
      if (how.startsWith("429")) {
        world.simulator.control.clearFaults();
        refuse({ status: 429, headers: { "Retry-After": "30" } });
      }
      for (let i = 0; i < 160; i += 1) {
        await world.runDue();
        world.clock.advance(15_000);
      }
      await putUser(world, "virtualMachineScaleSets", "late", version);
      const sent = deletes();
      expect(sent).toBeGreaterThan(1);
      for (let i = 0; i < 80; i += 1) {
        await world.runDue();
        world.clock.advance(15_000);
      }
      world.simulator.control.clearFaults();
      expect(await world.finish(version)).toMatchObject({
        id,
        status: "Failed",
        error: { code: "ImageVersionInUse" },
      });
      expect(deletes()).toBe(sent);
      expect(await shown()).toBe("included");
    },
  );

  test("that Azure carries out after all, though somebody has come to need the version, has succeeded, with a warning", async () => {
    await publish();
    await remove();
    await untilExcluded();
    // The DELETE comes to nothing, the next one is carried out, and neither is answered.
    world.simulator.control.addFault({
      method: "DELETE",
      path: version,
      action: "reset",
    });
    world.simulator.control.addFault({
      method: "DELETE",
      path: version,
      action: "reset-after-processing",
    });
    world.clock.advance(DELAY_MS);
    while (deletes() < 2) {
      await world.runDue();
      world.clock.advance(15_000);
    }
    await putUser(world, "virtualMachineScaleSets", "late", version);
    expect(await world.finish(version)).toMatchObject({
      status: "Succeeded",
      warnings: expect.arrayContaining([
        expect.objectContaining({ code: "ImageVersionInUse" }),
      ]) as unknown[],
    });
    expect(deletes()).toBe(2);
  });

  test("is done at once where an Admin says so, whoever uses it", async () => {
    await publish();
    await putUser(world, "virtualMachineScaleSets", "front", version);
    await remove({ ignoreUse: true });
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(
      world.simulator.control.countRequests({ path: "ResourceGraph" }),
    ).toBe(0);
  });

  test("is not hurried by an Admin while it waits: that says what to do", async () => {
    await publish();
    const { id } = await remove();
    expect(await refusal(remove({ ignoreUse: true }))).toMatchObject({
      code: "ImageVersionConflict",
      fields: { existingOperationId: id },
    });
    await world.finish(version);
  });

  test("waits for what is being done with the version; with ignoreUse it goes first", async () => {
    await request(world.deps, version, managedImageRequest());
    await world.runDue();
    await putUser(world, "virtualMachines", "other", "x");
    expect(await refusal(remove())).toMatchObject({
      code: "ImageVersionConflict",
    });
    await remove({ ignoreUse: true });
    await world.finish(version);
    expect(await shown()).toBe("gone");
  });

  test("of a version that others delete meanwhile is done", async () => {
    await publish();
    await remove();
    await untilExcluded();
    await world.simulator.control.removeResource(version);
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  });

  test("of a version that others delete while it is being excluded is done", async () => {
    await publish();
    await remove();
    await world.runDue();
    await world.simulator.control.removeResource(version);
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect((await world.read(version)).record.state).toBe("Deleted");
  });

  test("of a version that others replace while it is being excluded is done, and theirs is left as it is", async () => {
    await publish();
    world.clock.advance(3_600_000);
    await remove();
    await world.runDue();
    await world.simulator.control.removeResource(version);
    world.clock.advance(1_500);
    await outside(world, "PUT", version, plain());
    await world.takeEvents();
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toBe("included");
    expect(
      (await world.takeEvents()).map(({ type }) => type.split(".").at(-1)),
    ).toEqual(["Deleted"]);
  });

  test.each([0, 1])(
    "of a version that others include again is judged by that, where %i looks show no version",
    async (times) => {
      await publish();
      await remove();
      await untilExcluded();
      const found = await world.deps.resourceManager.getImageVersion(
        idOf(version),
      );
      const { targetRegions = [] } =
        found?.resource.properties.publishingProfile ?? {};
      await world.simulator.control.editVersion({
        versionId: version,
        properties: {
          publishingProfile: {
            excludeFromLatest: false,
            targetRegions: targetRegions.map((region) => ({
              ...region,
              excludeFromLatest: false,
            })),
          },
        },
      });
      await putUser(
        world,
        "virtualMachineScaleSets",
        "latest",
        version.replace(/\/versions\/.*$/u, ""),
      );
      world.clock.advance(60_000);
      if (times > 0)
        world.simulator.control.addFault({
          method: "GET",
          path: `${version}\\?`,
          action: "hide",
          times,
        });
      expect(await world.finish(version)).toMatchObject({
        status: "Failed",
        error: { code: "ImageVersionInUse" },
      });
      expect(await shown()).toBe("included");
    },
  );
});

test("demotion and promotion wait for nobody", async () => {
  await publish();
  await putUser(world, "virtualMachineScaleSets", "front", version);
  await demoteImageVersion(world.deps, { id: idOf(version), ...BY });
  expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  await promoteImageVersion(world.deps, { id: idOf(version), ...BY });
  expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  expect(world.simulator.control.countRequests({ path: "ResourceGraph" })).toBe(
    0,
  );
});

describe("a region", () => {
  const without = (more: { ignoreUse?: boolean } = {}) =>
    operationIn(
      patchImageVersion(world.deps, {
        id: idOf(version),
        ...BY,
        patch: {},
        removeRegions: ["East US 2"],
        validate: () => [],
        ...more,
      }),
    );

  test("is not removed where somebody needs the version there", async () => {
    await publish();
    await putUser(world, "virtualMachineScaleSets", "front", version, {
      region: "eastus2",
    });
    expect(await refusal(without())).toMatchObject({
      code: "ImageVersionInUse",
      findings: [{ pointer: "/query/removeRegions" }],
    });
    await without({ ignoreUse: true });
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  });

  test("is not removed where Azure answers that the image definition has no list: who names that may need it", async () => {
    await publish();
    await putUser(
      world,
      "virtualMachineScaleSets",
      "front",
      imageIdOf(idOf(version)),
      {
        region: "eastus2",
      },
    );
    world.simulator.control.addFault({
      method: "GET",
      path: "/images/MyImage/versions\\?",
      status: 404,
      times: null,
    });
    expect(await refusal(without())).toMatchObject({ code: "UseUnknown" });
    world.simulator.control.clearFaults();
  });

  test("is removed where it is needed elsewhere alone", async () => {
    await publish();
    await putUser(world, "virtualMachineScaleSets", "front", version);
    await without();
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  });

  test("of which a scale set has come to need it since is not removed: once accepted, it is the same request, and fails", async () => {
    await publish();
    // Resource Graph does not know of it yet; Azure Resource Manager does.
    await world.simulator.control.setResourceGraphLag({ ms: DELAY_MS });
    const { id } = await without();
    await putUser(world, "virtualMachineScaleSets", "late", version, {
      region: "eastus2",
    });
    expect((await without()).id).toBe(id);
    world.simulator.control.clearRequests();
    expect(await world.finish(version)).toMatchObject({
      id,
      status: "Failed",
      error: {
        code: "ImageVersionInUse",
        errors: [{ pointer: "/query/removeRegions" }],
      },
    });
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
    // An Admin confirms.
    await without({ ignoreUse: true });
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  });

  test("that waits for Resource Graph holds up no demotion", async () => {
    await publish();
    const removal = await without();
    world.simulator.control.addFault({
      method: "POST",
      path: "ResourceGraph",
      status: 429,
      headers: { "Retry-After": "30" },
      times: null,
    });
    const demotion = await demoteImageVersion(world.deps, {
      id: idOf(version),
      ...BY,
    });
    const statusOf = async ({ id }: OperationRecord) =>
      (await world.deps.store.readOperation(id))?.status;
    for (let i = 0; i < 100; i += 1) {
      await world.runDue();
      world.clock.advance(30_000);
    }
    expect(await statusOf(demotion)).toBe("Succeeded");
    expect(await statusOf(removal)).not.toBe("Succeeded");
    world.simulator.control.clearFaults();
    await world.finish(version);
    expect(await statusOf(removal)).toBe("Succeeded");
  });

  test("waits where Resource Graph is throttled right before, and takes nobody else down who is needed elsewhere", async () => {
    await publish();
    const removal = await without();
    const other = await operationIn(
      patchImageVersion(world.deps, {
        id: idOf(version),
        ...BY,
        patch: { tags: { other: "1" } },
        validate: () => [],
      }),
    );
    await putUser(world, "virtualMachineScaleSets", "late", version, {
      region: "eastus2",
    });
    world.simulator.control.addFault({
      method: "POST",
      path: "ResourceGraph",
      status: 429,
      headers: { "Retry-After": "30" },
      times: 2,
    });
    await world.finish(version);
    expect(await world.deps.store.readOperation(removal.id)).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    expect(await world.deps.store.readOperation(other.id)).toMatchObject({
      status: "Succeeded",
    });
  });
});
