/** What the calls of those who only ask may cost of Azure's reads and of the tables, however often they come. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { getImageVersion, listImageVersions } from "../../../src/image-version/queries/get.js";
import { noteSeen } from "../../../src/image-version/note-seen.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, request } from "../../support/dependencies.js";
import { startOnLoopback, type OnLoopback } from "../../support/on-loopback.js";
import { body, define, EASTUS2, versionId, WESTUS } from "../image-version/rollbacks.js";

let world: OnLoopback;
const tables = { reads: 0, writes: 0 };
let id: string;
let version: ReturnType<typeof idOf>;

beforeAll(async () => {
  const service = await startMemoryTables({
    onRequest: ({ kind }) => (kind === "read" ? (tables.reads += 1) : (tables.writes += 1)),
  });
  world = await startOnLoopback({ tables: service, replicationMs: 60_000, spread: 0 });
  id = versionId("1.0.0", await define(world));
  version = idOf(id);
  await request(world.deps, id, body({ targetRegions: [WESTUS, EASTUS2] }));
  await world.finish(id);
});
afterAll(() => world.close());

const nothing = () => Promise.resolve();
const get = () => getImageVersion(world.deps, version);
const anew = () => getImageVersion(world.deps, version, true);
/** As the handler of GET does it: what is seen otherwise than it is recorded is noted. */
const andNote = async () => noteSeen(world.deps, version, (await anew()).record);
const all = () => listImageVersions(world.deps, imageIdOf(version), 20, undefined);
const byOthers = () =>
  world.simulator.control.editVersion({ versionId: id, tags: { by: String(world.clock.now()) } });

test.each([
  { what: "a GET", given: nothing, call: get, times: 1, arm: 2, reads: 1, writes: 0 },
  {
    what: "a GET with refresh",
    given: nothing,
    call: andNote,
    times: 1,
    arm: 2,
    reads: 1,
    writes: 0,
  },
  { what: "50 GETs", given: nothing, call: get, times: 50, arm: 2, reads: 50, writes: 0 },
  {
    what: "50 with refresh",
    given: nothing,
    call: andNote,
    times: 50,
    arm: 2,
    reads: 50,
    writes: 0,
  },
  {
    what: "50 with refresh of what others change",
    given: byOthers,
    call: andNote,
    times: 50,
    arm: 3,
    reads: 51,
    writes: 5,
  },
  { what: "a list", given: nothing, call: all, times: 1, arm: 1, reads: 2, writes: 0 },
  { what: "50 lists", given: nothing, call: all, times: 50, arm: 1, reads: 100, writes: 0 },
])("$what: $arm requests of Azure, $reads reads and $writes writes of tables", async (row) => {
  const { given, call, times, arm, reads, writes } = row;
  world.clock.advance(3_600_000);
  await given();
  tables.reads = tables.writes = 0;
  world.simulator.control.clearRequests();
  for (let i = 0; i < times; i += 1) await call();
  expect({ arm: world.simulator.control.countRequests(), ...tables }).toEqual({
    arm,
    reads,
    writes,
  });
});
