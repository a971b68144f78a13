/** What is refused, or stands still, for hours, days and months: what is told of it, and how small its records stay. */
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { FaultSpec } from "@sigil-local/arm-simulator/parts/faults";
import type { OperationRecord } from "../../../src/operation/records.js";
import { withCalls } from "../../../src/operation/audit.js";
import type { TransitionContext, PollingPolicy } from "../../../src/operation/ports.js";
import { wait } from "../../../src/operation/waiting.js";
import type { Look } from "../../../src/image-version/resources.js";
import { reconcile } from "../../../src/image-version/state/reconcile.js";
import type { ImageVersionPair } from "../../../src/image-version/state/record.js";
import { lookAt } from "../../../src/image-version/queries/look-at.js";
import { viewOperation } from "../../support/views.js";
import { idOf, request, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { managedImageRequest, seedRegion } from "../../support/requests.js";
import { see } from "../../../src/image-version/telling/tell.js";
import { beginWrite, follow, writePostponed } from "../../support/decisions.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Far below the 1 MiB of an entity in Table Storage, which has both a record and its operation. */
const SMALL = 128 * 1024;

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const versionPath = (): string => `${id}\\?`;

/** Refuses each PUT of the version until faults are cleared. */
function refusePuts(spec: FaultSpec): void {
  world.simulator.control.addFault({
    ...spec,
    method: "PUT",
    path: versionPath(),
    times: null,
  });
}

const puts = (): number =>
  world.simulator.control.countRequests({
    method: "PUT",
    path: versionPath(),
  });

async function eventsOf(kind: string): Promise<CloudEvent[]> {
  return (await world.takeEvents()).filter(
    ({ type, subject }) => subject === id && type === `Sigil.ImageVersion.${kind}`,
  );
}

/** Handles what is due for so long, and lets `look` see the operation after each step. */
async function pass(
  ms: number,
  look: (operation: OperationRecord) => void = () => undefined,
): Promise<void> {
  const end = world.clock.now() + ms;
  for (;;) {
    await world.runDue();
    const { record, operation } = await world.read(id);
    look(operation);
    const due = Date.parse(record.dueTime);
    if (operation.endTime !== undefined || due > end) break;
    world.clock.advance(Math.max(1_000, due - world.clock.now()));
  }
  world.clock.advance(Math.max(0, end - world.clock.now()));
}

async function made(): Promise<void> {
  await request(world.deps, id, managedImageRequest());
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  await world.takeEvents();
  world.simulator.control.clearRequests();
}

const tagged = (build: string): ImageVersionRequest => ({
  ...managedImageRequest(),
  tags: { build },
});

const state = async (): Promise<string> => (await world.read(id)).record.state;

async function length(): Promise<number> {
  const { record, operation } = await world.read(id);
  return Math.max(JSON.stringify(record).length, JSON.stringify(operation).length);
}

describe("an operation whose write is refused", () => {
  test.each<[string, FaultSpec]>([
    ["Creating", { status: 429 }],
    ["Creating", { status: 500 }],
    ["Creating", { status: 409 }],
    ["Updating", { status: 429 }],
    ["Updating", { status: 500 }],
    ["Updating", { status: 409 }],
  ])(
    "in %s with %j says so once after an hour, and once when it goes on",
    async (waitsIn, fault) => {
      if (waitsIn === "Updating") await made();
      refusePuts(fault);
      const { id: operationId } = await request(world.deps, id, tagged("1"));
      await pass(55 * MINUTE_MS);
      expect(await state()).toBe(waitsIn);
      expect(await eventsOf("OperationStalled")).toEqual([]);

      await pass(3 * HOUR_MS);
      const stalled = await eventsOf("OperationStalled");
      expect(stalled).toMatchObject([
        {
          data: {
            operationId,
            state: waitsIn,
            since: expect.any(String) as string,
            reason: expect.stringContaining(
              // No answer: what became of it is asked of Azure first.
              fault.status === 500 ? "no answer" : String(fault.status),
            ) as string,
            nextAttemptTime: expect.any(String) as string,
          },
        },
      ]);
      const [{ time, data } = { time: "", data: {} }] = stalled;
      const { since } = data as { since: string };
      expect(Date.parse(time) - Date.parse(since)).toBeGreaterThanOrEqual(HOUR_MS);
      expect(Date.parse(time) - Date.parse(since)).toBeLessThan(1.2 * HOUR_MS);

      world.simulator.control.clearFaults();
      expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
      const told = (await world.takeEvents()).filter(({ subject }) => subject === id);
      expect(told.filter(({ type }) => type.endsWith("OperationResumed"))).toMatchObject([
        { data: { operationId, state: "Replicating" } },
      ]);
      expect(told.filter(({ type }) => type.endsWith("Stalled"))).toEqual([]);
    },
  );

  test("shows what it waits for and when it goes on, as long as it waits", async () => {
    await made();
    refusePuts({ status: 429, headers: { "Retry-After": "600" } });
    await request(world.deps, id, tagged("1"));
    await pass(HOUR_MS, (operation) => {
      if (operation.waitReason === undefined) return;
      expect(viewOperation(operation)).toMatchObject({
        status: "Running",
        waitReason: expect.stringMatching(/answered 429 TooManyRequests/u) as string,
      });
      expect(Date.parse(operation.nextAttemptTime ?? "") - world.clock.now()).toBe(600_000);
    });
    const { operation } = await world.read(id);
    expect(operation.history.map((entry) => entry.state)).toEqual([
      "Accepted",
      "Updating",
      "Waiting",
    ]);
    expect(operation.history.at(-1)?.message).toBe(
      `${operation.waitReason} Next try at ${operation.nextAttemptTime}.`,
    );
    world.simulator.control.clearFaults();
    const ended = await world.finish(id);
    expect(ended).not.toHaveProperty("waitReason");
    expect(ended).not.toHaveProperty("nextAttemptTime");
  });

  test("tells one update, however often that is sent", async () => {
    await made();
    refusePuts({ status: 429 });
    await request(world.deps, id, tagged("1"));
    await pass(6 * HOUR_MS);
    expect(puts()).toBeGreaterThan(10);
    expect(await eventsOf("Updating")).toHaveLength(1);
    world.simulator.control.clearFaults();
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  });

  test("that succeeds in between has not waited all the time", async () => {
    // Where nothing was copied yet, no region is late in three hours.
    await request(world.deps, id, managedImageRequest());
    await world.simulator.control.stallRegion({
      versionId: id,
      region: "eastus2",
    });
    await world.runDue();
    // One look in thirty fails.
    for (let hours = 0; hours < 3; hours += 1) {
      world.simulator.control.addFault({
        method: "GET",
        path: versionPath(),
        status: 500,
      });
      await pass(HOUR_MS);
    }
    expect(await eventsOf("OperationStalled")).toEqual([]);
    await world.simulator.control.resumeRegion({
      versionId: id,
      region: "eastus2",
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  });
});

describe("a 409 of a busy version", () => {
  test("is believed where looks show that somebody else updates it: nothing is sent until that has ended", async () => {
    await made();
    const { control } = world.simulator;
    // Somebody else adds a region, which makes no progress for hours.
    await control.stallRegion({ versionId: id, region: "eastus" });
    const body = managedImageRequest();
    await world.deps.resourceManager.putImageVersion(idOf(id), {
      ...body,
      properties: {
        ...body.properties,
        publishingProfile: {
          targetRegions: [
            ...(body.properties.publishingProfile?.targetRegions ?? []),
            seedRegion("eastus", "EastUS"),
          ],
        },
      },
    });
    control.clearRequests();
    const { id: operationId } = await request(world.deps, id, tagged("1"));
    await pass(4 * HOUR_MS);
    expect(puts()).toBe(0);
    expect((await world.deps.store.readOperation(operationId))?.operation).toMatchObject({
      waitReason: expect.any(String) as string,
      nextAttemptTime: expect.any(String) as string,
    });
    expect(await eventsOf("OperationStalled")).toHaveLength(1);
    await control.resumeRegion({ versionId: id, region: "eastus" });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(puts()).toBe(1);
  });
});

describe("however long it takes, the records stay small", () => {
  test.each<[string, FaultSpec]>([
    ["the create request is throttled", { status: 429 }],
    ["the create request has no answer", { action: "reset" }],
  ])(
    "%s for five days",
    async (_, fault) => {
      refusePuts(fault);
      await request(world.deps, id, tagged("1"));
      await pass(4 * DAY_MS);
      const before = await length();
      world.simulator.control.clearRequests();
      await pass(DAY_MS, ({ history, calls = [] }) => {
        expect(history.length).toBeLessThan(8);
        expect(calls.length).toBeLessThanOrEqual(200);
      });
      // Each hour: it is never forgotten.
      expect(puts()).toBeGreaterThan(20);
      expect(puts()).toBeLessThan(27);
      const after = await length();
      expect(after).toBeLessThan(SMALL);
      expect(after - before).toBeLessThan(2_048);
      world.simulator.control.clearFaults();
      expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
      expect(world.simulator.control.creates(id)).toBe(1);
    },
    180_000,
  );

  /** The steps of ninety days, one after the other, without a server between them. */
  async function ninetyDays(
    step: (pair: ImageVersionPair, context: TransitionContext) => ImageVersionPair,
    shown: Partial<Look> = {},
    slower: Partial<PollingPolicy> = {},
  ): Promise<{ readonly pair: ImageVersionPair; readonly steps: number }> {
    await made();
    await request(world.deps, id, tagged("1"));
    const observed = await lookAt(world.deps, idOf(id));
    if (observed === undefined) throw new Error("it is gone");
    let pair: ImageVersionPair = await world.read(id);
    const { eventSource, kinds } = world.deps;
    const pace = { ...world.deps.pace, ...slower };
    const end = world.clock.now() + 90 * DAY_MS;
    let steps = 0;
    for (;;) {
      const now = new Date(Date.parse(pair.record.dueTime));
      if (now.getTime() > end) break;
      const context: TransitionContext = { now, pace, eventSource, kinds };
      const look = { ...observed, ...shown, time: now.toISOString() };
      const { record, operation } = withCalls(step(see(pair, look, context), context), CALLS);
      // All is told.
      pair = { record: { ...record, outbox: [] }, operation };
      steps += 1;
      if (steps % 500 !== 0) continue;
      expect(JSON.stringify(record).length).toBeLessThan(SMALL);
      expect(JSON.stringify(operation).length).toBeLessThan(SMALL);
    }
    expect(JSON.stringify(pair.operation).length).toBeLessThan(SMALL);
    await world.finish(id);
    return { pair, steps };
  }

  const CALLS = ["GET", "PUT"].map((method) => ({
    time: "2026-01-01T00:00:00.000Z",
    method,
    path: "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/galleries/MyGallery/images/MyImage/versions/1.0.0",
    status: 429,
    correlationId: "00000000-0000-0000-0000-000000000000",
  }));

  const refused =
    (reason: string) =>
    (pair: ImageVersionPair, context: TransitionContext): ImageVersionPair => {
      const decision = reconcile(pair.record, context);
      if (decision.kind !== "put") throw new Error(decision.kind);
      const sent = beginWrite(pair, decision, context);
      return wait(writePostponed(sent, context), reason, 30_000, context);
    };

  test.each(["429 TooManyRequests", "409 Conflict"])(
    "an update is answered %s for ninety days",
    async (answer) => {
      const { pair, steps } = await ninetyDays(refused(answer));
      expect(steps).toBeGreaterThan(90 * 20);
      expect(steps).toBeLessThan(90 * 26);
      expect(pair.record).toMatchObject({ state: "Updating" });
      expect(pair.operation.history.map((entry) => entry.state)).toEqual([
        "Accepted",
        "Updating",
        "Waiting",
      ]);
    },
  );

  test("somebody else's update goes on for ninety days", async () => {
    const { pair, steps } = await ninetyDays(
      (before, context) => {
        const decision = reconcile(before.record, context);
        if (decision.kind !== "wait") throw new Error(decision.kind);
        return follow(before, decision, context);
      },
      { provisioningState: "Updating" },
      // Two minutes would be 64,800 looks.
      { pollMaxMs: 600_000 },
    );
    expect(steps).toBeGreaterThan(90 * 24);
    expect(steps).toBeLessThan(90 * 24 * 7);
    expect(pair.operation).toMatchObject({
      waitReason: expect.any(String) as string,
      history: [{ state: "Accepted" }],
    });
  }, 180_000);
});
