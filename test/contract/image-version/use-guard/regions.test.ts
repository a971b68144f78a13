/** A region in which somebody uses the version is not removed. */
import { describe, expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { demoteImageVersion } from "../../../../src/image-version/commands/promote.js";
import { patchImageVersion } from "../../../../src/image-version/commands/put.js";
import { imageIdOf } from "../../../../src/resource-id.js";
import { idOf, operationIn, type InProcess } from "../../../support/dependencies.js";
import { putUser } from "../../../support/image-users.js";
import { refusal } from "../../../support/refusal.js";
import { BY } from "../truth/support.js";
import { DELAY_MS, inGuardedWorld } from "./support.js";

let world: InProcess;
let version: string;
const { publish, throttleResourceGraph } = inGuardedWorld((given, versionId) => {
  world = given;
  version = versionId;
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
    await putUser(world, "virtualMachineScaleSets", "front", imageIdOf(idOf(version)), {
      region: "eastus2",
    });
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

  test("that waits for Resource Graph, and what goes with it, is done once that answers", async () => {
    await publish();
    const removal = await without();
    throttleResourceGraph(null);
    world.simulator.control.clearRequests();
    const demotion = await demoteImageVersion(world.deps, {
      id: idOf(version),
      ...BY,
    });
    const statusOf = async ({ id }: OperationRecord) =>
      (await world.deps.store.readOperation(id))?.operation?.status;
    for (let i = 0; i < 20; i += 1) {
      await world.runDue();
      world.clock.advance(30_000);
    }
    expect(await statusOf(removal)).toBe("NotStarted");
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
    world.simulator.control.clearFaults();
    await world.finish(version);
    expect(await statusOf(removal)).toBe("Succeeded");
    expect(await statusOf(demotion)).toBe("Succeeded");
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
    throttleResourceGraph(2);
    await world.finish(version);
    expect((await world.deps.store.readOperation(removal.id))?.operation).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    expect((await world.deps.store.readOperation(other.id))?.operation).toMatchObject({
      status: "Succeeded",
    });
  });
});
