/** What somebody has come to need while its deletion waits is not deleted, and is in latest as it was. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { putUser, removeUsers } from "../../../support/image-users.js";
import {
  byHand,
  ended,
  isExcluded,
  made,
  newDefinition,
  outside,
  plain,
  until,
} from "../truth/support.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { remove, publish, shown, untilExcluded, deletes, drive, hideMachines } = inGuardedWorld(
  (given, versionId) => {
    world = given;
    version = versionId;
  },
);

/** An image definition of its own, with both in latest. */
async function twoVersions() {
  const image = await newDefinition(world);
  const older = `${image}/versions/1.0.0`;
  const newer = `${image}/versions/2.0.0`;
  await made(world, older, plain());
  await made(world, newer, plain());
  return { image, older, newer };
}

describe("a deletion", () => {
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
    // Another request begins as after any other.
    await removeUsers(world);
    await world.simulator.control.setResourceGraphLag({ ms: 0 });
    await remove();
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  });

  test.each(["demoted", "deleted in the portal"])(
    "of what nobody gets is not carried out once the version above it is %s, and a scale set gets it by the definition's id",
    async (how) => {
      const { image, older, newer } = await twoVersions();
      await putUser(world, "virtualMachineScaleSets", "web", image);
      world.clock.advance(DELAY_MS * 4);
      const deletion = await byHand.remove(world, older);
      await until(world, () => isExcluded(world, older));
      if (how === "demoted") await ended(world, [await byHand.demote(world, newer)]);
      else await outside(world, "DELETE", newer);
      expect(await ended(world, [deletion])).toMatchObject([
        { status: "Failed", error: { code: "ImageVersionInUse" } },
      ]);
      expect(await isExcluded(world, older)).toBe(false);
    },
  );

  test("of the latest is carried out though a scale set that is made meanwhile gets the version below", async () => {
    const { image, newer } = await twoVersions();
    world.clock.advance(DELAY_MS * 4);
    const deletion = await byHand.remove(world, newer);
    await until(world, () => isExcluded(world, newer));
    await putUser(world, "virtualMachineScaleSets", "web", image);
    expect(await ended(world, [deletion])).toMatchObject([{ status: "Succeeded" }]);
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
    await hideMachines();
    expect(await world.finish(version)).toMatchObject({
      status: "Failed",
      error: { code: "UseUnknown" },
    });
    expect(await shown()).toBe("included");
  });

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
      await drive(40);
      await putUser(world, "virtualMachineScaleSets", "late", version);
      const sent = deletes();
      expect(sent).toBeGreaterThan(1);
      await drive(20);
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
});
