/** What the listing's row says of a version that has ended follows its record, whoever wrote that. */
import { expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { readDigest } from "../../../src/image-version/digest.js";
import { versionScope } from "../../../src/listings.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { expectListed } from "../../support/listed.js";
import { inOwnWorld } from "../../support/own-world.js";
import { look, MINUTE_MS, told } from "./drift/support.js";
import { made, outside, patch, plain } from "./truth/support.js";

let world: InProcess;
let id: string;
inOwnWorld({ spread: 0, replicationMs: MINUTE_MS }, (given, versionId) => {
  world = given;
  id = versionId;
});

/** A version at rest, long after its last write. */
async function atRest(): Promise<void> {
  await made(world, id, plain(undefined, { tags: { build: "1" } }));
  world.clock.advance(60 * MINUTE_MS);
}

const edit = (build: string): Promise<void> =>
  world.simulator.control.editVersion({ versionId: id, tags: { build } });

const row = async () => {
  const page = await world.deps.index.page(versionScope(imageIdOf(idOf(id))), 1);
  return page.rows[0] ?? expect.fail("it is not listed");
};
const digest = async () => readDigest((await row()).digest);

test("from acceptance to the end it says nothing, then what has come of it", async () => {
  await atRest();
  await expectListed(world.deps, [id]);
  const before = await digest();
  expect(before?.shows).toBeDefined();
  const accepted = await patch(world, id, { tags: { build: "2" } });
  expect(accepted).toBeDefined();
  await world.runDue();
  expect(await row()).not.toHaveProperty("digest");
  await world.finish(id);
  await expectListed(world.deps, [id]);
  expect((await digest())?.shows).not.toBe(before?.shows);
});

test("what a look shows of a version at rest is listed once it is stored", async () => {
  await atRest();
  await edit("2");
  const { store } = world.deps;
  const commit: typeof store.commit = () =>
    Promise.reject(new ServiceError("StateConflict", "Another came.", { retryAfterMs: 1 }));
  const overtaken: Dependencies = { ...world.deps, store: { ...store, commit } };
  await look(world, overtaken);
  await expectListed(world.deps, [id]);
  await look(world);
  await expectListed(world.deps, [id]);
});

test("what is in doubt is not listed, nor what is gone as if it were there", async () => {
  await atRest();
  await outside(world, "DELETE", id);
  await look(world);
  expect(await row()).not.toHaveProperty("digest");
  world.clock.advance(30 * MINUTE_MS);
  await look(world);
  await expectListed(world.deps, [id]);
  expect(await digest()).toEqual({ form: 1 });
});

test("drift reads no record of what Azure lists as its row says, and sees what goes back, too", async () => {
  await atRest();
  const { store } = world.deps;
  let reads = 0;
  const readRecord: typeof store.readRecord = (key) => {
    reads += 1;
    return store.readRecord(key);
  };
  const deps: Dependencies = { ...world.deps, store: { ...store, readRecord } };
  const readsOf = async (): Promise<number> => {
    reads = 0;
    await look(world, deps);
    return reads;
  };
  expect(await readsOf()).toBe(0);
  await world.takeEvents();
  for (const [build, events, stands] of [
    ["2", ["ChangedOutside"], ["ChangedOutside"]],
    ["1", [], []],
  ] as const) {
    await edit(build);
    expect(await readsOf()).toBe(1);
    expect(await told(world, id)).toEqual(events);
    expect((await world.read(id)).record.conditions.map(({ type }) => type)).toEqual(stands);
    expect(await readsOf()).toBe(0);
    world.clock.advance(60 * MINUTE_MS);
  }
});
