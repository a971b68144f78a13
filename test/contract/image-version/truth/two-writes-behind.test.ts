/** Replicas of ARM that are behind more than one write, and writes that take back the one before them. */
import { expect, test } from "vitest";
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
  putThrough,
  puts,
  shownIn,
} from "./support.js";

const MINUTE_MS = 60_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const fault = (given: object): unknown =>
  world.simulator.control.addFault({ path: `${id}\\?`, ...given });

/** The next looks show the version as it was then. */
const shownAs = (body: unknown, times: number): unknown =>
  fault({ method: "GET", status: 200, body, times });

const tags = async (): Promise<unknown> => {
  world.simulator.control.clearFaults();
  return (await shownIn(world, id)).tags;
};

const changed = async (merge: unknown): Promise<OperationRecord> => {
  const [last] = await ended(world, [
    operationIn(await patch(world, id, merge)),
  ]);
  return last ?? expect.fail();
};

const outsideTold = async (): Promise<unknown[]> =>
  (await world.takeEvents()).filter(
    ({ type, subject }) =>
      subject === id && type === "Sigil.ImageVersion.ChangedOutside",
  );

test("an update is not made of a look from before two others, the later of which takes back a part of the first", async () => {
  await made(world, id, plain(undefined, { tags: { a: "1", b: "1", c: "1" } }));
  const before = await inAzure(world, id);
  await changed({ tags: { a: "2", b: "2" } });
  await changed({ tags: { a: "1", c: "2" } });
  const next = operationIn(await patch(world, id, { tags: { d: "1" } }));
  shownAs(before, 3);
  expect(await ended(world, [next])).toMatchObject([{ status: "Succeeded" }]);
  await pass(world, 20 * MINUTE_MS);
  expect(await tags()).toEqual({ a: "1", b: "2", c: "2", d: "1" });
  expect(await outsideTold()).toEqual([]);
});

test("nor where the later takes back nothing but a part of the first", async () => {
  await made(world, id, plain(undefined, { tags: { a: "1", b: "1" } }));
  const before = await inAzure(world, id);
  await changed({ tags: { a: "2", b: "2" } });
  await changed({ tags: { a: "1" } });
  const next = operationIn(await patch(world, id, { tags: { d: "1" } }));
  shownAs(before, 3);
  expect(await ended(world, [next])).toMatchObject([{ status: "Succeeded" }]);
  expect(await tags()).toEqual({ a: "1", b: "2", d: "1" });
  expect(await outsideTold()).toEqual([]);
});

test("an update that takes back the one before it is sent again, though a look from before both shows what it asks", async () => {
  await made(world, id, plain(undefined, { tags: { a: "1" } }));
  const before = await inAzure(world, id);
  await changed({ tags: { a: "2" } });
  fault({ method: "PUT", action: "reset" });
  const back = operationIn(await patch(world, id, { tags: { a: "1" } }));
  await world.runDue();
  expect(puts(world)).toBeGreaterThan(1);
  shownAs(before, 2);
  expect(await ended(world, [back])).toMatchObject([{ status: "Succeeded" }]);
  expect(await tags()).toEqual({ a: "1" });
});

test("an update that takes back the one before it ends as soon as a look shows it, in whatever case it names the tag", async () => {
  const putting = async (tags: Record<string, string>): Promise<number> => {
    const startedMs = world.clock.now();
    await putThrough(world, id, plain(undefined, { tags }));
    return world.clock.now() - startedMs;
  };
  await made(world, id, plain(undefined, { tags: { Build: "1" } }));
  const firstMs = await putting({ Build: "2" });
  await pass(world, 60_000);
  expect(await putting({ build: "1" })).toBeLessThan(firstMs + 120_000);
});

test("a promotion right after a demotion ends as soon as a look shows it", async () => {
  await made(world, id, plain());
  await ended(world, [await byHand.demote(world, id)]);
  const startMs = world.clock.now();
  await ended(world, [await byHand.promote(world, id)]);
  expect(world.clock.now() - startMs).toBeLessThan(2 * MINUTE_MS);
  expect(await isExcluded(world, id)).toBe(false);
});

