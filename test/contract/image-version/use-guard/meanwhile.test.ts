/** What others do with a version while its deletion waits. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { outside, plain } from "../truth/support.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { remove, publish, shown, untilExcluded, byOthers, deletes } =
  inGuardedWorld((given, versionId) => {
    world = given;
    version = versionId;
  });

describe("a deletion", () => {
  test.each([
    ["was excluded before", true],
    ["the deletion has excluded", false],
  ])(
    "of what %s ends where others include it meanwhile",
    async (_, excluded) => {
      await publish(excluded);
      const { id } = await remove();
      await untilExcluded();
      await byOthers(false);
      world.clock.advance(DELAY_MS);
      await world.finish(version);
      expect(await world.deps.store.readOperation(id)).toMatchObject({
        status: "Failed",
        error: { code: "ChangedOutside" },
      });
      expect(await shown()).toBe("included");
      expect(deletes()).toBe(0);
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
    ).toEqual(["DeletedOutside", "Deleted"]);
  });
});
