/** A region is removed and added again with less within ten minutes, and a replica that is behind shows what it had before. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  ended,
  made,
  operationIn,
  pass,
  patch,
  plain,
  putThrough,
  regionIn,
  showAs,
  shownIn,
} from "./support.js";

const HOME = { name: "westus" };
const MORE = { regionalReplicaCount: 3, excludeFromLatest: true };

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

async function hasLess(): Promise<void> {
  const region = regionIn(await shownIn(world, id), "eastus2");
  expect(region).toMatchObject({ regionalReplicaCount: 1 });
  expect(region).not.toHaveProperty("excludeFromLatest");
}

/** The next look is from before both. */
async function addedWithLess(): Promise<void> {
  await made(world, id, plain([HOME, { name: "eastus2", ...MORE }]));
  const before = await shownIn(world, id);
  await putThrough(world, id, plain([HOME]), { removeRegions: ["eastus2"] });
  await putThrough(world, id, plain([HOME, { name: "eastus2" }]));
  await pass(world, 60_000);
  await hasLess();
  showAs(world, id, before);
}

test("another's tag does not bring back what it had", async () => {
  await addedWithLess();
  const before = operationIn(await patch(world, id, { tags: { y: "1" } }));
  world.simulator.control.clearFaults();
  await ended(world, [before]);
  await hasLess();
});

test("nor where the step's look is behind", async () => {
  await addedWithLess();
  const before = await shownIn(world, id);
  world.simulator.control.clearFaults();
  const update = operationIn(await patch(world, id, { tags: { z: "1" } }));
  showAs(world, id, before);
  await ended(world, [update]);
  world.simulator.control.clearFaults();
  await hasLess();
});

test("a patch that asks for what it had is carried out", async () => {
  await addedWithLess();
  const targetRegions = [HOME, { name: "eastus2", regionalReplicaCount: 3 }];
  const update = operationIn(
    await patch(world, id, {
      properties: { publishingProfile: { targetRegions } },
    }),
  );
  world.simulator.control.clearFaults();
  await ended(world, [update]);
  expect(
    regionIn(await shownIn(world, id), "eastus2").regionalReplicaCount,
  ).toBe(3);
});