test("a region that was removed a moment ago is added again, whatever an old look shows", async () => {
  await made(world, id, plain());
  const before = await inAzure(world, id);
  await putThrough(world, id, plain([{ name: "westus" }]), {
    removeRegions: ["eastus2"],
  });
  const added = operationIn(await put(world, id, plain()));
  await world.runDue();
  shownAs(before, 2);
  expect(await ended(world, [added])).toMatchObject([{ status: "Succeeded" }]);
  const { targetRegions } = (await shownIn(world, id)).properties
    .publishingProfile;
  expect(targetRegions.map(({ name }) => name)).toEqual([
    "West US",
    "East US 2",
  ]);
});

const REFUSAL = {
  error: { code: "InvalidParameter", message: "The request is not valid." },
};

test("a creation that Azure has carried out has Succeeded, though it refuses it when it is sent again and looks lag", async () => {
  await world.simulator.control.setLag({ ms: 5 * MINUTE_MS });
  fault({ method: "PUT", action: "reset-after-processing" });
  fault({ method: "PUT", status: 400, body: REFUSAL, times: 3 });
  const creation = operationIn(await put(world, id, plain()));
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(await inAzure(world, id)).toBeDefined();
});

test("a creation that Azure has not carried out, and refuses when it is sent again, fails once no look is older", async () => {
  fault({ method: "PUT", action: "reset" });
  fault({ method: "PUT", status: 400, body: REFUSAL, times: null });
  const startMs = world.clock.now();
  const creation = operationIn(await put(world, id, plain()));
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Failed", error: { code: "ResourceManagerRefused" } },
  ]);
  const tookMs = world.clock.now() - startMs;
  expect(tookMs).toBeGreaterThanOrEqual(10 * MINUTE_MS);
  expect(tookMs).toBeLessThan(16 * MINUTE_MS);
});

test("the tag of the first of three updates without an answer is Sigil's to take away", async () => {
  await made(world, id, plain());
  const before = await inAzure(world, id);
  for (const [name, action] of [
    ["a", "reset-after-processing"],
    ["b", "reset"],
    ["c", "reset"],
  ] as const) {
    fault({ method: "PUT", action });
    shownAs(before, 2);
    const update = operationIn(
      await patch(world, id, { tags: { [name]: "1" } }),
    );
    await world.runDue();
    await cancel(world, update);
    world.simulator.control.clearFaults();
    world.clock.advance(3 * MINUTE_MS);
  }
  expect(await tags()).toEqual({ a: "1" });
  await putThrough(world, id, plain());
  await pass(world, 20 * MINUTE_MS);
  await putThrough(world, id, plain(undefined, { tags: { z: "1" } }));
  expect(await tags()).toEqual({ z: "1" });
});

test("what a canceled operation was refused is not called never sent", async () => {
  await made(world, id, plain());
  const before = await inAzure(world, id);
  fault({ method: "PUT", action: "reset" });
  const first = operationIn(await patch(world, id, { tags: { a: "1" } }));
  await world.runDue();
  await cancel(world, first);
  fault({ method: "PUT", status: 429, headers: { "Retry-After": "300" } });
  world.clock.advance(3 * MINUTE_MS);
  shownAs(before, 2);
  const second = operationIn(await patch(world, id, { tags: { b: "1" } }));
  for (let tries = 0; tries < 30 && puts(world) < 2; tries += 1) {
    await world.runDue();
    world.clock.advance(5_000);
  }
  const { history } = await cancel(world, second);
  expect(history.at(-1)?.message).toContain("Azure has refused");
});

test("what Azure says of a failure is told, though another was canceled while its creation was under way", async () => {
  const out = { publishing: { excludeFromLatest: true } };
  await world.simulator.control.failRegion({
    versionId: id,
    region: "westus",
    atProgress: 50,
  });
  const creation = operationIn(await put(world, id, plain(undefined, out)));
  const other = operationIn(
    await put(world, id, plain(undefined, { ...out, tags: { a: "1" } })),
  );
  const { resourceManager } = world.deps;
  let isCanceled = false;
  const deps: typeof world.deps = {
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      putImageVersion: async (...args) => {
        await cancel(world, other);
        isCanceled = true;
        return resourceManager.putImageVersion(...args);
      },
    },
  };
  while (!isCanceled)
    for (const message of await world.takeDue())
      await world.handle(message, deps);
  const [{ status, error } = expect.fail()] = await ended(world, [creation]);
  expect(status).toBe("Failed");
  expect(error?.message).toContain("Azure Resource Manager says");
});
