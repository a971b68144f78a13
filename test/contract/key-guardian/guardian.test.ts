import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { EventData } from "../../../src/events/documented-event.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { getImageVersion, openedKeys } from "../../../src/image-version/index.js";
import type { GuardianDependencies } from "../../../src/key-guardian/note.js";
import { idOf, TRACEPARENT } from "../../support/dependencies.js";
import { KEY, OS, of, setIn, startGuarded, VAULT, type Guarded } from "./support.js";

const AT_RISK = "Sigil.ImageVersion.KeyAtRisk";
const SAFE = "Sigil.ImageVersion.KeySafe";

const KEY_READ = "Microsoft.KeyVault/vaults/keys/versions/read";
const SET_READ = "Microsoft.Compute/diskEncryptionSets/read";
const ACTIONS = [KEY_READ, SET_READ];

let world: Guarded;
let image: string;
let other: string;
beforeAll(async () => {
  world = await startGuarded();
  image = await world.define();
  other = await world.define();
  for (const id of [
    `${image}/versions/1.0.0`,
    `${image}/versions/1.0.1`,
    `${other}/versions/1.0.0`,
  ])
    await world.publish(id);
});
afterAll(() => world.close());

/** What was there before each test. */
let resources: ReturnType<Guarded["simulator"]["control"]["resources"]>;
beforeEach(async () => {
  resources = world.simulator.control.resources();
  await world.run();
  await world.takeTold();
});
afterEach(async () => {
  const { control } = world.simulator;
  for (const action of ACTIONS) await control.allowAction({ action });
  for (const resource of resources) await control.putResource(resource);
  await world.run();
  await world.takeTold();
  control.clearRequests();
});

/** Types and codes, by image definition. */
async function told() {
  return (await world.takeTold()).map(({ type, subject, data }) => [
    subject,
    type,
    ...((data as Partial<EventData<typeof AT_RISK>>).problems ?? []).map(({ code }) => code),
  ]);
}

test("with each set, the types of its versions are kept, whoever looks next", async () => {
  const madeWith = async () => {
    const sets = (await world.guardian.keyStates.read(image))?.document.sets ?? [];
    return sets.map((set) => set.madeWith?.versions);
  };
  const made = { EncryptionAtRestWithCustomerKey: "1.0.1" };
  expect(await madeWith()).toEqual([made, made, made, made]);
  await world.setKey({ enabled: false });
  world.clock.advance(60_000);
  const version = await getImageVersion(world.deps, idOf(`${image}/versions/1.0.1`));
  await openedKeys(world.deps, image, version, true);
  expect((await told()).map(([subject]) => subject)).toEqual([expect.stringContaining(image)]);
  expect(await madeWith()).toEqual([made, made, made, made]);
});

describe("what goes bad is told once, of each image definition, and that it is mended:", () => {
  test.each<readonly [string, () => Promise<unknown>]>([
    ["KeyDisabled", () => world.setKey({ enabled: false })],
    ["KeyExpired", () => world.setKey({ exp: world.clock.now() / 1_000 - 1 })],
    ["KeyExpiring", () => world.setKey({ exp: world.clock.now() / 1_000 + 86_400 })],
    ["KeyNotFound", () => world.simulator.control.removeResource(KEY)],
    ["DiskEncryptionSetNotFound", () => world.simulator.control.removeResource(OS)],
    [
      "DiskEncryptionSetNotReady",
      () =>
        world.simulator.control.putResource(
          of.diskEncryptionSet("WestUSDiskEncryptionSet1", "westus", undefined, {
            provisioningState: "Failed",
          }),
        ),
    ],
    [
      "DiskEncryptionSetKeyRotationFailing",
      () =>
        world.simulator.control.putResource(
          of.diskEncryptionSet("WestUSDiskEncryptionSet1", "westus", undefined, {
            autoKeyRotationError: { code: "Forbidden", message: "no access" },
          }),
        ),
    ],
    [
      "DiskEncryptionSetTypeChanged",
      () =>
        world.simulator.control.putResource(
          of.diskEncryptionSet(
            "WestUSDiskEncryptionSet1",
            "westus",
            "EncryptionAtRestWithPlatformAndCustomerKeys",
          ),
        ),
    ],
  ])("%s", async (code, breakIt) => {
    await breakIt();
    expect(await world.run()).toMatchObject({ errors: [], unfinished: false });
    world.clock.advance(120_000);
    await world.run();
    const events = await told();
    expect(events).toHaveLength(2);
    expect(events).toEqual(
      expect.arrayContaining([
        [image, AT_RISK, code],
        [other, AT_RISK, code],
      ]),
    );
    for (const resource of resources) await world.simulator.control.putResource(resource);
    await world.run();
    await world.run();
    expect(await told()).toEqual(
      expect.arrayContaining([
        [image, SAFE],
        [other, SAFE],
      ]),
    );
  });

  test("a vault that is gone takes every key of it along", async () => {
    await world.simulator.control.removeResource(VAULT);
    await world.run();
    const events = await told();
    expect(events).toHaveLength(4);
    expect(events).toContainEqual([image, AT_RISK, "KeyVaultNotFound"]);
  });
});

