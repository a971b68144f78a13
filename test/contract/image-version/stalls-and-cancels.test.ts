import { afterEach, describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/by-hand.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationDependencies } from "../../../src/operation/ports.js";
import type {
  OperationRecord,
  TrackedRecord,
} from "../../../src/operation/records.js";
import {
  commandOf,
  idOf,
  request,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { inOneWorld } from "../../support/one-world.js";
import { managedImageRequest, seedRegion } from "../../support/requests.js";
import {
  ended,
  made,
  operationIn,
  patch,
  plain,
  put,
  shownIn,
} from "./truth/support.js";

const HOUR_MS = 3_600_000;
const HOME = [{ name: "westus" }, { name: "eastus2" }];
let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 10 * 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});
afterEach(async () => {
  const { control } = world.simulator;
  control.clearFaults();
  await control.setLag({ ms: 0 });
  await control.setSucceededWhen("everyRegion");
});

const eventsOf = async (kind: string): Promise<CloudEvent[]> =>
  (await world.takeEvents()).filter(
    ({ type, subject }) =>
      subject === id && type === `Sigil.ImageVersion.${kind}`,
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
    expect(stalled.map(({ data }) => data)).toMatchObject([
      { region: "eastus2", progress: 40 },
    ]);
    const { record } = await world.read(id);
    expect(record.state).toBe("Replicating");
    const region = record.regions.find(({ name }) => name === "eastus2");
    expect(region).toMatchObject({ state: "Replicating", progress: 40 });
    const age =
      Date.parse(region?.stalledTime ?? "") -
      Date.parse(region?.lastProgressTime ?? "");
    expect(age).toBeGreaterThanOrEqual(2 * HOUR_MS);

    await world.simulator.control.resumeRegion({
      versionId: id,
      region: "eastus2",
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(
      (await eventsOf("RegionResumed")).map(({ data }) => data),
    ).toMatchObject([{ region: "eastus2" }]);
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

  test("before anything was sent sends nothing, and its message finds nothing to do", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    const canceled = await cancelOperation(deps(), operation.id, canceler);
    expect(canceled).toMatchObject({
      status: "Canceled",
      endTime: expect.any(String) as string,
    });
    expect(canceled.history.at(-1)).toMatchObject({
      state: "Canceled",
      message:
        "Canceled. Nothing was sent to Azure for it, and nothing will be.",
    });
    await pass(HOUR_MS);
    expect(world.simulator.control.creates(id)).toBe(0);
    expect(
      (await world.takeEvents())
        .filter(({ subject }) => subject === id)
        .map(({ type }) => type),
    ).toEqual(["Sigil.ImageVersion.Accepted", "Sigil.ImageVersion.Canceled"]);
    expect(await world.takeDue()).toEqual([]);
  });

  test("while Azure makes the version ends once that is excluded from latest", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    await world.runDue();
    const canceled = await cancelOperation(deps(), operation.id, canceler);
    // It has begun: its end comes when the version is left as it should be.
    expect(canceled).toMatchObject({ status: "Running", canceledBy: canceler });
    expect(canceled).not.toHaveProperty("endTime");
    expect(canceled.history.at(-1)).toMatchObject({
      state: "Canceling",
      message:
        "Canceled: it ends once Azure has finished what was sent, regions removed for a repair are added back and an unfinished version is excluded from latest.",
    });
    expect(await cancelOperation(deps(), operation.id, canceler)).toEqual(
      canceled,
    );
    const ended = await world.finish(id);
    expect(ended).toMatchObject({
      id: operation.id,
      status: "Canceled",
      canceledBy: canceler,
    });
    expect(ended.history.at(-1)?.message).toContain(
      "If it was being created, it is excluded from latest",
    );
    expect(await excluded()).toBe(true);
    expect(world.simulator.control.creates(id)).toBe(1);
    expect(await eventsOf("Canceled")).toMatchObject([
      { id: `${operation.id}/canceled`, data: { canceledBy: canceler } },
    ]);

    // The same PUT says nothing of latest: it leaves that as it is, until the version is promoted.
    expect(
      await putImageVersion(world.deps, commandOf(id, managedImageRequest())),
    ).toMatchObject({ kind: "unchanged" });
    expect(await excluded()).toBe(true);
    await promoteImageVersion(world.deps, {
      id: idOf(id),
      requestedBy: canceler,
      traceparent: TRACEPARENT,
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(await excluded()).toBe(false);
  });

  test("is made latest after all by a PUT that says so", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    await world.runDue();
    await cancelOperation(deps(), operation.id, canceler);
    await world.finish(id);
    const body = managedImageRequest();
    await request(world.deps, id, {
      ...body,
      properties: {
        ...body.properties,
        publishingProfile: {
          ...body.properties.publishingProfile,
          excludeFromLatest: false,
        },
      },
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
    expect(await cancelOperation(deps(), operation.id, canceler)).toMatchObject(
      { status: "Running" },
    );
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
    expect(await cancelOperation(deps(), operation.id, canceler)).toMatchObject(
      { status: "Canceled" },
    );
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
    ])(
      "of %s adds the region back first, and closes the safety profile",
      async (_, creates) => {
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
        expect(
          await cancelOperation(deps(), operation.id, canceler),
        ).toMatchObject({ status: "Running", canceledBy: canceler });
        expect(await world.finish(id)).toMatchObject({
          id: operation.id,
          status: "Canceled",
        });
        const shown = await inAzure();
        expect(shown.properties.publishingProfile?.targetRegions).toHaveLength(
          creates ? 2 : 3,
        );
        expect(shown.properties.safetyProfile).toMatchObject({
          allowDeletionOfReplicatedLocations: false,
        });
        expect(await excluded()).toBe(creates);
      },
    );

    /** Lets time pass until Azure shows so many regions. */
    async function regionsSoon(count: number): Promise<ImageVersionRequest> {
      for (let minutes = 0; minutes < 120; minutes += 1) {
        await world.runDue();
        const shown = await world.deps.resourceManager.getImageVersion(
          idOf(id),
        );
        const { targetRegions = [] } =
          shown?.resource.properties.publishingProfile ?? {};
        if (
          shown !== undefined &&
          targetRegions.length === count &&
          (await world.read(id)).record.opened
        )
          return shown.resource;
        world.clock.advance(15_000);
      }
      throw new Error("no region is taken away");
    }
  });

  describe("says what is so in Azure", () => {
    const BODY = plain();

    test("where it is canceled before the update that it is in was sent: Azure never gets it", async () => {
      await made(world, id, BODY);
      const first = operationIn(await patch(world, id, { tags: { r: "1" } }));
      await world.runDue();
      const a = operationIn(await patch(world, id, { tags: { a: "1" } }));
      const b = operationIn(await patch(world, id, { tags: { b: "1" } }));
      const isFormed = async (): Promise<boolean> => {
        const { record } = await world.read(id);
        return record.state === "Accepted" && record.members.length > 0;
      };
      // Message by message: what is formed is sent by the next.
      while (!(await isFormed())) {
        const due = await world.takeDue();
        for (const message of due) await world.handle(message);
        if (due.length === 0) world.clock.advance(5_000);
      }
      const canceled = await cancelOperation(deps(), a.id, canceler);
      expect(canceled.history.at(-1)?.message).toBe(
        "Canceled. Nothing was sent to Azure for it, and nothing will be.",
      );
      expect(await ended(world, [first, b])).toMatchObject(
        Array(2).fill({ status: "Succeeded" }),
      );
      expect((await shownIn(world, id)).tags).toEqual({ r: "1", b: "1" });
    });

    test("where ARM has refused what was sent for it", async () => {
      await made(world, id, BODY);
      world.simulator.control.addFault({
        method: "PUT",
        path: `/versions/${idOf(id).versionName}\\?`,
        status: 429,
        times: null,
      });
      const change = operationIn(await patch(world, id, { tags: { a: "1" } }));
      await world.runDue();
      const canceled = await cancelOperation(deps(), change.id, canceler);
      expect(canceled.history.at(-1)?.message).toBe(
        "Canceled. Azure has refused what was sent for it, and nothing more will be sent.",
      );
    });

    /** A creation whose second region stalls, and another operation that watches a third. */
    async function watched(
      more: Parameters<typeof plain>[1],
    ): Promise<readonly OperationRecord[]> {
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
      await cancelOperation(deps(), creation.id, canceler);
      await world.simulator.control.resumeRegion({
        versionId: id,
        region: "eastus2",
      });
      return ended(world, [creation, other]);
    }

    test.each([
      [
        "leaves a version that it was making out of latest, whoever watches it",
        true,
        { tags: { b: "1" } },
      ],
      [
        "leaves it in latest where another has a rule that includes it",
        false,
        { sigil: { promotion: { when: "allRegionsReady" } } as const },
      ],
    ])("and %s", async (_, out, more) => {
      const [creation, other] = await watched(more);
      expect(creation).toMatchObject({
        status: "Canceled",
        canceledBy: canceler,
      });
      expect(other).toMatchObject({ status: "Succeeded" });
      expect(other).not.toHaveProperty("canceledBy");
      expect(await excluded()).toBe(out);
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
      await cancelOperation(deps(), creation.id, canceler);
      await pass(240_000);
      expect(await world.deps.store.readOperation(creation.id)).toMatchObject({
        status: "Running",
        waitReason: "The outcome of the create request is unknown.",
      });
      const [end] = await ended(world, [creation]);
      expect(end).toMatchObject({ status: "Canceled" });
      expect(end?.history.at(-1)?.message).not.toContain("does not have");
      await world.simulator.control.setLag({ ms: 0 });
      expect(await excluded()).toBe(true);
    });
  });

  describe("holds the next back", () => {
    const refusePut = (
      status: number,
      headers: Record<string, string> = {},
    ): void => {
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
        waitReason:
          "Azure Resource Manager has asked Sigil to wait before the next request.",
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
      const until = new Date(world.clock.now() + 120_000).toISOString();
      await cancelOperation(deps(), change.id, canceler);
      expect(
        operationIn(await patch(world, id, { tags: { b: "1" } })),
      ).toMatchObject({
        waitReason:
          "What an earlier operation sent to Azure Resource Manager may still be under way.",
        nextAttemptTime: until,
      });
      expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    });
  });

  test("again is the same; one that has ended otherwise, or is none, is refused", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    const first = await cancelOperation(deps(), operation.id, canceler);
    expect(await cancelOperation(deps(), operation.id, canceler)).toEqual(
      first,
    );
    const second = await request(world.deps, id, managedImageRequest());
    await world.finish(id);
    await expect(
      cancelOperation(deps(), second.id, canceler),
    ).rejects.toMatchObject({ code: "OperationEnded" });
    await expect(
      cancelOperation(deps(), `${"0".repeat(32)}-1`, canceler),
    ).rejects.toMatchObject({ code: "NotFound" });
  });
});
