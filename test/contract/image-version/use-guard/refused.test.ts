/** A deletion of what somebody uses is refused; an Admin may say otherwise. */
import { describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../../src/image-version/commands/promote.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { putUser } from "../../../support/image-users.js";
import { refusal } from "../../../support/refusal.js";
import { BY } from "../truth/support.js";
import { inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { remove, publish, shown, deletes, hide, hideMachines } = inGuardedWorld(
  (given, versionId) => {
    world = given;
    version = versionId;
  },
);

describe("a deletion", () => {
  test("of what a scale set names is refused, with names and counts", async () => {
    await publish();
    const id = await putUser(world, "virtualMachineScaleSets", "front", version);
    const error = await refusal(remove());
    expect(error).toMatchObject({
      code: "ImageVersionInUse",
      findings: [{ code: "ImageVersionInUse", pointer: "" }],
    });
    expect(error.message).toContain("1 scale set (westus 1)");
    expect(error.findings[0]?.message).toContain(id);
    expect(deletes()).toBe(0);
  });

  test("of what a scale set names is refused, too, where one look shows no version", async () => {
    await publish();
    world.clock.advance(3_600_000);
    await putUser(world, "virtualMachineScaleSets", "front", version);
    hide(1);
    expect(await refusal(remove())).toMatchObject({
      code: "ImageVersionInUse",
    });
    world.simulator.control.clearFaults();
    expect(await shown()).toBe("included");
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
    await hideMachines();
    world.clock.advance(60_000);
    expect(await refusal(remove())).toMatchObject({
      code: "UseUnknown",
      findings: [{ code: "UseUnknown" }],
    });
  });

  test("is done at once where an Admin says so, whoever uses it", async () => {
    await publish();
    await putUser(world, "virtualMachineScaleSets", "front", version);
    await remove({ ignoreUse: true });
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
    expect(world.simulator.control.countRequests({ path: "ResourceGraph" })).toBe(0);
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
});

test("demotion and promotion wait for nobody", async () => {
  await publish();
  await putUser(world, "virtualMachineScaleSets", "front", version);
  await demoteImageVersion(world.deps, { id: idOf(version), ...BY });
  expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  await promoteImageVersion(world.deps, { id: idOf(version), ...BY });
  expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  expect(world.simulator.control.countRequests({ path: "ResourceGraph" })).toBe(0);
});
