/** A version that somebody opens: its sets are looked at before the next run. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { openedKeys } from "../../../src/image-version/queries/keys.js";
import { idOf } from "../../support/dependencies.js";
import { OS, startGuarded, type Guarded } from "./support.js";

let world: Guarded;
let image: string;
beforeAll(async () => {
  world = await startGuarded();
  image = await world.define();
  await world.publish(`${image}/versions/1.0.0`);
});
afterAll(() => world.close());

let deps: Guarded["deps"];
beforeEach(() => {
  const { resourceManager, resources, now } = world.deps;
  const looks = createLooks(resourceManager, resources, now);
  deps = { ...world.deps, looks };
  world.simulator.control.clearRequests();
});

const open = async () =>
  openedKeys(
    deps,
    image,
    await getImageVersion(deps, idOf(`${image}/versions/1.0.0`)),
  );
const setsRead = (): number =>
  world.simulator.control
    .requests()
    .filter(({ path }) => path.includes("diskEncryptionSets")).length;

test("is looked at once for all who open it, and what is wrong is told", async () => {
  await world.setKey({ enabled: false });
  const keys = await open();
  expect(keys).toMatchObject({
    state: "AtRisk",
    notSeen: [],
    problems: [{ code: "KeyDisabled", diskEncryptionSetId: OS }],
  });
  expect(keys?.lookedTime).toBeDefined();
  const reads = setsRead();
  expect(reads).toBeGreaterThan(0);
  await open();
  expect(setsRead()).toBe(reads);
  await world.setKey({ enabled: true });
});

test("what may not be read is said", async () => {
  const { control } = world.simulator;
  const action = "Microsoft.Compute/diskEncryptionSets/read";
  await control.denyAction({ action, scope: OS });
  const keys = await open();
  expect(keys?.state).toBe("Unknown");
  expect(keys?.notSeen.map(({ code }) => code)).toContain(
    "InsufficientPermission",
  );
  await control.allowAction({ action, scope: OS });
});

test("a run's own look is taken as it is", async () => {
  await world.run();
  world.simulator.control.clearRequests();
  expect(await open()).toMatchObject({ state: "Safe" });
  expect(setsRead()).toBe(0);
});
