/** Where versions are guarded, what somebody needs is kept. */
import { describe, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import type { RetentionDependencies } from "../../../src/retention/ports.js";
import { getRetentionPolicy } from "../../../src/retention/retention-policy.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { idOf, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { putUser, removeUsers } from "../../support/image-users.js";
import { KEEP_1, inRetention } from "./support.js";

let world: InProcess;
let guarded: RetentionDependencies;
let image: string;
const { versionId, make, enforce, run, dryRun, inAzure } = inRetention((given) => {
  ({ world, guarded, image } = given);
});

/** A scale set whose model names that. */
const scaleSet = (name: string, named: string) =>
  putUser(world, "virtualMachineScaleSets", name, named, {
    subscription: LOCAL_SUBSCRIPTION_ID,
  });

describe("where versions are guarded", () => {
  test("what somebody needs by its number is kept, and says who; the others are deleted, each guarded", async () => {
    await make(["1.0.0", "1.0.1", "1.0.2", "1.0.3"]);
    await enforce(KEEP_1);
    await scaleSet("front", versionId("1.0.0"));
    await scaleSet("latest", image);
    await putUser(world, "virtualMachines", "vm", versionId("1.0.1"), {
      subscription: LOCAL_SUBSCRIPTION_ID,
    });
    expect(await dryRun(guarded)).toEqual({
      "1.0.0": "InUse",
      "1.0.1": "-BeyondNewestPromoted",
      "1.0.2": "-BeyondNewestPromoted",
      "1.0.3": "Latest",
    });
    const { deletions, errors } = await run(guarded);
    expect(errors).toEqual([]);
    expect(deletions).toHaveLength(2);
    const { record } = await world.read(versionId("1.0.1"));
    expect(Object.values(record.requests)).toMatchObject([{ guarded: true, deletion: {} }]);
    for (const number of ["1.0.1", "1.0.2"]) await world.finish(versionId(number));
    expect(await inAzure()).toEqual(["1.0.0", "1.0.3"]);
  });

  test("a machine with an ephemeral disk that was made of the latest needs the number that it got then", async () => {
    await make(["1.0.0", "1.0.1", "1.0.2"]);
    await enforce(KEEP_1);
    await putUser(world, "virtualMachines", "vm", image, {
      subscription: LOCAL_SUBSCRIPTION_ID,
      ephemeral: true,
      exactVersion: "1.0.1",
    });
    expect(await dryRun(guarded)).toEqual({
      "1.0.0": "-BeyondNewestPromoted",
      "1.0.1": "InUse",
      "1.0.2": "Latest",
    });
  });

  test("what was found in use at the last look is judged anew at each run", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const { deletions } = await run(guarded);
    expect(deletions).toHaveLength(1);
    await scaleSet("late", versionId("1.0.0"));
    // It is not the latest: it waits, excluded, and is found in use.
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    expect(await dryRun(guarded)).toMatchObject({ "1.0.0": "InUse" });
    expect((await run(guarded)).deletions).toEqual([]);
    await removeUsers(world);
    expect(await dryRun(guarded)).toMatchObject({
      "1.0.0": "-BeyondNewestPromoted",
    });
    const again = await run(guarded);
    expect(again.deletions).toHaveLength(1);
    await cancelOperation(world.deps, again.deletions[0] ?? "", {
      appId: "operator",
    });
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Canceled",
    });
    expect(await dryRun(guarded)).toMatchObject({ "1.0.0": "NotSucceeded" });
    expect((await run(guarded)).deletions).toEqual([]);
  });

  test("what people have tried to delete, and somebody has come to need, is for people", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const id = versionId("1.0.0");
    await deleteImageVersion(guarded.imageVersions, {
      id: idOf(id),
      requestedBy: { name: "retention", appId: "somebody" },
      traceparent: TRACEPARENT,
      allowNoLatest: true,
    });
    await scaleSet("late", id);
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    await removeUsers(world);
    expect((await run(guarded)).deletions).toEqual([]);
  });

  test("a version of which a region has failed since is for people", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    await run(guarded);
    await scaleSet("late", versionId("1.0.0"));
    await world.finish(versionId("1.0.0"));
    await removeUsers(world);
    const stored = await world.read(versionId("1.0.0"));
    const { status } = stored.record;
    if (status === undefined) throw new Error("it was not looked at");
    await world.deps.store.commit(
      {
        ...stored.record,
        status: {
          ...status,
          regions: status.regions.map((region) => ({
            ...region,
            state: "Failed" as const,
          })),
        },
      },
      stored.operation,
      stored,
    );
    expect(await dryRun(guarded)).toMatchObject({ "1.0.0": "NotSucceeded" });
  });

  test("what could not be seen is kept, all of it", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const denial = {
      action: "Microsoft.Compute/virtualMachineScaleSets/read",
      scope: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}`,
    };
    world.clock.advance(60_000);
    await world.simulator.control.denyAction(denial);
    const { evaluation } = await getRetentionPolicy(guarded, image);
    await world.simulator.control.allowAction(denial);
    expect(evaluation.decisions[0]).toMatchObject({
      deletes: false,
      code: "UseUnknown",
      reason: expect.stringContaining("Give it the role Reader") as string,
    });
  });

  test("of an image definition with nothing to delete nobody is asked", async () => {
    await make(["1.0.0"]);
    await enforce(KEEP_1);
    await dryRun(guarded);
    expect(world.simulator.control.countRequests({ path: "ResourceGraph" })).toBe(0);
  });
});
