/** Regions that fail, stand still, are repaired by Sigil or by others: what Azure has, and what subscribers are told. */
import { afterEach, describe, expect, test } from "vitest";
import { viewOperation } from "../../../../src/operation/views.js";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  ended,
  facts,
  inAzure,
  made,
  operation,
  operationIn,
  outside,
  pass,
  patchThrough,
  plain,
  put,
  puts,
  regionNames,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

afterEach(() =>
  world.simulator.control.allowAction({
    action: "Microsoft.Compute/locations/capsOperations/read",
  }),
);

const regionStates = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (
      (await inAzure(world, id))?.properties.replicationStatus?.summary ?? []
    ).map(({ region, state }) => [
      region.replace(/\s/gu, "").toLowerCase(),
      state,
    ]),
  );

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
  test("repairs a region that is failed still, and tells that it is repaired", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 4,
    });
    const accepted = operationIn(await put(world, id, plain()));
    await ended(world, [accepted]);
    await world.takeEvents();
    const retry = await byHand.retry(world, id);
    expect(await ended(world, [retry])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await regionStates()).toEqual({
      westus: "Completed",
      eastus2: "Completed",
    });
    const told = facts(await world.takeEvents(), retry);
    expect(told.filter((fact) => fact.includes("repairing"))).toHaveLength(1);
    expect(told.at(-1)).toBe("completed");
  });

  test("takes away no region that others have repaired since", async () => {
    await givenUp();
    const retry = await byHand.retry(world, id);
    await outside(
      world,
      "PUT",
      id,
      plain([{ name: "westus" }], {
        safety: { allowDeletionOfReplicatedLocations: true },
      }),
    );
    await outside(world, "PUT", id, plain());
    world.simulator.control.clearRequests();
    const [end] = await ended(world, [retry]);
    expect(end).toMatchObject({ status: "Succeeded" });
    expect(puts(world)).toBe(0);
    expect(await regionStates()).toEqual({
      westus: "Completed",
      eastus2: "Completed",
    });
  });

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
      await put(
        world,
        id,
        plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }]),
      ),
    );
    const [end] = await ended(world, [accepted]);
    expect(end).toMatchObject({ status: "Succeeded" });
    const told = facts(await world.takeEvents(), accepted);
    expect(told.filter((fact) => /failed/u.test(fact))).toEqual([
      "eastus2/failed/1",
    ]);
    expect(told.filter((fact) => /repairing/u.test(fact))).toEqual([
      "eastus2/repairing/1",
    ]);
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
    expect(
      facts(told, accepted).filter((fact) => !fact.startsWith("updating/")),
    ).toEqual([
      "accepted",
      "creating",
      "westus/completed",
      expect.stringMatching(/^eastus2\/(?:stalled|failed)/u) as string,
      "eastus2/repairing/1",
      "eastus2/completed/2",
      "completed",
    ]);
    expect((await shownIn(world, id)).properties.provisioningState).toBe(
      "Succeeded",
    );
  });

  test("without the right to read ARM's operations, the verdict comes all the same", async () => {
    await world.simulator.control.denyAction({
      action: "Microsoft.Compute/locations/capsOperations/read",
      scope: id.split("/").slice(0, 3).join("/"),
    });
    await givenUp();
  });
});

describe("while Sigil waits, a user is told", () => {
  test("what comes next after a region has failed, and when", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 10,
    });
    const accepted = operationIn(await put(world, id, plain()));
    await pass(world, 500_000);
    const running = await operation(world, accepted);
    expect(
      running.regions.find(({ name }) => name === "eastus2"),
    ).toMatchObject({
      state: "Failed",
      attemptsAllowed: 4,
      nextAttemptTime: expect.any(String) as string,
      waitReason: expect.stringContaining("added back") as string,
    });
    await ended(world, [accepted]);
  });

  test.each(["create", "update"] as const)(
    "that ARM refuses the %s for a day, in few writes and a small operation, and that it stalls",
    async (kind) => {
      if (kind === "update") await made(world, id, plain());
      world.simulator.control.clearRequests();
      world.simulator.control.addFault({
        method: "PUT",
        status: 409,
        times: null,
        body: { error: { code: "Conflict", message: "Busy." } },
      });
      const accepted = operationIn(
        await put(world, id, plain(undefined, { tags: { a: "1" } })),
      );
      await pass(world, 6 * 3_600_000);
      expect(puts(world)).toBeLessThan(80);
      const running = await operation(world, accepted);
      expect(running.status).toBe("Running");
      expect(running.waitReason).toBeDefined();
      expect(running.nextAttemptTime).toBeDefined();
      expect(JSON.stringify(viewOperation(running)).length).toBeLessThan(5_000);
      const told = facts(await world.takeEvents(), accepted);
      expect(told.filter((fact) => fact.startsWith("stalled/"))).toHaveLength(
        1,
      );
      expect(told.length).toBeLessThan(6);
      world.simulator.control.clearFaults();
      expect(await ended(world, [accepted])).toMatchObject([
        { status: "Succeeded" },
      ]);
      expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
    },
  );
});

describe("a region that is gone outside", () => {
  test("during the run ends Failed, or is there again; never Succeeded without it", async () => {
    const accepted = operationIn(await put(world, id, plain()));
    await pass(world, 60_000);
    await world.simulator.control.dropRegion({
      versionId: id,
      region: "eastus2",
    });
    const [end] = await ended(world, [accepted]);
    const names = regionNames(await shownIn(world, id));
    expect(end?.status === "Succeeded").toBe(names.includes("eastus2"));
  });
});
