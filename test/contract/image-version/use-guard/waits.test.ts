/** A deletion excludes the version from latest, and waits. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { putUser } from "../../../support/image-users.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { remove, publish, shown, untilExcluded, byOthers, deletes, throttleResourceGraph } =
  inGuardedWorld((given, versionId) => {
    world = given;
    version = versionId;
  });

describe("a deletion", () => {
  test("is done, and nothing is sent, where the version is gone before", async () => {
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

  test.each([
    ["was excluded before", true],
    ["the deletion has excluded", false],
  ])("of what %s ends where others include it meanwhile", async (_, excluded) => {
    await publish(excluded);
    const { id } = await remove();
    await untilExcluded();
    await byOthers(false);
    world.clock.advance(DELAY_MS);
    await world.finish(version);
    expect((await world.deps.store.readOperation(id))?.operation).toMatchObject({
      status: "Failed",
      error: { code: "ChangedOutside" },
    });
    expect(await shown()).toBe("included");
    expect(deletes()).toBe(0);
  });

  test("excludes it from latest, waits, asks again, and deletes; machines with disks of their own are told", async () => {
    await publish();
    await putUser(world, "virtualMachines", "vm", version);
    const accepted = await remove();
    expect(accepted.warnings?.map(({ code }) => code)).toContain("MachinesRunOn");
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

  test("waits where Resource Graph is throttled", async () => {
    await publish();
    await remove();
    await untilExcluded();
    throttleResourceGraph(2);
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toBe("gone");
  });
});
