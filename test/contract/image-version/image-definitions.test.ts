import { afterAll, beforeAll, expect, test } from "vitest";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { listImageDefinitions } from "../../../src/image-version/queries/image-definitions.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { startInProcess, type InProcess } from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";

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
    await control.putResource(
      of.imageDefinition("Definitions", name, "westus"),
    );
});
afterAll(() => world.close());

const looks = () =>
  createLooks(world.deps.resourceManager, world.deps.resources, world.deps.now);

test("twenty who look at a gallery for half a minute, page after page, cost one read of Azure", async () => {
  const shared = looks();
  await world.simulator.control.setPageSize(100);
  world.simulator.control.clearRequests();
  const namesOf = async (): Promise<readonly string[]> => {
    const names: string[] = [];
    let token: string | undefined;
    do {
      const page = await listImageDefinitions(shared, GALLERY, 2, token);
      names.push(...page.value.map(({ name }) => name));
      token = page.continuationToken;
    } while (token !== undefined);
    return names;
  };
  const all = await Promise.all(Array.from({ length: 20 }, namesOf));
  for (const names of all) expect(names).toEqual(["a", "b", "C", "D", "e"]);
  world.clock.advance(29_000);
  await namesOf();
  expect(world.simulator.control.requests()).toHaveLength(1);
  world.clock.advance(1_000);
  await namesOf();
  expect(world.simulator.control.requests()).toHaveLength(2);
});

test("an empty gallery has none, and one that is not there is not found", async () => {
  expect(await listImageDefinitions(looks(), EMPTY, 20, undefined)).toEqual({
    value: [],
  });
  const missing = of.id("galleries/None");
  expect(
    await refusal(listImageDefinitions(looks(), missing, 20, undefined)),
  ).toMatchObject({
    code: "NotFound",
    message: `Azure has no gallery ${missing}. Correct the URL, or create it: az sig create.`,
  });
});
