/** Regions that have failed, and that the request at hand has not asked for. */
import { describe, expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  isExcluded,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  regionNames,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
// Longer than the delay of a repair, as in Azure.
inOneWorld({ replicationMs: 1_200_000, spread: 0.5 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const MINUTE_MS = 60_000;
const TWO = [{ name: "westus" }, { name: "eastus2" }];
const EASTUS = { name: "eastus" };
const listing = (...names: readonly string[]): unknown => ({
  properties: {
    publishingProfile: { targetRegions: names.map((name) => ({ name })) },
  },
});

const fail = (times: number): Promise<void> =>
  world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 50,
    times,
  });

/** A creation of which eastus2 has failed, and that is over. */
async function over(how: "Canceled" | "Failed"): Promise<OperationRecord> {
  await fail(how === "Failed" ? 9 : 1);
  const creation = operationIn(await put(world, id, plain(TWO)));
  await world.runDue();
  if (how === "Canceled") await cancel(world, creation);
  const [end = expect.fail()] = await ended(world, [creation]);
  expect(end.status).toBe(how);
  await pass(world, 15 * MINUTE_MS);
  return end;
}

describe("a region that has failed for another is not removed for good by a request that adds another region", () => {
  test.each<["Canceled" | "Failed", string]>([
    ["Canceled", "a PUT without it, which is warned that it is kept"],
    ["Failed", "a PUT without it, which is warned that it is kept"],
    ["Canceled", "a PATCH that lists it"],
    ["Failed", "a PATCH that lists it"],
  ])("after the creation is %s: %s", async (how, what) => {
    await over(how);
    const add = operationIn(
      what.includes("PATCH")
        ? await patch(world, id, listing("westus", "eastus2", "eastus"))
        : await put(world, id, plain([TWO[0]!, EASTUS])),
    );
    const [end] = await ended(world, [add]);
    expect(end?.status).toBe("Succeeded");
    await pass(world, 120 * MINUTE_MS);
    const shown = await shownIn(world, id);
    expect(regionNames(shown)).toContain("eastus2");
  });

  test("nor is Azure left allowed to remove regions", async () => {
    await over("Failed");
    const add = operationIn(await put(world, id, plain([TWO[0]!, EASTUS])));
    await ended(world, [add]);
    await pass(world, 120 * MINUTE_MS);
    const { safetyProfile } = (await shownIn(world, id)).properties;
    expect(safetyProfile?.["allowDeletionOfReplicatedLocations"]).toBe(false);
  });

  test("and while the creation's cancel still runs", async () => {
    await fail(1);
    const creation = operationIn(await put(world, id, plain(TWO)));
    await world.runDue();
    await cancel(world, creation);
    const add = operationIn(await put(world, id, plain([TWO[0]!, EASTUS])));
    await ended(world, [creation, add]);
    await pass(world, 120 * MINUTE_MS);
    expect(regionNames(await shownIn(world, id))).toContain("eastus2");
    expect((await seen(world, id)).sigil.pending).toEqual([]);
  });
});

test("an operation whose own regions are Completed has Succeeded, though a region that others have added has failed", async () => {
  await made(world, id, plain([TWO[0]!]));
  await fail(1);
  await outside(world, "PATCH", id, listing("westus", "eastus2"));
  await pass(world, 15 * MINUTE_MS);
  const add = operationIn(await put(world, id, plain([TWO[0]!, EASTUS])));
  const [end] = await ended(world, [add]);
  const { replicationStatus } = (await shownIn(world, id)).properties;
  expect(
    replicationStatus?.summary.map(({ region, state }) => [region, state]),
  ).toContainEqual(["East US", "Completed"]);
  expect(end?.regions.map(({ state }) => state)).toEqual([
    "Completed",
    "Completed",
  ]);
  expect([end?.status, end?.error?.message]).toEqual(["Succeeded", undefined]);
});

test.each(["allRegionsReady", "regions"] as const)(
  "a hold-back said in words overrules the rule %s, which a retry would meet",
  async (when) => {
    const sigil = {
      promotion: {
        when,
        ...(when === "regions" && { regions: ["eastus2"] }),
      },
    };
    await fail(4);
    const creation = operationIn(await put(world, id, plain(TWO, { sigil })));
    expect(await ended(world, [creation])).toMatchObject([
      { status: "Failed" },
    ]);
    await patch(world, id, {
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    await pass(world, 5 * MINUTE_MS);
    const retry = await byHand.retry(world, id);
    expect(await ended(world, [retry])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, id)).toBe(true);
  },
);
