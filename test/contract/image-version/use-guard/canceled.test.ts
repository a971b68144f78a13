/** A deletion that is canceled, or that Azure refuses, leaves the version in latest; one that Azure carries out has succeeded. */
import { describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../../src/image-version/commands/promote.js";
import { runDrift } from "../../../../src/drift/run-drift.js";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { BY } from "../truth/support.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { remove, publish, shown, untilExcluded, deletes } = inGuardedWorld((given, versionId) => {
  world = given;
  version = versionId;
});

describe("a deletion", () => {
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
      });
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
        await runDrift(world.deps);
      }
      const ends = (await world.takeEvents()).filter(
        ({ subject, type }) => subject === version && /Deleted|Canceled|Failed/u.test(type),
      );
      expect(ends.map(({ type }) => type)).toEqual(["Sigil.ImageVersion.Deleted"]);
      expect(deletes()).toBe(1);
    },
  );

  test.each(["at once", "while it waits"])(
    "is to be canceled %s before its version is promoted: the refusal says so",
    async (when) => {
      await publish(true);
      const { id } = await remove();
      if (when === "while it waits") await untilExcluded();
      const promote = () => promoteImageVersion(world.deps, { id: idOf(version), ...BY });
      expect(await refusal(promote())).toMatchObject({
        code: "ImageVersionConflict",
        message: expect.stringContaining(`Cancel it (POST /api/operations/${id}/cancel)`) as string,
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
});
