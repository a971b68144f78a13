/** A region is taken away and added again as it was within ten minutes, and a replica that is behind shows it as of before both. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  ended,
  made,
  operation,
  operationIn,
  pass,
  plain,
  put,
  puts,
  putThrough,
  regionNames,
  showAs,
  shownIn,
  until,
  type Shown,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

test("it is not said to be usable while Azure copies to it", async () => {
  await made(world, id, plain());
  const before = await shownIn(world, id);
  await putThrough(world, id, plain([{ name: "westus" }]), {
    removeRegions: ["eastus2"],
  });
  await pass(world, 60_000);
  world.simulator.control.clearRequests();
  await world.takeEvents();
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 20,
  });
  const again = operationIn(await put(world, id, plain()));
  await until(world, () => Promise.resolve(puts(world) === 1), 1_000);
  showAs(world, id, before); // The first look after the write.
  await pass(world, 300_000);
  expect((await operation(world, again)).status).toBe("Running");
  expect(
    (await world.takeEvents()).filter(({ type }) =>
      /\.(RegionCompleted|Completed|Promoted)$/u.test(type),
    ),
  ).toEqual([]);
  // Once it is ready, that is told at once.
  await world.simulator.control.setRegionState({
    versionId: id,
    region: "eastus2",
    state: "Completed",
  });
  await pass(world, 120_000);
  expect((await operation(world, again)).status).toBe("Succeeded");
});

test("repaired, it is not taken away again by a retry that a look of before would allow", async () => {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
  const creation = operationIn(await put(world, id, plain()));
  let failed: Shown | undefined;
  await until(
    world,
    async () => {
      const shown = await shownIn(world, id).catch(() => undefined);
      if (shown?.properties.provisioningState === "Failed") failed = shown;
      return puts(world) === 3;
    },
    1_000,
  );
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
  world.simulator.control.clearRequests();
  showAs(world, id, failed ?? expect.fail(), { times: 3 });
  expect(await refusal(byHand.retry(world, id))).toMatchObject({
    code: "ImageVersionConflict",
  });
  await pass(world, 60_000);
  world.simulator.control.clearFaults();
  expect(puts(world)).toBe(0);
  expect(regionNames(await shownIn(world, id))).toEqual(["westus", "eastus2"]);
});
