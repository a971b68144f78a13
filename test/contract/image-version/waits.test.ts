/** Every operation that is not over says what it waits for, and is told to be stalled where that lasts. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { viewOperation } from "../../../src/operation/views.js";
import { startInProcess, type InProcess } from "../../support/dependencies.js";
import { seedRegion } from "../../support/requests.js";
import { nextVersionId } from "../../support/one-world.js";
import {
  BY,
  byHand,
  ended,
  facts,
  inAzure,
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
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 600_000, spread: 0 });
});
afterAll(() => world.close());

let id: string;
beforeEach(async () => {
  id = nextVersionId();
  await world.takeEvents();
});
afterEach(async () => {
  const { control } = world.simulator;
  control.clearFaults();
  await control.setReplicationSpeed(1);
  await control.setSucceededWhen("everyRegion");
});

const stall = (): Promise<void> =>
  world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 20,
  });
const resume = (): Promise<void> =>
  world.simulator.control.resumeRegion({ versionId: id, region: "eastus2" });

/** ARM shows what it shows now for ever, in that state. */
async function freeze(provisioningState: string): Promise<void> {
  const shown = await shownIn(world, id);
  world.simulator.control.addFault({
    method: "GET",
    path: `${id}\\?`,
    status: 200,
    body: { ...shown, properties: { ...shown.properties, provisioningState } },
    times: null,
  });
}

/** What it says while it waits; its next look is to come. */
async function waits(one: OperationRecord): Promise<string | undefined> {
  const now = await operation(world, one);
  expect(now.endTime).toBeUndefined();
  expect(Date.parse(now.nextAttemptTime ?? "")).toBeGreaterThanOrEqual(
    world.clock.now(),
  );
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
  test.each(["Creating", "Updating"])(
    "though every region is Completed: %s",
    async (state) => {
      if (state === "Updating") await made(world, id, BODY);
      const one = operationIn(
        await put(world, id, plain(undefined, { tags: { a: "1" } })),
      );
      await world.runDue();
      if (state === "Creating") {
        await pass(world, 580_000);
        world.clock.advance(60_000);
      }
      await freeze(state);
      await pass(world, HOUR_MS / 2);
      expect(await waits(one)).toBe(BUSY);
      expect(await told(one)).toEqual([]);
      await pass(world, 6 * HOUR_MS);
      expect(await waits(one)).toBe(BUSY);
      expect(await told(one)).toEqual(["stalled"]);
      world.simulator.control.clearFaults();
      expect(await ended(world, [one])).toMatchObject([
        { status: "Succeeded" },
      ]);
    },
  );

  test("while a version is Deleting", async () => {
    await made(world, id, BODY);
    const deletion = await byHand.remove(world, id);
    await world.simulator.control.setReplicationSpeed(0);
    await pass(world, 6 * HOUR_MS);
    expect(await waits(deletion)).toBe(
      "Azure Resource Manager is deleting the version.",
    );
    expect(await told(deletion)).toEqual(["stalled"]);
    await world.simulator.control.setReplicationSpeed(1);
    expect(await ended(world, [deletion])).toMatchObject([
      { status: "Succeeded" },
    ]);
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
    expect(await ended(world, [creation])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });

  test("says which regions it waits for where ARM itself is at rest", async () => {
    await world.simulator.control.setSucceededWhen("homeRegion");
    await stall();
    const creation = operationIn(await put(world, id, BODY));
    await pass(world, 900_000);
    expect(await waits(creation)).toBe(
      "Azure replicates the version to eastus2.",
    );
    await resume();
    await ended(world, [creation]);
  });
});

test("what is queued says behind what, and is told to be stalled and to go on as any other", async () => {
  await stall();
  const creation = operationIn(await put(world, id, BODY));
  await pass(world, 60_000);
  const change = operationIn(await patch(world, id, { tags: { b: "1" } }));
  const behind = `It is queued behind operation ${creation.id}.`;
  expect(await waits(change)).toBe(behind);
  expect(await told(change)).toEqual([]);
  await pass(world, 6 * HOUR_MS);
  expect(await waits(change)).toBe(behind);
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
    await cancelOperation(world.deps, creation.id, BY.requestedBy);
    await pass(world, HOUR_MS / 2);
    expect(await waits(creation)).toBe(BUSY);
    await pass(world, HOUR_MS);
    expect(await told(creation)).toEqual(["stalled"]);
    await resume();
    expect(await ended(world, [creation])).toMatchObject([
      { status: "Canceled" },
    ]);
    expect(
      (await shownIn(world, id)).properties.publishingProfile.excludeFromLatest,
    ).toBe(true);
  });

  test.each([
    ["canceled", "Canceled"],
    ["not canceled", "Failed"],
  ])("is deleted while ARM works on it, %s", async (does, status) => {
    await stall();
    const creation = operationIn(await put(world, id, BODY));
    await pass(world, 60_000);
    if (does === "canceled")
      await cancelOperation(world.deps, creation.id, BY.requestedBy);
    const deletion = await byHand.remove(world, id);
    expect(deletion).toMatchObject({ kind: "DeleteImageVersion" });
    await world.runDue();
    expect(await operation(world, creation)).toMatchObject({ status });
    const start = world.clock.now();
    expect(await ended(world, [deletion])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(world.clock.now() - start).toBeLessThan(HOUR_MS);
    expect(await inAzure(world, id)).toBeUndefined();
  });
});

test("those who watch their regions go on where another's proof fails", async () => {
  await world.simulator.control.setSucceededWhen("homeRegion");
  await stall();
  const regions = [
    seedRegion("westus", "WestUS"),
    seedRegion("eastus2", "EastUS2"),
  ];
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
  expect(await waits(creation)).toBe(
    "Azure replicates the version to eastus2.",
  );
  await resume();
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
});
