import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationDependencies } from "../../../src/operation/ports.js";
import type { TrackedRecord } from "../../../src/operation/records.js";
import {
  idOf,
  request,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

const HOUR_MS = 3_600_000;
let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 10 * 60_000 });
});
afterAll(() => world.close());

let versions = 0;
let id: string;
beforeEach(async () => {
  versions += 1;
  id = seedVersionId(`4.0.${versions}`);
  await world.takeEvents();
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

  test("while Azure works says what Azure goes on doing, and the same PUT follows it again", async () => {
    const operation = await request(world.deps, id, managedImageRequest());
    await world.runDue();
    const canceled = await cancelOperation(deps(), operation.id, canceler);
    expect(canceled.history.at(-1)?.message).toContain(
      "Azure goes on replicating what it has accepted",
    );
    await pass(HOUR_MS);
    expect(await eventsOf("RegionCompleted")).toEqual([]);

    const again = await request(world.deps, id, managedImageRequest());
    expect(again.id).not.toBe(operation.id);
    expect(await world.finish(id)).toMatchObject({
      id: again.id,
      status: "Succeeded",
    });
    expect(world.simulator.control.creates(id)).toBe(1);
    expect(
      world.simulator.control.countRequests({
        method: "PUT",
        path: idOf(id).versionName.replaceAll(".", "\\."),
      }),
    ).toBe(1);
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
