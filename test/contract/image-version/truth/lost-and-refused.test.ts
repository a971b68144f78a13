/** A PUT that is refused after one whose answer was lost: what Azure has carried out is known, whatever it said of the second. */
import { expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  facts,
  inAzure,
  isExcluded,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
  puts,
  regionNames,
  shownIn,
} from "./support.js";

const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const OUT = { publishing: { excludeFromLatest: true } };
const HOUR_MS = 3_600_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const fault = (given: object): unknown =>
  world.simulator.control.addFault({ path: `${id}\\?`, ...given });

const lastMessage = ({ history }: OperationRecord): string | undefined =>
  history.at(-1)?.message;

/** Azure carries out the next PUT, and its answer is lost; the look after it is behind, so it is sent again, and refused. */
async function lostThenRefused(): Promise<void> {
  const { control } = world.simulator;
  control.clearRequests();
  fault({ method: "PUT", action: "reset-after-processing" });
  fault({ method: "PUT", status: 429, headers: { "Retry-After": "30" } });
  for (let seconds = 0; seconds < 1_200; seconds += 1) {
    await world.runDue();
    if (control.countRequests({ method: "PUT", status: 429 }) > 0) return;
    if (puts(world) > 0)
      await control.lagNextReads({ versionId: id, reads: 1 });
    world.clock.advance(1_000);
  }
  throw new Error("it is not sent again");
}

/** A creation one region of which has failed, and is about to be taken away for its repair. */
async function creationWithRepair(): Promise<OperationRecord> {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  for (let looks = 0; looks < 1_000; looks += 1) {
    const { regions } = (await world.read(id)).record;
    if (regions.some((region) => region.nextAttemptTime !== undefined))
      return creation;
    await pass(world, 10_000);
  }
  throw new Error("no repair is planned");
}

test.each([
  ["", false, "Succeeded"],
  [", also where its operation is canceled", true, "Canceled"],
])(
  "a region that was taken away for its repair is added back%s",
  async (_, isCanceled, status) => {
    const creation = await creationWithRepair();
    await lostThenRefused();
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
    if (isCanceled) await cancel(world, creation);
    expect(await ended(world, [creation])).toMatchObject([{ status }]);
    await pass(world, 2 * HOUR_MS);
    const { publishingProfile, safetyProfile } = (await shownIn(world, id))
      .properties;
    expect(publishingProfile.targetRegions).toMatchObject([
      { name: "West US" },
      { name: "East US 2" },
    ]);
    expect(safetyProfile?.["allowDeletionOfReplicatedLocations"]).toBe(false);
    const told = facts(await world.takeEvents(), creation);
    expect(told.at(-1)).toBe(isCanceled ? "canceled" : "completed");
  },
);

test("a canceled creation that Azure has carried out is excluded from latest", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await lostThenRefused();
  expect(lastMessage(await cancel(world, creation))).toContain(
    "an unfinished version is excluded from latest",
  );
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Canceled" },
  ]);
  await pass(world, HOUR_MS);
  expect(await isExcluded(world, id)).toBe(true);
});

test("the version of a creation is deleted, though the look before the DELETE does not show it", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await lostThenRefused();
  fault({ method: "GET", action: "hide" });
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [creation, deletion])).toMatchObject([
    { status: "Failed", error: { code: "Superseded" } },
    { status: "Succeeded" },
  ]);
  expect(await inAzure(world, id)).toBeUndefined();
});

test("an update that Azure has carried out has Succeeded, though a demotion overtakes it", async () => {
  await made(world, id, plain(TWO_REGIONS, OUT));
  const update = operationIn(
    await patch(world, id, {
      tags: { a: "2" },
      properties: { publishingProfile: { excludeFromLatest: false } },
    }),
  );
  await lostThenRefused();
  const demotion = await byHand.demote(world, id);
  expect(await ended(world, [update, demotion])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect((await shownIn(world, id)).tags).toEqual({ a: "2" });
  expect(await isExcluded(world, id)).toBe(true);
});

test("a cancel does not say that Azure has refused what it has carried out", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const update = operationIn(await patch(world, id, { tags: { a: "2" } }));
  await lostThenRefused();
  const canceled = await cancel(world, update);
  expect(canceled).toMatchObject({ status: "Canceled" });
  expect(lastMessage(canceled)).toContain("Azure may carry it out");
  await ended(world, [update]);
  expect((await shownIn(world, id)).tags).toEqual({ a: "2" });
});
