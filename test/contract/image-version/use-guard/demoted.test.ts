/** A person demotes a version and deletes it before the demotion is sent: it stays out of latest, whatever becomes of the deletion. */
import { beforeEach, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { putUser } from "../../../support/image-users.js";
import { byHand, cancel, ended, operationIn, patch } from "../truth/support.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { remove, publish, shown, untilExcluded } = inGuardedWorld((given, versionId) => {
  world = given;
  version = versionId;
});
beforeEach(() => publish());

test("it is found in use", async () => {
  const demotion = await byHand.demote(world, version);
  const deletion = await remove();
  await untilExcluded();
  await world.simulator.control.setResourceGraphLag({ ms: DELAY_MS * 10 });
  await putUser(world, "virtualMachineScaleSets", "late", version);
  await ended(world, [demotion, deletion]);
  expect(await shown()).toBe("excluded");
});

test.each([
  ["once it is excluded", true],
  ["before anything is sent", false],
])("the deletion is canceled %s", async (_, excluded) => {
  const demotion = await byHand.demote(world, version);
  const deletion = await remove();
  if (excluded) await untilExcluded();
  await cancel(world, deletion);
  await ended(world, [demotion, deletion]);
  expect(await shown()).toBe("excluded");
});

test("it was held back by a PATCH, and the deletion is canceled", async () => {
  const held = operationIn(
    await patch(world, version, {
      tags: { a: "1" },
      properties: { publishingProfile: { excludeFromLatest: true } },
    }),
  );
  const deletion = await remove();
  await untilExcluded();
  await cancel(world, deletion);
  await ended(world, [held, deletion]);
  expect(await shown()).toBe("excluded");
});
