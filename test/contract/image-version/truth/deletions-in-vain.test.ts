/** Deletions that are refused, not carried out, or canceled: what had begun before goes on from where it was. */
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../../src/events/cloud-event.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  inAzure,
  isExcluded,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
  regionNames,
  shownIn,
} from "./support.js";

const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const THREE_REGIONS = [...TWO_REGIONS, { name: "eastus" }];
const OUT = { publishing: { excludeFromLatest: true } };
const GOES_ON = "Azure goes on replicating what it has accepted";
const HOUR_MS = 3_600_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const fault = (given: object): unknown =>
  world.simulator.control.addFault({ path: `${id}\\?`, ...given });

const refuse = (): unknown =>
  fault({
    method: "DELETE",
    status: 409,
    body: { error: { code: "ScopeLocked", message: "It is locked." } },
  });

const deletesSent = (): number =>
  world.simulator.control.countRequests({ method: "DELETE" });

const lastMessage = ({ history }: OperationRecord): string | undefined =>
  history.at(-1)?.message;

/** Azure has taken the DELETE, and fails with it; its regions would stand still from then on. */
async function failDeletion(): Promise<void> {
  const { control } = world.simulator;
  expect((await shownIn(world, id)).properties.provisioningState).toBe(
    "Deleting",
  );
  await control.failOperation({
    versionId: id,
    code: "InternalError",
    message: "It was not deleted.",
  });
  for (const region of regionNames(await shownIn(world, id)))
    await control.setRegionState({ versionId: id, region, state: "Completed" });
}

/** The world, and each event as it is published there, also one that Service Bus takes for another's duplicate. */
function watching(published: CloudEvent[]): InProcess {
  const { events } = world.deps;
  const deps: typeof world.deps = {
    ...world.deps,
    events: {
      publish: (some) => {
        published.push(...some);
        return events.publish(some);
      },
    },
  };
  const runDue = async (): ReturnType<InProcess["runDue"]> => {
    const due = await world.takeDue();
    for (const message of due) await world.handle(message, deps);
    return due.length === 0 ? [] : [...due, ...(await runDue())];
  };
  return { ...world, deps, runDue };
}

/** Looks every ten seconds until Azure shows that. */
async function untilAzure(
  shows: (shown: Awaited<ReturnType<typeof shownIn>>) => boolean,
): Promise<void> {
  for (let looks = 0; looks < 1_000; looks += 1) {
    await pass(world, 10_000);
    const shown = await inAzure(world, id);
    if (shown !== undefined && shows(shown)) return;
  }
  throw new Error("Azure never shows it");
}

describe("a deletion behind a promotion that Azure is too busy for, and a demotion that contradicts it", () => {
  /** Azure has refused the promotion for now. */
  async function waitingPromotion(times: number): Promise<OperationRecord> {
    await made(world, id, plain(TWO_REGIONS, OUT));
    fault({ method: "PUT", status: 409, times });
    const promotion = await byHand.promote(world, id);
    await world.runDue();
    return promotion;
  }

  test("a DELETE that is under way is not said to be unsent as it is canceled", async () => {
    const promotion = await waitingPromotion(1);
    const deletion = await byHand.remove(world, id);
    let demotion: OperationRecord | undefined;
    let canceled: OperationRecord | undefined;
    const { resourceManager } = world.deps;
    const deps: typeof world.deps = {
      ...world.deps,
      resourceManager: {
        ...resourceManager,
        deleteImageVersion: async (...args) => {
          const armOperationUrl = await resourceManager.deleteImageVersion(
            ...args,
          );
          demotion ??= await byHand.demote(world, id);
          canceled ??= await cancel(world, deletion);
          return armOperationUrl;
        },
      },
    };
    while (demotion === undefined || canceled === undefined)
      for (const message of await world.takeDue())
        await world.handle(message, deps);
    expect(canceled).toMatchObject({ status: "Running" });
    expect(lastMessage(canceled)).toContain("Azure may carry out");
    expect(await ended(world, [deletion, promotion, demotion])).toMatchObject([
      { status: "Succeeded" },
      { status: "Failed", error: { code: "Superseded" } },
      { status: "Failed", error: { code: "ImageVersionGone" } },
    ]);
    await pass(world, 600_000);
    expect(await inAzure(world, id)).toBeUndefined();
    expect(deletesSent()).toBe(1);
  });

  test("a DELETE without an answer is sent again, and told as one fact", async () => {
    const promotion = await waitingPromotion(3);
    const published: CloudEvent[] = [];
    const watched = watching(published);
    fault({ method: "DELETE", status: 503 });
    const deletion = await byHand.remove(watched, id);
    await watched.runDue();
    world.clock.advance(1_000);
    const demotion = await byHand.demote(watched, id);
    const ends = await ended(watched, [promotion, demotion, deletion]);
    const times = published.flatMap((event) =>
      event.id === `${deletion.id}/deleting` ? [event.time] : [],
    );
    expect(new Set(times).size).toBe(1);
    expect(ends).toMatchObject([
      { status: "Failed", error: { code: "Superseded" } },
      { status: "Failed", error: { code: "ImageVersionGone" } },
      { status: "Succeeded" },
    ]);
    expect(deletesSent()).toBe(2);
    expect(await inAzure(world, id)).toBeUndefined();
  });
});

