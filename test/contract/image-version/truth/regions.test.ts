/** Regions that fail, stand still, are repaired by Sigil or by others: what Azure has, and what subscribers are told. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  ended,
  facts,
  inAzure,
  made,
  operationIn,
  outside,
  pass,
  patchThrough,
  plain,
  put,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

test("a region that the version never had is not told to be removed", async () => {
  await made(world, id, plain());
  await world.takeEvents();
  const more = { removeRegions: ["northeurope", "eastus2"] };
  const tags = { t: "1" };
  expect(await patchThrough(world, id, { tags }, more)).toMatchObject({
    status: "Succeeded",
  });
  expect(
    (await world.takeEvents()).flatMap(({ type, data }) =>
      type.endsWith("RegionRemoved") ? [data] : [],
    ),
  ).toMatchObject([{ region: "eastus2" }]);
});

/** A version that has ended Failed, because eastus2 failed and could not be repaired. */
async function givenUp(): Promise<void> {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
    times: 4,
  });
  const accepted = operationIn(await put(world, id, plain()));
  expect(await ended(world, [accepted])).toMatchObject([
    { status: "Failed", error: { code: "ReplicationFailed" } },
  ]);
  await world.takeEvents();
}

describe("a retry by hand", () => {
  test("of a region that others have repaired is refused", async () => {
    await givenUp();
    await world.simulator.control.setRegionState({
      versionId: id,
      region: "eastus2",
      state: "Completed",
    });
    expect(await refusal(byHand.retry(world, id))).toMatchObject({
      code: "ImageVersionConflict",
    });
  });

  test("of a version that was deleted outside is refused, or ends ImageVersionGone, and creates nothing", async () => {
    await givenUp();
    const retry = await byHand.retry(world, id);
    await outside(world, "DELETE", id);
    expect(await ended(world, [retry])).toMatchObject([
      { status: "Failed", error: { code: "ImageVersionGone" } },
    ]);
    expect(await inAzure(world, id)).toBeUndefined();
    expect(await refusal(byHand.retry(world, id))).toMatchObject({
      code: "ImageVersionGone",
    });
  });
});

describe("ARM's operation fails for one region", () => {
  test("a region that goes on replicating is not told Failed, nor taken away", async () => {
    await world.simulator.control.setFailureMode({ when: "firstRegion" });
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 10,
    });
    const accepted = operationIn(
      await put(world, id, plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }])),
    );
    const [end] = await ended(world, [accepted]);
    expect(end).toMatchObject({ status: "Succeeded" });
    const told = facts(await world.takeEvents(), accepted);
    expect(told.filter((fact) => /failed/u.test(fact))).toEqual(["eastus2/failed/1"]);
    expect(told.filter((fact) => /repairing/u.test(fact))).toEqual(["eastus2/repairing/1"]);
    expect(told.slice(-2)).toEqual(["eastus2/completed/2", "completed"]);
  });

  test("a region that stands still, with the whole failed, is repaired", async () => {
    const accepted = operationIn(await put(world, id, plain()));
    await world.simulator.control.stallRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 50,
    });
    await pass(world, 900_000);
    await world.simulator.control.failOperation({
      versionId: id,
      code: "InternalExecutionError",
      message: "It did not go well.",
    });
    const [end] = await ended(world, [accepted]);
    expect(end?.status).toBe("Succeeded");
    const told = await world.takeEvents();
    expect(JSON.stringify(told)).toContain("It did not go well.");
    expect(facts(told, accepted).filter((fact) => !fact.startsWith("updating/"))).toEqual([
      "accepted",
      "creating",
      "westus/completed",
      expect.stringMatching(/^eastus2\/(?:stalled|failed)/u) as string,
      "eastus2/repairing/1",
      "eastus2/completed/2",
      "completed",
    ]);
    expect((await shownIn(world, id)).properties.provisioningState).toBe("Succeeded");
  });

  test("without the right to read ARM's operations, the verdict comes all the same", async () => {
    await world.simulator.control.denyAction({
      action: "Microsoft.Compute/locations/capsOperations/read",
      scope: id.split("/").slice(0, 3).join("/"),
    });
    await givenUp();
  });
});
