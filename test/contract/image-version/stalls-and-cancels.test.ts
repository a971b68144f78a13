import { describe, expect, test } from "vitest";

import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationDependencies } from "../../../src/operation/ports.js";
import type { OperationRecord, TrackedRecord } from "../../../src/operation/records.js";
import { commandOf, idOf, request, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { managedImageRequest, seedRegion } from "../../support/requests.js";
import { ended, made, operationIn, patch, plain, put, shownIn } from "./truth/support.js";

const HOUR_MS = 3_600_000;
const HOME = [{ name: "westus" }, { name: "eastus2" }];
let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 10 * 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const eventsOf = async (kind: string): Promise<CloudEvent[]> =>
  (await world.takeEvents()).filter(
    ({ type, subject }) => subject === id && type === `Sigil.ImageVersion.${kind}`,
  );

/** Moves the clock by so much, message by message. */
async function pass(ms: number): Promise<void> {
  const end = world.clock.now() + ms;
  while (world.clock.now() < end) {
    await world.runDue();
    world.clock.advance(Math.min(120_000, end - world.clock.now()));
  }
  await world.runDue();
}

describe("a region that makes no progress", () => {
  test("is told to be stalled once, with its age in sight, and to go on when it does; no clock fails it", async () => {
    await world.simulator.control.stallRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 40,
    });
    await request(world.deps, id, managedImageRequest());
    await pass(HOUR_MS);
    expect(await eventsOf("RegionStalled")).toEqual([]);

    await pass(3 * HOUR_MS);
    const stalled = await eventsOf("RegionStalled");
    expect(stalled.map(({ data }) => data)).toMatchObject([{ region: "eastus2", progress: 40 }]);
    const { record } = await world.read(id);
    expect(record.state).toBe("Replicating");
    const region = record.regions.find(({ name }) => name === "eastus2");
    expect(region).toMatchObject({ state: "Replicating", progress: 40 });
    const age = Date.parse(region?.stalledTime ?? "") - Date.parse(region?.lastProgressTime ?? "");
    expect(age).toBeGreaterThanOrEqual(2 * HOUR_MS);

    await world.simulator.control.resumeRegion({
      versionId: id,
      region: "eastus2",
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect((await eventsOf("RegionResumed")).map(({ data }) => data)).toMatchObject([
      { region: "eastus2" },
    ]);
    expect((await world.read(id)).record.regions).not.toContainEqual(
      expect.objectContaining({ stalledTime: expect.anything() as unknown }),
    );
  });
});

async function inAzure(): Promise<ImageVersionRequest> {
  const shown = await world.deps.resourceManager.getImageVersion(idOf(id));
  if (shown === undefined) throw new Error("it is gone");
  return shown.resource;
}

async function excluded(): Promise<boolean> {
  const { publishingProfile } = (await inAzure()).properties;
  return publishingProfile?.excludeFromLatest === true;
}

describe("an operation that is canceled", () => {
  const deps = (): OperationDependencies<TrackedRecord> => world.deps;
  const canceler = { appId: "operator" };
  /** No other version is there. */
  const OUT = { allowNoLatest: true };

  test("before anything was sent sends nothing, and its message finds nothing to do", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    const canceled = await cancelOperation(deps(), operation.id, canceler);
    expect(canceled).toMatchObject({
      status: "Canceled",
      endTime: expect.any(String) as string,
    });
    expect(canceled.history.at(-1)).toMatchObject({
      state: "Canceled",
      message: expect.any(String) as string,
    });
    await pass(HOUR_MS);
    expect(world.simulator.control.creates(id)).toBe(0);
    expect(
      (await world.takeEvents()).filter(({ subject }) => subject === id).map(({ type }) => type),
    ).toEqual(["Sigil.ImageVersion.Accepted", "Sigil.ImageVersion.Canceled"]);
    expect(await world.takeDue()).toEqual([]);
  });

  test("while Azure makes the version ends once that is excluded from latest", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    await world.runDue();
    const canceled = await cancelOperation(deps(), operation.id, canceler, OUT);
    // It has begun: its end comes when the version is left as it should be.
    expect(canceled).toMatchObject({ status: "Running", canceledBy: canceler });
    expect(canceled).not.toHaveProperty("endTime");
    expect(canceled.history.at(-1)).toMatchObject({
      state: "Canceling",
      message: expect.any(String) as string,
    });
    expect(await cancelOperation(deps(), operation.id, canceler)).toEqual(canceled);
    const ended = await world.finish(id);
    expect(ended).toMatchObject({
      id: operation.id,
      status: "Canceled",
      canceledBy: canceler,
    });
    expect(ended.history.at(-1)?.message).toContain(
      "Azure keeps the version, excluded from latest",
    );
    expect(await excluded()).toBe(true);
    expect(world.simulator.control.creates(id)).toBe(1);
    expect(await eventsOf("Canceled")).toMatchObject([
      { id: `${operation.id}/canceled`, data: { canceledBy: canceler } },
    ]);

    // The same PUT is the way on: it finds the version out of latest by the cancel alone.
    expect(await putImageVersion(world.deps, commandOf(id, managedImageRequest()))).toMatchObject({
      kind: "accepted",
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(await excluded()).toBe(false);
  });

  test("whose create request was never processed ends Canceled, and makes nothing", async () => {
    world.simulator.control.addFault({
      method: "PUT",
      path: `/versions/${idOf(id).versionName}\\?`,
      action: "reset",
    });
    const operation = await request(world.deps, id, managedImageRequest());
    await world.runDue();
    expect(await cancelOperation(deps(), operation.id, canceler)).toMatchObject({
      status: "Running",
    });
    expect(await world.finish(id)).toMatchObject({ status: "Canceled" });
    expect(world.simulator.control.creates(id)).toBe(0);
    expect(await eventsOf("Failed")).toEqual([]);
  });

  test("whose create request Azure refuses for now ends at once, and makes nothing", async () => {
    world.simulator.control.addFault({
      method: "PUT",
      path: `/versions/${idOf(id).versionName}\\?`,
      status: 429,
      times: null,
    });
    const operation = await request(world.deps, id, managedImageRequest());
    await pass(HOUR_MS / 6);
    expect(await cancelOperation(deps(), operation.id, canceler)).toMatchObject({
      status: "Canceled",
    });
    world.simulator.control.clearFaults();
    await pass(HOUR_MS);
    expect(world.simulator.control.creates(id)).toBe(0);
  });

  test("while its change is made leaves latest as it is, and ends at once", async () => {
    await request(world.deps, id, managedImageRequest());
    await world.finish(id);
    const update = await request(world.deps, id, {
      ...managedImageRequest(),
      tags: { build: "2" },
    });
    await world.runDue();
    expect(await cancelOperation(deps(), update.id, canceler)).toMatchObject({
      status: "Canceled",
    });
    expect(await excluded()).toBe(false);
  });

  describe("in the midst of a repair", () => {
    test.each([
      ["a creation", true],
      ["an update", false],
    ])("of %s adds the region back first, and closes the safety profile", async (_, creates) => {
      if (!creates) {
        await request(world.deps, id, managedImageRequest());
        await world.finish(id);
      }
      const { control } = world.simulator;
      await control.failRegion({
        versionId: id,
        region: creates ? "eastus2" : "eastus",
        message: "Out of capacity.",
      });
      const body = managedImageRequest();
      const operation = await request(world.deps, id, {
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: {
            targetRegions: [
              ...(body.properties.publishingProfile?.targetRegions ?? []),
              ...(creates ? [] : [seedRegion("eastus", "EastUS")]),
            ],
          },
        },
      });
      const before = await regionsSoon(creates ? 1 : 2);
      // The region is taken away at this very time, and the permission for that is open.
      expect(before.properties.safetyProfile).toMatchObject({
        allowDeletionOfReplicatedLocations: true,
      });
      expect(await cancelOperation(deps(), operation.id, canceler, OUT)).toMatchObject({
        status: "Running",
        canceledBy: canceler,
      });
      expect(await world.finish(id)).toMatchObject({
        id: operation.id,
        status: "Canceled",
      });
      const shown = await inAzure();
      expect(shown.properties.publishingProfile?.targetRegions).toHaveLength(creates ? 2 : 3);
      expect(shown.properties.safetyProfile).toMatchObject({
        allowDeletionOfReplicatedLocations: false,
      });
      expect(await excluded()).toBe(creates);
    });

    /** Lets time pass until Azure shows so many regions. */
    async function regionsSoon(count: number): Promise<ImageVersionRequest> {
      for (let minutes = 0; minutes < 120; minutes += 1) {
        await world.runDue();
        const shown = await world.deps.resourceManager.getImageVersion(idOf(id));
        const { targetRegions = [] } = shown?.resource.properties.publishingProfile ?? {};
        if (
          shown !== undefined &&
          targetRegions.length === count &&
          shown.resource.properties.safetyProfile?.allowDeletionOfReplicatedLocations === true
        )
          return shown.resource;
        world.clock.advance(15_000);
      }
      throw new Error("no region is taken away");
    }
  });

  describe("says what is so in Azure", () => {
    const BODY = plain();

    /** A creation whose second region stalls, and another operation that watches a third. */
    async function watched(more: Parameters<typeof plain>[1]): Promise<readonly OperationRecord[]> {
      await world.simulator.control.setSucceededWhen("homeRegion");
      await world.simulator.control.stallRegion({
        versionId: id,
        region: "eastus2",
        atProgress: 20,
      });
      const creation = operationIn(await put(world, id, BODY));
      await pass(HOUR_MS / 4);
      const regions = [...HOME, { name: "eastus" }];
      const other = operationIn(await put(world, id, plain(regions, more)));
      await pass(60_000);
      await cancelOperation(deps(), creation.id, canceler, OUT);
      await world.simulator.control.resumeRegion({
        versionId: id,
        region: "eastus2",
      });
      return ended(world, [creation, other]);
    }

    test("and leaves a version that it was making out of latest, whoever watches it", async () => {
      const [creation, other] = await watched({ tags: { b: "1" } });
      expect(creation).toMatchObject({
        status: "Canceled",
        canceledBy: canceler,
      });
      expect(other).toMatchObject({ status: "Succeeded" });
      expect(other).not.toHaveProperty("canceledBy");
      expect(await excluded()).toBe(true);
      expect(await eventsOf("Canceled")).toHaveLength(1);
    });

    test("where the answer to its create request was lost: no sooner than looks can be that old", async () => {
      await world.simulator.control.setLag({ ms: 300_000 });
      world.simulator.control.addFault({
        method: "PUT",
        path: `/versions/${idOf(id).versionName}\\?`,
        action: "reset-after-processing",
        times: 1,
      });
      const creation = operationIn(await put(world, id, BODY));
      await world.runDue();
      await cancelOperation(deps(), creation.id, canceler, OUT);
      await pass(240_000);
      expect((await world.deps.store.readOperation(creation.id))?.operation).toMatchObject({
        status: "Running",
        waitReason: expect.any(String) as string,
      });
      const [end] = await ended(world, [creation]);
      expect(end).toMatchObject({ status: "Canceled" });
      expect(end?.history.at(-1)?.message).not.toContain("does not have");
      await world.simulator.control.setLag({ ms: 0 });
      expect(await excluded()).toBe(true);
    });
  });

  describe("holds the next back", () => {
    const refusePut = (status: number, headers: Record<string, string> = {}): void => {
      world.simulator.control.addFault({
        method: "PUT",
        path: `/versions/${idOf(id).versionName}\\?`,
        status,
        headers,
        times: null,
      });
    };

    test("no longer than it takes to look, where ARM had refused it as busy for hours", async () => {
      await made(world, id, plain());
      refusePut(409);
      const change = operationIn(await patch(world, id, { tags: { a: "1" } }));
      await pass(11 * HOUR_MS);
      world.simulator.control.clearFaults();
      await cancelOperation(deps(), change.id, canceler);
      const next = operationIn(await patch(world, id, { tags: { b: "1" } }));
      expect(next.nextAttemptTime).toBeUndefined();
      await world.runDue();
      expect((await shownIn(world, id)).tags).toEqual({ b: "1" });
    });

    test("as long as ARM's own Retry-After says, and the next says so", async () => {
      await made(world, id, plain());
      refusePut(429, { "Retry-After": "3600" });
      const change = operationIn(await patch(world, id, { tags: { a: "1" } }));
      await world.runDue();
      const until = new Date(world.clock.now() + HOUR_MS).toISOString();
      world.simulator.control.clearFaults();
      await cancelOperation(deps(), change.id, canceler);
      const next = operationIn(await patch(world, id, { tags: { b: "1" } }));
      expect(next).toMatchObject({
        status: "NotStarted",
        waitReason: expect.any(String) as string,
        nextAttemptTime: until,
      });
      await ended(world, [next]);
      expect((await shownIn(world, id)).tags).toEqual({ b: "1" });
    });

    test("while its own PUT may be under way, and the next says so", async () => {
      await made(world, id, plain());
      world.simulator.control.addFault({
        method: "PUT",
        path: `/versions/${idOf(id).versionName}\\?`,
        action: "reset",
      });
      const change = operationIn(await patch(world, id, { tags: { a: "1" } }));
      await world.runDue();
      const untilMs = world.clock.now() + 120_000;
      await cancelOperation(deps(), change.id, canceler);
      const next = operationIn(await patch(world, id, { tags: { b: "1" } }));
      const waitsUntilMs = Date.parse(next.nextAttemptTime ?? "");
      expect(waitsUntilMs).toBeGreaterThan(untilMs - 1_000);
      expect(waitsUntilMs).toBeLessThanOrEqual(untilMs);
      expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    });
  });

  test("while ARM accepts its change is known to be accepted all the same", async () => {
    await made(world, id, plain());
    const change = operationIn(await patch(world, id, { tags: { a: "1" } }));
    const { resourceManager } = world.deps;
    const canceling = {
      ...world.deps,
      resourceManager: {
        ...resourceManager,
        putImageVersion: async (...given: Parameters<typeof resourceManager.putImageVersion>) => {
          const url = await resourceManager.putImageVersion(...given);
          await cancelOperation(deps(), change.id, canceler);
          return url;
        },
      },
    };
    for (const message of await world.takeDue()) await world.handle(message, canceling);
    expect((await world.read(id)).record.write?.answer).toBe("accepted");
  });

  test("again is the same; one that has ended otherwise, or is none, is refused", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    const first = await cancelOperation(deps(), operation.id, canceler);
    expect(await cancelOperation(deps(), operation.id, canceler)).toEqual(first);
    const second = await request(world.deps, id, managedImageRequest());
    await world.finish(id);
    await expect(cancelOperation(deps(), second.id, canceler)).rejects.toMatchObject({
      code: "OperationEnded",
    });
    await expect(cancelOperation(deps(), `${"0".repeat(32)}-1`, canceler)).rejects.toMatchObject({
      code: "NotFound",
    });
  });
});
