/** What is done with a version, by demotions and by others, while its deletion waits. */
import { describe, expect, test } from "vitest";
import { demoteImageVersion } from "../../../../src/image-version/commands/by-hand.js";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { putUser, removeUsers } from "../../../support/image-users.js";
import { BY, outside, plain } from "../truth/support.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { remove, publish, shown, untilExcluded, byOthers, deletes, hide } =
  inGuardedWorld((given, versionId) => {
    world = given;
    version = versionId;
  });

describe("a deletion", () => {
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
      if (times > 0) hide(times);
      expect(await world.finish(version)).toMatchObject({
        status: "Failed",
        error: { code: "ImageVersionInUse" },
      });
      expect(await shown()).toBe("included");
    },
  );
});