test("an event names the set, its key, each version and where it has the set, what breaks and what mends it", async () => {
  await world.setKey({ enabled: false });
  await world.run();
  const event = (await world.takeTold()).find(({ subject }) => subject === image);
  const keyUrl = expect.stringMatching(/\/keys\/WestUSDiskEncryptionSet1\//u) as string;
  expect(event?.data).toEqual({
    diskEncryptionSetId: OS,
    keyUrl,
    since: new Date(world.clock.now()).toISOString(),
    problems: [
      {
        code: "KeyDisabled",
        severity: "error",
        message: expect.stringMatching(/, the key of .*, is disabled\.$/u) as string,
        remediation: expect.stringContaining("--enabled true") as string,
        breaks: ["update", "deployment", "runningMachines"],
      },
    ],
    notSeen: [],
    versions: [
      { name: "1.0.1", regions: ["westus"] },
      { name: "1.0.0", regions: ["westus"] },
    ],
    versionCount: 2,
    whatToDo: {
      verb: "Open keys",
      sentence: expect.stringContaining("Fix the key") as string,
      command: expect.stringMatching(/ -e 1\.0\.1 --query sigil\.keys$/u) as string,
      request: `GET /api${image}/versions/1.0.1`,
    },
  });
});

test("each set and key is read once, whoever has it", async () => {
  world.simulator.control.clearRequests();
  const { reads, sets, images } = await world.run();
  const { control } = world.simulator;
  expect(images).toBe(2);
  expect(sets).toBe(8);
  // Two lists, four sets, four keys.
  expect(reads).toBe(10);
  expect(control.countRequests({})).toBe(10);
  expect(
    control.countRequests({
      path: "diskEncryptionSets/WestUSDiskEncryptionSet1\\?",
    }),
  ).toBe(1);
});

describe("what cannot be looked at is said, and is never safe:", () => {
  const state = async () =>
    (await world.guardian.keyStates.read(image))?.document.sets.find(
      ({ diskEncryptionSetId }) => diskEncryptionSetId === OS,
    );

  test.each([
    ["a key", KEY_READ, KEY],
    ["a set", SET_READ, OS],
  ])("%s", async (_, action, scope) => {
    await world.setKey({ enabled: false });
    await world.run();
    await world.takeTold();
    await world.simulator.control.denyAction({ action, scope });
    await world.setKey({ enabled: true });
    await world.run();
    expect(await told()).toEqual([]);
    expect(await state()).toMatchObject({
      problems: [{ code: "KeyDisabled" }],
      notSeen: [
        {
          code: "InsufficientPermission",
          message: expect.stringContaining(action) as string,
        },
      ],
    });
  });

  test.each<readonly [string, Record<string, unknown>]>([
    ["KeyInOtherTenant", { federatedClientId: "11111111-1111-4111-8111-111111111111" }],
    ["KeyVaultNotNamed", { activeKey: { keyUrl: "https://a.vault.azure.net/keys/a/1" } }],
    ["ManagedHsm", { activeKey: { keyUrl: "https://a.managedhsm.azure.net/keys/a/1" } }],
  ])("%s", async (code, properties) => {
    await world.simulator.control.putResource(
      of.diskEncryptionSet("WestUSDiskEncryptionSet1", "westus", undefined, properties),
    );
    await world.run();
    expect(await told()).toEqual([]);
    expect(await state()).toMatchObject({ problems: [], notSeen: [{ code }] });
  });
});

test("a key that does not say whether it is enabled is not seen", async () => {
  const { control } = world.simulator;
  const key = control.resources().find(({ id }) => id === KEY);
  if (key === undefined) throw new Error(`${KEY} is not there`);
  const { attributes: _, ...properties } = key.properties ?? {};
  await control.putResource({ ...key, properties });
  await world.run();
  expect(await told()).toEqual([]);
  const stored = await world.guardian.keyStates.read(image);
  expect(
    stored?.document.sets.find(({ diskEncryptionSetId }) => diskEncryptionSetId === OS),
  ).toMatchObject({
    problems: [],
    notSeen: [{ code: "ResourceManagerRefused" }],
  });
});

describe("where nothing is certain the state stays as it was:", () => {
  test.each([429, 500, 503])("%d", async (status) => {
    await world.setKey({ enabled: false });
    await world.run();
    await world.takeTold();
    await world.setKey({ enabled: true });
    world.simulator.control.addFault({
      path: "Microsoft.KeyVault/vaults/keys-westus/keys/WestUSDiskEncryptionSet1",
      status,
      times: 1,
    });
    const { errors, unfinished } = await world.run();
    expect(errors.length).toBeGreaterThan(0);
    expect(unfinished).toBe(status === 429);
    world.simulator.control.clearFaults();
    const before = await told();
    // What was throttled at once comes last.
    await world.run();
    await world.run();
    expect([...before, ...(await told())]).toHaveLength(2);
  });
});

test("a run that cannot list versions, or store, leaves the others their turn", async () => {
  await world.setKey({ enabled: false });
  const failing: GuardianDependencies = {
    ...world.guardian,
    resourceManager: {
      ...world.deps.resourceManager,
      listImageVersions: (id) =>
        id === image
          ? Promise.reject(
              new ServiceError("ResourceManagerUnavailable", "no", {
                retryAfterMs: 1,
              }),
            )
          : world.deps.resourceManager.listImageVersions(id),
    },
  };
  expect(await world.run(failing)).toMatchObject({
    errors: [{ resourceId: image }],
    unfinished: false,
  });
  expect(await told()).toEqual([[other, AT_RISK, "KeyDisabled"]]);
});

test("of two hosts that look at once, one tells", async () => {
  await world.setKey({ enabled: false });
  await Promise.all([world.run(), world.run(), world.run()]);
  const events = await world.takeTold();
  expect(new Set(events.map(({ id }) => id)).size).toBe(2);
  expect(events).toHaveLength(2);
});

test("so is one whose image definition is gone", async () => {
  const gone = await world.define();
  await world.publish(`${gone}/versions/1.0.0`);
  await world.setKey({ enabled: false });
  await world.run();
  await world.takeTold();
  const { control } = world.simulator;
  for (const { id } of control.resources())
    if (id.startsWith(gone)) await control.removeResource(id);
  await world.run();
  await world.run();
  expect(await told()).toContainEqual([gone, SAFE]);
});

test("a set that no version has any more, by two looks, is told to be at risk no more", async () => {
  const gone = await world.define();
  await world.publish(`${gone}/versions/1.0.0`);
  await world.setKey({ enabled: false });
  await world.run();
  await deleteImageVersion(world.deps, {
    id: idOf(`${gone}/versions/1.0.0`),
    requestedBy: { appId: "test" },
    traceparent: TRACEPARENT,
    allowNoLatest: true,
  });
  await world.finish(`${gone}/versions/1.0.0`);
  await world.takeTold();
  await world.run();
  expect(await told()).toEqual([]);
  await world.run();
  expect(await told()).toEqual([[gone, SAFE]]);
  await world.run();
  expect(await told()).toEqual([]);
});

test("one look that does not find a set says nothing but that it was not found", async () => {
  const set = resources.find(({ id }) => id === OS);
  if (set === undefined) throw new Error(`${OS} is not there`);
  const removed = (): Promise<unknown> => world.simulator.control.removeResource(OS);
  const restored = (): Promise<unknown> => world.simulator.control.putResource(set);
  for (let i = 0; i < 2; i += 1) {
    await removed();
    await world.run();
    await restored();
    world.clock.advance(3_600_000);
    await world.run();
    world.clock.advance(3_600_000);
  }
  expect(await told()).toEqual([]);
  await removed();
  await world.run();
  // At once it is the same look.
  await world.run();
  expect(await told()).toEqual([]);
  world.clock.advance(3_600_000);
  await world.run();
  expect(await told()).toContainEqual([image, AT_RISK, "DiskEncryptionSetNotFound"]);
  await restored();
});

test("sets of each region are looked at", async () => {
  await world.simulator.control.removeResource(setIn("EastUS2DiskEncryptionSet2"));
  await world.run();
  world.clock.advance(120_000);
  await world.run();
  expect(await told()).toContainEqual([image, AT_RISK, "DiskEncryptionSetNotFound"]);
});

test.each([
  ["do not answer", "ResourceManagerUnavailable", 60_000],
  ["are throttled", "ResourceManagerThrottled", 0],
] as const)(
  "sets of one region that %s hold up no others of their image definition",
  async (_, code, afterMs) => {
    const alone = await world.define();
    await world.publish(`${alone}/versions/1.0.0`);
    await world.run();
    const failing: GuardianDependencies = {
      ...world.guardian,
      resources: {
        ...world.guardian.resources,
        getDiskEncryptionSet: (id) => {
          if (!id.toLowerCase().includes("/eastus2diskencryptionset"))
            return world.guardian.resources.getDiskEncryptionSet(id);
          world.clock.advance(afterMs);
          return Promise.reject(new ServiceError(code, "no answer", { retryAfterMs: 1 }));
        },
      },
    };
    const unfinished: boolean[] = [];
    const run = async () => {
      world.clock.advance(3_600_000);
      unfinished.push((await world.run(failing)).unfinished);
    };
    for (let runs = 0; runs < 8; runs += 1) await run();
    await world.setKey({ enabled: false });
    for (let runs = 0; runs < 8; runs += 1) await run();
    expect(await told()).toContainEqual([alone, AT_RISK, "KeyDisabled"]);
    expect(unfinished[0]).toBe(true);
  },
);
