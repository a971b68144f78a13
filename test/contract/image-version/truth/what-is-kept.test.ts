/** What is kept of an operation that has ended, so that the next body takes back what Azure has of it. */
import { expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  cancel,
  ended,
  made,
  operation,
  operationIn,
  pass,
  plain,
  put,
  putThrough,
  puts,
  regionIn,
  regionNames,
  shownIn,
} from "./support.js";

const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const THREE_REGIONS = [...TWO_REGIONS, { name: "eastus" }];
const HOUR_MS = 3_600_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

/** A PUT that Azure carries out, and that is canceled before Azure has replicated it. */
async function canceledOnceSent(body: ImageVersionRequest): Promise<void> {
  const update = operationIn(await put(world, id, body));
  await world.runDue();
  expect(puts(world)).toBe(1);
  await cancel(world, update);
  await pass(world, HOUR_MS);
  expect(await operation(world, update)).toMatchObject({ status: "Canceled" });
}

test("a version that a canceled update has excluded is in latest again as the body of before says", async () => {
  const included = plain(TWO_REGIONS, {
    publishing: { excludeFromLatest: false },
  });
  const excluded = plain(THREE_REGIONS, {
    publishing: { excludeFromLatest: true },
  });
  await made(world, id, included);
  await canceledOnceSent(excluded);
  expect(await putThrough(world, id, included)).toMatchObject({
    status: "Succeeded",
  });
  const shown = await shownIn(world, id);
  expect(shown.properties.publishingProfile.excludeFromLatest).toBe(false);
  expect(regionNames(shown)).toEqual(["westus", "eastus2", "eastus"]);
});

test("a region that a canceled update has excluded is in latest again as a body says, with the count of that", async () => {
  const withEast = (excludeFromLatest: boolean, regionalReplicaCount: number) =>
    plain([
      { name: "westus" },
      { name: "eastus2", regionalReplicaCount, excludeFromLatest },
    ]);
  await made(world, id, plain(TWO_REGIONS));
  await canceledOnceSent(withEast(true, 3));
  expect(await putThrough(world, id, withEast(false, 1))).toMatchObject({
    status: "Succeeded",
  });
  const region = regionIn(await shownIn(world, id), "eastus2");
  expect(region).toMatchObject({ regionalReplicaCount: 1 });
  expect(region).not.toHaveProperty("excludeFromLatest");
});

test("what an update has set is taken back, that was canceled while ARM's permission to remove regions was", async () => {
  const ending = (endOfLifeDate: string) => ({ publishing: { endOfLifeDate } });
  const before = { ...ending("2090-01-01T00:00:00Z"), tags: { a: "1" } };
  const after = {
    ...ending("2095-01-01T00:00:00Z"),
    tags: { a: "2", added: "1" },
  };
  await made(world, id, plain(THREE_REGIONS, before));
  const removeRegions = ["eastus"];
  const update = operationIn(
    await put(world, id, plain(TWO_REGIONS, after), { removeRegions }),
  );
  while (puts(world) < 2) {
    world.clock.advance(1_000);
    await world.runDue();
  }
  await cancel(world, update);
  expect(await ended(world, [update])).toMatchObject([{ status: "Canceled" }]);
  expect(await putThrough(world, id, plain(TWO_REGIONS, before))).toMatchObject(
    { status: "Succeeded" },
  );
  const shown = await shownIn(world, id);
  expect(
    new Date(shown.properties.publishingProfile.endOfLifeDate ?? ""),
  ).toEqual(new Date("2090-01-01T00:00:00Z"));
  expect(shown.tags).toEqual({ a: "1" });
  expect(regionNames(shown)).toEqual(["westus", "eastus2"]);
  expect(
    shown.properties.safetyProfile?.["allowDeletionOfReplicatedLocations"],
  ).toBe(false);
});

test("tags that a canceled creation has set are taken away by the bodies that leave them out", async () => {
  const creation = operationIn(
    await put(world, id, plain(TWO_REGIONS, { tags: { a: "1", b: "1" } })),
  );
  await pass(world, 60_000);
  await cancel(world, creation);
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Canceled" },
  ]);
  await putThrough(world, id, plain(TWO_REGIONS, { tags: { b: "1" } }));
  expect((await shownIn(world, id)).tags).toEqual({ b: "1" });
  await putThrough(world, id, plain(TWO_REGIONS));
  expect((await shownIn(world, id)).tags ?? {}).toEqual({});
});
