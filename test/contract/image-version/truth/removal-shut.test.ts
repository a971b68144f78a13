/** Others have allowed, in Azure, that the version is removed from regions. */
import { beforeEach, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { inAzure, made, patch, patchThrough, plain } from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const OPEN = { safetyProfile: { allowDeletionOfReplicatedLocations: true } };

beforeEach(async () => {
  await made(world, id, plain(undefined, { tags: { a: "1" } }));
  await world.simulator.control.editVersion({
    versionId: id,
    properties: OPEN,
  });
});

const isOpen = async () =>
  (await inAzure(world, id))?.properties.safetyProfile
    ?.allowDeletionOfReplicatedLocations;

test("an update that does not ask for it takes it off, and says so", async () => {
  const { warnings } = await patchThrough(world, id, { tags: { b: "1" } });
  expect(warnings).toMatchObject([{ code: "RemovalShut" }]);
  expect(await isOpen()).toBe(false);
});

test("one that asks for it keeps it, and so does the next", async () => {
  const asked = await patchThrough(world, id, {
    tags: { b: "1" },
    properties: OPEN,
  });
  const next = await patchThrough(world, id, { tags: { c: "1" } });
  expect([asked.warnings, next.warnings]).toEqual([undefined, undefined]);
  expect(await isOpen()).toBe(true);
});

test("a request that changes nothing leaves it, and has nothing to say", async () => {
  const answer = await patch(world, id, { tags: { a: "1" } });
  expect(answer).toMatchObject({
    kind: "unchanged",
    version: { warnings: [] },
  });
  expect(await isOpen()).toBe(true);
});
