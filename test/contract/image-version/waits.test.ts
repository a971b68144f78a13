/** Every operation that is not over says what it waits for, and is told to be stalled where that lasts. */
import { describe, expect, test } from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { viewOperation } from "../../support/views.js";
import type { InProcess } from "../../support/dependencies.js";
import { seedRegion } from "../../support/requests.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import {
  BY,
  byHand,
  ended,
  facts,
  made,
  operation,
  operationIn,
  pass,
  patch,
  plain,
  put,
  shownIn,
} from "./truth/support.js";

const HOUR_MS = 3_600_000;
const BODY = plain();
const BUSY = "Azure Resource Manager is working on the version.";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const stall = (): Promise<void> =>
  world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 20,
  });
const resume = (): Promise<void> =>
  world.simulator.control.resumeRegion({ versionId: id, region: "eastus2" });

/** What it says while it waits; its next look is to come. */
async function waits(one: OperationRecord): Promise<string | undefined> {
  const now = await operation(world, one);
  expect(now.endTime).toBeUndefined();
  expect(Date.parse(now.nextAttemptTime ?? "")).toBeGreaterThanOrEqual(world.clock.now());
  expect(viewOperation(now)).not.toHaveProperty("waitingSince");
  expect(viewOperation(now)).not.toHaveProperty("stalled");
  return now.waitReason;
}

/** The waits that were told of it since the last call, in few words. */
async function told(one: OperationRecord): Promise<string[]> {
  return facts(await world.takeEvents(), one)
    .map((fact) => fact.split("/")[0] ?? "")
    .filter((fact) => ["stalled", "resumed"].includes(fact));
}

describe("where ARM does not come to rest, an operation is told to be stalled, and to go on", () => {
  test("while a version is Deleting", async () => {
    await made(world, id, BODY);
    const deletion = await byHand.remove(world, id);
    await world.simulator.control.setReplicationSpeed(0);
    await pass(world, 6 * HOUR_MS);
    expect(await waits(deletion)).toContain("deleting");
    expect(await told(deletion)).toEqual(["stalled"]);
    await world.simulator.control.setReplicationSpeed(1);
    expect(await ended(world, [deletion])).toMatchObject([{ status: "Succeeded" }]);
  });

  test("once each of its regions has stalled, and not while one gets on", async () => {
    await stall();
    const creation = operationIn(await put(world, id, BODY));
    await pass(world, 2 * HOUR_MS);
    expect(await waits(creation)).toBe(BUSY);
    expect(await told(creation)).toEqual([]);
    await pass(world, 2 * HOUR_MS);
    expect(await told(creation)).toEqual(["stalled"]);
    await resume();
    await pass(world, 300_000);
    expect(await told(creation)).toEqual(["resumed"]);
    expect(await ended(world, [creation])).toMatchObject([{ status: "Succeeded" }]);
  });

  test("says which regions it waits for where ARM itself is at rest", async () => {
    await world.simulator.control.setSucceededWhen("homeRegion");
    await stall();
    const creation = operationIn(await put(world, id, BODY));
    await pass(world, 900_000);
    expect(await waits(creation)).toEqual(naming(["eastus2"]));
    await resume();
    await ended(world, [creation]);
  });
});

test("what comes while ARM works is told to be stalled and to go on with the rest", async () => {
  await stall();
  const creation = operationIn(await put(world, id, BODY));
  await pass(world, 60_000);
  const change = operationIn(await patch(world, id, { tags: { b: "1" } }));
  expect(await told(change)).toEqual([]);
  await pass(world, 6 * HOUR_MS);
  expect(await told(change)).toEqual(["stalled"]);
  await resume();
  const ends = await ended(world, [creation, change]);
  expect(ends).toMatchObject(Array(2).fill({ status: "Succeeded" }));
  expect(ends[1]).not.toHaveProperty("waitReason");
  expect(await told(change)).toEqual(["resumed"]);
});

describe("a creation whose region stalls for ever", () => {
  test("is canceled: it waits for ARM, and says so", async () => {
    await stall();
    const creation = operationIn(await put(world, id, BODY));
    await pass(world, 60_000);
    await cancelOperation(world.deps, creation.id, BY.requestedBy, BY);
    await pass(world, HOUR_MS / 2);
    expect(await waits(creation)).toEqual(naming(["eastus2", "Creating", "20 %"]));
    await pass(world, HOUR_MS);
    expect(await told(creation)).toEqual(["stalled"]);
    await resume();
    expect(await ended(world, [creation])).toMatchObject([{ status: "Canceled" }]);
    expect((await shownIn(world, id)).properties.publishingProfile.excludeFromLatest).toBe(true);
  });
});

test("those who watch their regions go on where another's proof fails", async () => {
  await world.simulator.control.setSucceededWhen("homeRegion");
  await stall();
  const regions = [seedRegion("westus", "WestUS"), seedRegion("eastus2", "EastUS2")];
  const creation = operationIn(await put(world, id, plain(regions)));
  await pass(world, 900_000);
  const refused = operationIn(
    await put(world, id, plain([...regions, seedRegion("eastus", "Missing")])),
  );
  await pass(world, 120_000);
  expect(await operation(world, refused)).toMatchObject({
    status: "Failed",
    error: { code: "PreflightFailed" },
  });
  expect(await waits(creation)).toEqual(naming(["eastus2"]));
  await resume();
  expect(await ended(world, [creation])).toMatchObject([{ status: "Succeeded" }]);
});
