import { afterAll, beforeAll, expect, test } from "vitest";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import {
  listGalleries,
  listImageDefinitions,
} from "../../../src/image-version/queries/galleries.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { startInProcess, type InProcess } from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import { naming } from "../../support/naming.js";

const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
const GALLERY = of.id("galleries/Definitions");
const EMPTY = of.id("galleries/Empty");

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({});
  const { control } = world.simulator;
  await control.putResource(of.gallery("Empty", "westus"));
  await control.putResource(of.gallery("Definitions", "westus"));
  for (const name of ["b", "C", "a", "D", "e"])
    await control.putResource(of.imageDefinition("Definitions", name, "westus"));
});
afterAll(() => world.close());

const looks = () => createLooks(world.deps.resourceManager, world.deps.resources, world.deps.now);

/** All of a list that is so old. */
const all = (ageMs = 0) => ({
  top: 20,
  anew: false,
  now: new Date(world.clock.now() + ageMs),
});

test("twenty who look at a gallery for an hour, page after page, cost one read of Azure", async () => {
  const shared = looks();
  await world.simulator.control.setPageSize(100);
  world.simulator.control.clearRequests();
  const time = world.deps.now().toISOString();
  const namesOf = async (): Promise<readonly string[]> => {
    const names: string[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await listImageDefinitions(shared, GALLERY, {
        ...all(),
        top: 2,
        continuationToken,
      });
      names.push(...page.value.map(({ name }) => name));
      expect(page.time).toBe(time);
      continuationToken = page.continuationToken;
    } while (continuationToken !== undefined);
    return names;
  };
  const read = await Promise.all(Array.from({ length: 20 }, namesOf));
  for (const names of read) expect(names).toEqual(["a", "b", "C", "D", "e"]);
  world.clock.advance(3_599_000);
  await namesOf();
  expect(world.simulator.control.requests()).toHaveLength(1);
  const anew = await listImageDefinitions(shared, GALLERY, {
    ...all(),
    anew: true,
  });
  expect(anew.time).toBe(world.deps.now().toISOString());
  expect(world.simulator.control.requests()).toHaveLength(2);
});

test("galleries are listed by their ids, with the age of the list", async () => {
  const time = world.deps.now().toISOString();
  const first = await listGalleries(looks(), { ...all(), top: 1 });
  expect(first).toMatchObject({ time, readAgain: 3_600, value: [{ id: GALLERY }] });
  const { value, continuationToken } = await listGalleries(looks(), {
    ...all(),
    continuationToken: first.continuationToken,
  });
  expect(value[0]).toEqual({ id: EMPTY, name: "Empty", region: "westus" });
  expect(continuationToken).toBeUndefined();
});

test("a list says when Sigil reads it again, in a minute at the soonest", async () => {
  for (const [ageMs, readAgain] of [
    [1_800_500, 1_800],
    [3_599_000, 60],
  ] as const)
    expect(await listGalleries(looks(), all(ageMs))).toMatchObject({ readAgain });
});

test("an empty gallery has none, and one that is not there is not found", async () => {
  expect(await listImageDefinitions(looks(), EMPTY, all())).toMatchObject({
    value: [],
  });
  const missing = of.id("galleries/None");
  expect(await refusal(listImageDefinitions(looks(), missing, all()))).toMatchObject({
    code: "NotFound",
    message: naming([missing, "az sig create"]),
  });
});
