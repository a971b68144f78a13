/** What becomes of a version, and of what is being done with it, where it is to be deleted or its making is canceled. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  cancel,
  ended,
  isExcluded,
  made,
  operation,
  operationIn,
  pass,
  plain,
  put,
  regionNames,
  shownIn,
  until,
} from "./support.js";
const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const refuse = (): unknown =>
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 409,
    body: {
      error: {
        code: "ScopeLocked",
        message: "The scope cannot perform delete operation: it is locked.",
      },
    },
  });

test("a creation is followed on where Azure refuses the deletion", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await operation(world, creation)).toMatchObject({ status: "Running" });
  expect(await ended(world, [deletion, creation])).toMatchObject([
    {
      status: "Failed",
      error: { message: expect.stringContaining("locked") as string },
    },
    { status: "Succeeded" },
  ]);
  const told = (await world.takeEvents()).filter(({ id: event }) =>
    event.startsWith(`${creation.id}/`),
  );
  expect(told.filter(({ type }) => type.endsWith("RegionCompleted"))).toHaveLength(2);
});

test("a region that is away for its repair is added back where Azure refuses the deletion", async () => {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 10_000);
  await until(world, async () => !regionNames(await shownIn(world, id)).includes("eastus2"));
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Failed" },
    { status: "Succeeded" },
  ]);
  const shown = await shownIn(world, id);
  expect(regionNames(shown)).toContain("eastus2");
  expect(shown.properties.safetyProfile?.["allowDeletionOfReplicatedLocations"]).not.toBe(true);
});

test("a canceled creation is excluded from latest where Azure refuses the deletion", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  await cancel(world, creation);
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Failed" },
    { status: "Canceled" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

test("what is queued goes on where Azure refuses the deletion before it", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const update = operationIn(await put(world, id, plain(TWO_REGIONS, { tags: { build: "1" } })));
  await world.runDue();
  const queued = operationIn(
    await put(world, id, plain([...TWO_REGIONS, { name: "eastus" }], { tags: { build: "1" } })),
  );
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, update, queued])).toMatchObject([
    { status: "Failed" },
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(regionNames(await shownIn(world, id))).toContain("eastus");
});