describe("an update that Azure works on when it refuses the deletion", () => {
  async function updateBehindRefusal(): Promise<
    readonly [update: OperationRecord, deletion: OperationRecord]
  > {
    await made(world, id, plain(TWO_REGIONS));
    const update = operationIn(
      await put(world, id, plain(THREE_REGIONS, { tags: { a: "1" } })),
    );
    await pass(world, 60_000);
    refuse();
    return [update, await byHand.remove(world, id)];
  }

  test("is said to go on in Azure where it is canceled then", async () => {
    const [update, deletion] = await updateBehindRefusal();
    await pass(world, 120_000);
    const canceled = await cancel(world, update);
    expect(canceled).toMatchObject({ status: "Canceled" });
    expect(lastMessage(canceled)).toContain(GOES_ON);
    expect(await ended(world, [deletion])).toMatchObject([
      {
        status: "Failed",
        error: { message: expect.stringContaining("locked") as string },
      },
    ]);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
  });

  test("is not proven again, and Succeeds though a region of it is offered no more", async () => {
    const [update, deletion] = await updateBehindRefusal();
    await pass(world, 30_000);
    const [, , subscriptionId = ""] = id.split("/");
    const { control } = world.simulator;
    await control.setUnavailableRegions({
      subscriptionId,
      regions: ["eastus"],
    });
    const ends = await ended(world, [update, deletion]).finally(() =>
      control.setUnavailableRegions({ subscriptionId, regions: [] }),
    );
    expect(ends).toMatchObject([{ status: "Succeeded" }, { status: "Failed" }]);
    const shown = await shownIn(world, id);
    expect(shown.tags).toEqual({ a: "1" });
    expect(regionNames(shown)).toEqual(["westus", "eastus2", "eastus"]);
  });
});

test("an update that is applied is said to go on in Azure, though the next one is not sent yet", async () => {
  await world.simulator.control.setSucceededWhen("homeRegion");
  await made(world, id, plain(TWO_REGIONS));
  const update = operationIn(
    await put(world, id, plain(THREE_REGIONS, { tags: { a: "1" } })),
  );
  await pass(world, 100_000);
  fault({ method: "PUT", status: 409, times: null });
  const next = operationIn(await patch(world, id, { tags: { b: "1" } }));
  // Its turn has come, and its first step has not.
  while ((await world.read(id)).record.queued.length > 0) {
    const due = await world.takeDue();
    for (const message of due) await world.handle(message);
    if (due.length === 0) world.clock.advance(5_000);
  }
  const canceledNext = await cancel(world, next);
  expect(lastMessage(canceledNext)).toContain("Nothing was sent");
  const canceled = await cancel(world, update);
  expect(canceled).toMatchObject({ status: "Canceled" });
  expect(lastMessage(canceled)).toContain(GOES_ON);
  expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
});

describe("a deletion that Azure has taken, and does not carry out", () => {
  test("adds back a region that was away for its repair, though it is canceled", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
    });
    const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
    await untilAzure((shown) => !regionNames(shown).includes("eastus2"));
    const deletion = await byHand.remove(world, id);
    await world.runDue();
    await failDeletion();
    await cancel(world, deletion);
    expect(await ended(world, [creation, deletion])).toMatchObject([
      { status: "Failed", error: { code: "Superseded" } },
      { status: "Canceled" },
    ]);
    await pass(world, 24 * HOUR_MS);
    const shown = await shownIn(world, id);
    expect(regionNames(shown)).toEqual(["westus", "eastus2"]);
    expect(
      shown.properties.safetyProfile?.["allowDeletionOfReplicatedLocations"],
    ).toBe(false);
  });

  test("leaves the version of a canceled creation excluded, though it is canceled itself", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
    });
    const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
    await untilAzure(
      ({ properties }) => properties.provisioningState === "Failed",
    );
    await cancel(world, creation);
    const deletion = await byHand.remove(world, id);
    await world.runDue();
    await failDeletion();
    await cancel(world, deletion);
    expect(await ended(world, [creation, deletion])).toMatchObject([
      { status: "Canceled" },
      { status: "Canceled" },
    ]);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("leaves the version of a canceled creation excluded, where it has overtaken the promotion that would include it", async () => {
    const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
    await pass(world, 60_000);
    const promotion = await byHand.promote(world, id);
    await cancel(world, creation);
    const deletion = await byHand.remove(world, id);
    await world.runDue();
    await failDeletion();
    expect(await ended(world, [creation, promotion, deletion])).toMatchObject([
      { status: "Canceled" },
      { status: "Failed", error: { code: "Superseded" } },
      {
        status: "Failed",
        error: { message: expect.stringContaining("not deleted") as string },
      },
    ]);
    expect(await isExcluded(world, id)).toBe(true);
  });
});
