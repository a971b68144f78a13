/** Many versions and image definitions: a run is bounded, and the next goes on behind it. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { runDrift } from "../../../../src/drift/run-drift.js";
import { IMAGES_SCOPE } from "../../../../src/listings.js";
import { ServiceError } from "../../../../src/errors.js";
import { ended, made, newDefinition, operationIn, plain, put } from "../truth/support.js";
import { look, MINUTE_MS } from "./support.js";

let world: InProcess;
inOwnWorld({ spread: 0, replicationMs: MINUTE_MS }, (given) => {
  world = given;
});

/** As many versions of a new image definition, at rest. */
async function versionsOf(count: number): Promise<readonly string[]> {
  const image = await newDefinition(world);
  const ids = Array.from({ length: count }, (_, i) => `${image}/versions/1.0.${i}`);
  const operations = await Promise.all(
    ids.map(async (id) => operationIn(await put(world, id, plain([{ name: "westus" }])))),
  );
  await ended(world, operations);
  world.clock.advance(60 * MINUTE_MS);
  return ids;
}

const tag = (versionId: string): Promise<void> =>
  world.simulator.control.editVersion({ versionId, tags: { theirs: "1" } });

const toldNow = async (): Promise<readonly string[]> =>
  (await world.takeEvents())
    .filter(({ type }) => type.endsWith("ChangedOutside"))
    .map(({ subject }) => subject ?? "");

test("one list serves all versions of an image definition", async () => {
  const ids = await versionsOf(8);
  await Promise.all(ids.slice(0, 2).map(tag));
  await world.takeEvents();
  await world.simulator.control.setPageSize(100);
  world.simulator.control.clearRequests();
  await look(world);
  expect([...(await toldNow())].sort()).toEqual(ids.slice(0, 2));
  expect(world.simulator.control.countRequests({ path: "/versions\\?" })).toBe(1);
  expect(world.simulator.control.countRequests({ path: "/versions/1" })).toBe(2);
});

test("a run does so much, and the next goes on behind it, until each was told", async () => {
  const ids = await versionsOf(130);
  await Promise.all(ids.map(tag));
  await world.takeEvents();
  const first = await runDrift(world.deps);
  expect(first).toMatchObject({ unfinished: true, errors: [] });
  const toldFirst = await toldNow();
  expect(toldFirst.length).toBeLessThan(ids.length);
  const second = await runDrift(world.deps);
  expect(second).toMatchObject({ unfinished: false });
  const toldSecond = await toldNow();
  expect([...toldFirst, ...toldSecond].sort()).toEqual([...ids].sort());
});

test("where time is up it stops, too, and the next run goes on behind what is done", async () => {
  const ids = [...(await versionsOf(1)), ...(await versionsOf(1)), ...(await versionsOf(1))];
  await Promise.all(ids.map(tag));
  await world.takeEvents();
  const { store } = world.deps;
  const slow = {
    ...world.deps,
    store: {
      ...store,
      readRecord: (key: string) => {
        world.clock.advance(70_000);
        return store.readRecord(key);
      },
    },
  };
  const runs = await look(world, slow);
  expect(runs.length).toBeGreaterThan(2);
  expect([...(await toldNow())].sort()).toEqual([...ids].sort());
});

test("what fails for one image definition holds back no other; asked for patience, the run is over", async () => {
  const [first = ""] = await versionsOf(1);
  const [second = ""] = await versionsOf(1);
  await tag(first);
  await tag(second);
  await world.takeEvents();
  const { resourceManager } = world.deps;
  const failing = (code: "ResourceManagerThrottled" | "ResourceManagerForbidden") => ({
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      listImageVersions: (imageId: string) =>
        first.startsWith(`${imageId}/`)
          ? Promise.reject(new ServiceError(code, "No."))
          : resourceManager.listImageVersions(imageId),
    },
  });
  const refused = await runDrift(failing("ResourceManagerForbidden"));
  expect(refused).toMatchObject({ unfinished: false });
  expect(refused.errors).toHaveLength(1);
  expect(await toldNow()).toEqual([second]);
  const throttled = await runDrift(failing("ResourceManagerThrottled"));
  expect(throttled.errors).toHaveLength(1);
  // The next runs go on behind it, and come to it then.
  await look(world);
  await look(world);
  expect(await toldNow()).toEqual([first]);
});

test("an image definition that Azure throttles at every run keeps the timer from no other", async () => {
  const [busy = ""] = await versionsOf(1);
  const [other = ""] = await versionsOf(1);
  await world.takeEvents();
  await world.simulator.control.editVersion({
    versionId: other,
    tags: { theirs: "1" },
  });
  world.simulator.control.addFault({
    method: "GET",
    path: busy.slice(0, busy.lastIndexOf("/")),
    status: 429,
    headers: { "Retry-After": "60" },
    times: null,
  });
  for (let runs = 0; runs < 6; runs += 1) {
    await runDrift(world.deps);
    world.clock.advance(30 * MINUTE_MS);
  }
  world.simulator.control.clearFaults();
  expect(await toldNow()).toEqual([other]);
  await look(world);
});

test("an image definition is looked after from the first operation on", async () => {
  const [id = ""] = await versionsOf(1);
  const before = await imagesListed();
  expect(before).toContain(id.slice(0, id.indexOf("/versions/")));
  await made(world, id.replace("1.0.0", "1.0.1"), plain());
  expect(await imagesListed()).toEqual(before);
});

async function imagesListed(): Promise<readonly string[]> {
  const all: string[] = [];
  let token: string | undefined;
  do {
    const page = await world.deps.index.page(IMAGES_SCOPE, 100, token);
    all.push(...page.rows.map(({ target }) => target));
    token = page.continuationToken;
  } while (token !== undefined);
  return all;
}
