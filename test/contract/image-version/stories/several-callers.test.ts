/** Several callers of one version, and what becomes of each of their requests. */
import { expect, test } from "vitest";
import { startInProcess, type InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { refusal } from "../../../support/refusal.js";
import { largeWorld } from "../../../support/requests.js";
import {
  byHand,
  cancel,
  ended,
  facts,
  faultOn,
  inAzure,
  isExcluded,
  made,
  operation,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  puts,
  regionNames,
  seen,
  shownIn,
  tagsIn,
} from "../truth/support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

test("B: twenty callers add twenty regions: all are served, by three updates at most", async () => {
  const large = largeWorld(21, 1);
  const own = await startInProcess({
    world: large.world,
    replicationMs: 60_000,
  });
  try {
    const version = large.versionId("1.0.0");
    const [home, ...others] = large.request.properties.publishingProfile?.targetRegions ?? [];
    if (home === undefined) throw new Error("no home");
    const bodyOf = (regions: typeof others) => ({
      ...large.request,
      properties: {
        ...large.request.properties,
        publishingProfile: { targetRegions: regions },
      },
    });
    await made(own, version, bodyOf([home]));
    const accepted = (
      await Promise.all(others.map((region) => put(own, version, bodyOf([home, region]))))
    ).map(operationIn);

    const all = await ended(own, accepted);

    expect(all.map(({ status }) => status)).toEqual(others.map(() => "Succeeded"));
    expect(regionNames(await shownIn(own, version))).toHaveLength(21);
    expect(puts(own)).toBeLessThanOrEqual(3);
  } finally {
    await own.close();
  }
});

test("I: a creation that is canceled before its PUT leaves nothing in Azure", async () => {
  const creation = operationIn(await put(world, id, plain()));
  expect(await cancel(world, creation)).toMatchObject({ status: "Canceled" });
  await pass(world, 3_600_000);
  expect(await inAzure(world, id)).toBeUndefined();
});

test.each([
  ["sent, and its answer is lost", "reset-after-processing"],
  ["accepted", undefined],
] as const)(
  "I: a creation that is canceled once its PUT was %s is left out of latest",
  async (_, action) => {
    if (action !== undefined) faultOn(world, id, { method: "PUT", action });
    const creation = operationIn(await put(world, id, plain()));
    await world.runDue();

    expect(await cancel(world, creation)).toMatchObject({ status: "Running" });
    expect(await ended(world, [creation])).toMatchObject([{ status: "Canceled" }]);

    await pass(world, 3_600_000);
    expect(await isExcluded(world, id)).toBe(true);
    expect(world.simulator.control.creates(id)).toBe(1);
    expect(facts(await world.takeEvents(), creation).at(-1)).toBe("canceled");
  },
);

test("M: ARM refuses a combined update: the one at fault fails, and the others succeed", async () => {
  await made(world, id, plain());
  const bad = operationIn(await patch(world, id, { tags: { bad: "1" } }));
  const one = operationIn(await patch(world, id, { tags: { one: "1" } }));
  const two = operationIn(await patch(world, id, { tags: { two: "1" } }));
  // What all three ask together, and then what the first one asks alone.
  faultOn(world, id, {
    method: "PUT",
    status: 400,
    body: { error: { code: "InvalidParameter", message: "No." } },
    times: 2,
  });

  const ends = await ended(world, [bad, one, two]);

  expect(ends.map(({ status }) => status)).toEqual(["Failed", "Succeeded", "Succeeded"]);
  expect(ends[0]?.error?.code).toBe("ResourceManagerRefused");
  expect(ends[1]?.history.map(({ message }) => message)).toContainEqual(expect.any(String));
  expect(await tagsIn(world, id)).toEqual({ one: "1", two: "1" });
});

test("O: two instances take each step: one version, one update, each event once", async () => {
  const both = [world.instance(), world.instance()];
  const creation = operationIn(await put(world, id, plain()));
  for (let steps = 0; steps < 100; steps += 1) {
    for (const message of await world.takeDue())
      await Promise.all(both.map((deps) => world.handle(message, deps)));
    if ((await operation(world, creation)).endTime !== undefined) break;
    world.clock.advance(15_000);
  }
  expect(await operation(world, creation)).toMatchObject({
    status: "Succeeded",
  });
  expect(puts(world)).toBe(1);
  const told = facts(await world.takeEvents(), creation);
  expect(told.filter((fact) => fact === "completed")).toHaveLength(1);
});

test("V: a PATCH that protects is accepted, and a DELETE comes before it is sent: it is refused", async () => {
  await made(world, id, plain());
  const setting = operationIn(
    await patch(world, id, { sigil: { protected: true }, tags: { a: "1" } }),
  );
  expect(await refusal(byHand.remove(world, id))).toMatchObject({
    code: "ImageVersionProtected",
  });
  expect(await ended(world, [setting])).toMatchObject([{ status: "Succeeded" }]);
  expect((await seen(world, id)).sigil.protected).toBe(true);
});

test("A: one of two regions fails and is repaired: the version is usable in both", async () => {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
  const creation = await putThrough(world, id, plain());
  expect(creation).toMatchObject({
    status: "Succeeded",
    regions: [
      { name: "westus", state: "Completed" },
      { name: "eastus2", state: "Completed" },
    ],
  });
  const told = facts(await world.takeEvents(), creation);
  expect(told.filter((fact) => fact.startsWith("eastus2/"))).toEqual([
    "eastus2/failed/1",
    "eastus2/repairing/1",
    "eastus2/completed/2",
  ]);
  expect(
    (await shownIn(world, id)).properties.safetyProfile?.["allowDeletionOfReplicatedLocations"],
  ).toBe(false);
});
