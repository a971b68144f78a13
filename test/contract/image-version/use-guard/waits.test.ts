/** A deletion excludes the version from latest, and waits, whatever single looks show. */
import { describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../../src/image-version/commands/promote.js";
import { takeStep } from "../../../../src/image-version/steps/take-step.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { putUser } from "../../../support/image-users.js";
import { BY, showAs, shownIn } from "../truth/support.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const {
  remove,
  publish,
  shown,
  untilExcluded,
  deletes,
  drive,
  hide,
  throttleResourceGraph,
} = inGuardedWorld((given, versionId) => {
  world = given;
  version = versionId;
});

describe("a deletion", () => {
  describe("where looks show no version is sent no sooner", () => {
    /** It leaves latest, and is deleted once the delay has passed since. */
    async function isDoneInTime(minutes = 14): Promise<void> {
      await drive(minutes);
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
        "Sigil.ImageVersion.DeletedOutside",
        "Sigil.ImageVersion.Deleted",
      ]);
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

  test("waits where Resource Graph is throttled", async () => {
    await publish();
    await remove();
    await untilExcluded();
    throttleResourceGraph(2);
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toBe("gone");
  });
});
