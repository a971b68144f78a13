/** A version that somebody opens: its sets are looked at before the next run, and each says until when its key can be used. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { openedKeys, withKeys } from "../../../src/image-version/queries/keys.js";
import { createAttention } from "../../../src/image-version/queries/attention.js";
import { createSummaries } from "../../../src/image-version/queries/summaries.js";
import { imageRow } from "../../../src/listings.js";
import { idOf, noting } from "../../support/dependencies.js";
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
  world.clock.advance(30_000);
  deps = noting({ ...world.deps, looks: createLooks(resourceManager, resources, now) });
  world.simulator.control.clearRequests();
});

const version = () => getImageVersion(deps, idOf(`${image}/versions/1.0.0`));
const open = async (looks = true) => openedKeys(deps, image, await version(), looks);
const setsRead = (): number =>
  world.simulator.control.requests().filter(({ path }) => path.includes("diskEncryptionSets"))
    .length;

test("is looked at once for all who open it, and what is wrong is told", async () => {
  await world.setKey({ enabled: false });
  const keys = await open();
  expect(keys).toMatchObject({
    state: "AtRisk",
    notSeen: [],
    problems: [{ code: "KeyDisabled", diskEncryptionSetId: OS }],
  });
  expect(keys?.seenTime).toBeDefined();
  const reads = setsRead();
  expect(reads).toBeGreaterThan(0);
  await open();
  expect(setsRead()).toBe(reads);
  await world.setKey({ enabled: true });
  world.clock.advance(30_000);
  expect(await open()).toMatchObject({ state: "Safe" });
});

test("what may not be read is said", async () => {
  const { control } = world.simulator;
  const action = "Microsoft.Compute/diskEncryptionSets/read";
  await control.denyAction({ action, scope: OS });
  const keys = await open();
  expect(keys?.state).toBe("Unknown");
  expect(keys?.notSeen.map(({ code }) => code)).toContain("InsufficientPermission");
  await control.allowAction({ action, scope: OS });
});

test("a run's own look is taken as it is", async () => {
  await world.run();
  world.simulator.control.clearRequests();
  expect(await open()).toMatchObject({ state: "Safe" });
  expect(setsRead()).toBe(0);
});

describe("until when a key can be used", () => {
  const EXPIRES = "2031-03-03T00:00:00.000Z";
  const summarized = async () => (await createSummaries(deps)(image)).view;
  beforeEach(() => world.setKey({ exp: Date.parse(EXPIRES) / 1_000 }));

  test("is said of the sets of a version and of an image definition, where the key has an end", async () => {
    await world.run();
    const keys = await open(false);
    expect(keys?.sets).toHaveLength(4);
    expect(keys?.sets?.filter(({ expiresTime }) => expiresTime !== undefined)).toEqual([
      {
        diskEncryptionSetId: OS,
        regions: ["westus"],
        keyUrl: expect.stringContaining("WestUSDiskEncryptionSet1/") as string,
        expiresTime: EXPIRES,
      },
    ]);
    const { diskEncryptionSets, keys: listed = [] } = await summarized();
    expect(
      listed.map(({ diskEncryptionSet, keyUrl, expiresTime }) => [
        diskEncryptionSets[diskEncryptionSet],
        keyUrl !== undefined,
        expiresTime,
      ]),
    ).toEqual(diskEncryptionSets.map((id) => [id, true, id === OS ? EXPIRES : undefined]));
    const [[, inList] = []] = await withKeys(deps, image, [await version()]);
    expect(inList).toMatchObject({ state: "Safe" });
    expect(inList).not.toHaveProperty("sets");
  });

  test("is what a look has shown where no run has looked yet, and is not known of a set that nobody has looked at", async () => {
    const fresh = await world.define();
    await world.publish(`${fresh}/versions/1.0.0`);
    const of = await getImageVersion(deps, idOf(`${fresh}/versions/1.0.0`));
    expect((await openedKeys(deps, fresh, of, false))?.sets).toEqual([]);
    const looked = await openedKeys(deps, fresh, of, true);
    expect(looked?.sets?.find(({ diskEncryptionSetId: id }) => id === OS)).toMatchObject({
      expiresTime: EXPIRES,
    });
  });

  test("is not known of what an earlier release has stored, which is read as it was", async () => {
    await world.run();
    const { keyStates } = world.guardian;
    const stored = await keyStates.read(image);
    if (stored === undefined) throw new Error("nothing is stored");
    const { document, etag } = stored;
    const sets = document.sets.map(({ expiresTime: _, ...state }) => state);
    await keyStates.put({ ...document, sets }, etag);
    const before = await open(false);
    expect(before?.state).toBe("Safe");
    expect(before?.sets).toHaveLength(4);
    expect(JSON.stringify(before)).not.toContain("expiresTime");
    await world.run();
    expect(JSON.stringify(await open(false))).toContain(EXPIRES);
  });
});

test("seen by somebody without news, it is as lately seen in summary, list and status of the same instance", async () => {
  await world.run();
  world.clock.advance(3 * 3_600_000);
  const summarize = createSummaries(deps);
  const attention = createAttention({ ...deps, versions: deps.store }, summarize);
  const ofSummary = async () =>
    (await summarize(image)).view.keys?.map(({ seenTime }) => seenTime).sort()[0];
  const neverSets = async () => (await attention({})).seen.neverSets;
  await deps.index.put([imageRow(image)]);
  const [before, sets] = [await ofSummary(), (await summarize(image)).view.keys?.length];
  expect(await neverSets()).toBe(sets);
  world.clock.advance(5_000); // How long it is kept.
  world.simulator.control.clearRequests();
  expect(await ofSummary()).toBe(before);
  expect(setsRead()).toBe(0);
  const keys = await open();
  world.clock.advance(5_000);
  const reads = setsRead();
  expect(keys?.seenTime).not.toBe(before);
  expect(await ofSummary()).toBe(keys?.seenTime);
  expect(await neverSets()).toBe(0);
  const [[, listed] = []] = await withKeys(deps, image, [await version()]);
  expect(listed?.seenTime).toBe(keys?.seenTime);
  expect(await open(false)).toEqual(keys);
  expect(setsRead()).toBe(reads);
});
