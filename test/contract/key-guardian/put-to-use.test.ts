/** Keys of what a request creates, adds, restores, promotes or rolls back to, as Azure has them at that moment. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { planRollback } from "../../../src/image-version/rollback/roll-back.js";
import { idOf, request, TRACEPARENT } from "../../support/dependencies.js";
import { managedImageRequest, seedRegion } from "../../support/requests.js";
import { disableSoftDelete, enableSoftDelete } from "../../support/soft-delete.js";
import { regionWith } from "../../support/trial.js";
import { KEY, of, OS, startGuarded, type Guarded } from "./support.js";

const KEY_READ = "Microsoft.KeyVault/vaults/keys/versions/read";
const STORAGE = { storageAccountType: "Standard_LRS" } as const;
const WESTUS = { ...seedRegion("westus", "WestUS"), ...STORAGE };
const EASTUS2 = { ...seedRegion("eastus2", "EastUS2"), ...STORAGE };
const FIELD =
  "/properties/publishingProfile/targetRegions/0/encryption/osDiskImage/diskEncryptionSetId";

let world: Guarded;
beforeAll(async () => {
  world = await startGuarded();
  await world.simulator.control.putResource(of.diskEncryptionSet("Other", "westus"));
});
afterAll(() => world.close());
afterEach(async () => {
  await world.simulator.control.allowAction({ action: KEY_READ });
  await world.setKey({});
});

type Profile = NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>;

function body(
  targetRegions: NonNullable<Profile["targetRegions"]> = [WESTUS],
  more: Partial<Profile> = {},
): ImageVersionRequest {
  const { location, properties } = managedImageRequest();
  return {
    location,
    properties: {
      ...properties,
      publishingProfile: { targetRegions, ...more },
    },
  };
}

const newVersion = async () => `${await world.define()}/versions/1.0.0`;

async function put(id: string, version: ImageVersionRequest) {
  await request(world.deps, id, version);
  return world.finish(id);
}

/** A version that is ready, and then the key of westus disabled: the key guardian has not run. */
async function disabledAfter(id: string, version = body()): Promise<void> {
  expect(await put(id, version)).toMatchObject({ status: "Succeeded" });
  await world.setKey({ enabled: false });
  world.simulator.control.clearRequests();
}

const puts = () => world.simulator.control.countRequests({ method: "PUT" });
const keyReads = () =>
  world.simulator.control.requests().filter(({ path }) => path.includes("/keys/")).length;
const refused = (code: string) => ({
  status: "Failed",
  error: { code: "PreflightFailed", errors: [{ code }] },
});

describe("a version is not created with a key that", () => {
  test.each<readonly [string, () => Promise<unknown>]>([
    ["KeyDisabled", () => world.setKey({ enabled: false })],
    ["KeyExpired", () => world.setKey({ exp: world.clock.now() / 1_000 })],
    ["KeyNotYetValid", () => world.setKey({ nbf: world.clock.now() / 1_000 + 999 })],
    ["KeyNotFound", () => world.simulator.control.removeResource(KEY)],
  ])("%s", async (code, breakIt) => {
    const id = await newVersion();
    const key = world.simulator.control.resources().find((one) => one.id === KEY);
    if (key === undefined) throw new Error(`${KEY} is not there`);
    await breakIt();
    world.simulator.control.clearRequests();
    try {
      const { findings } = await planImageVersion(world.deps, {
        id: idOf(id),
        body: body(),
      });
      expect(findings).toMatchObject([{ code, severity: "error", pointer: FIELD }]);
      await expect(request(world.deps, id, body(), { plan: "require" })).rejects.toMatchObject({
        code: "PreflightFailed",
        findings: [{ code }],
      });
      expect(await put(id, body())).toMatchObject(refused(code));
      expect(puts()).toBe(0);
    } finally {
      await world.simulator.control.putResource(key);
    }
  });
});

test("a region is not added with such a key, and its pointer is that of the region's set", async () => {
  const id = await newVersion();
  const regions = [WESTUS, EASTUS2];
  const key = KEY.replaceAll("westus", "eastus2").replace("WestUS", "EastUS2");
  expect(await put(id, body(regions.slice(0, 1)))).toMatchObject({
    status: "Succeeded",
  });
  const { control } = world.simulator;
  const before = control.resources().find((one) => one.id === key);
  if (before === undefined) throw new Error(`${key} is not there`);
  await control.putResource({
    ...before,
    properties: { ...before.properties, attributes: { enabled: false } },
  });
  control.clearRequests();
  try {
    expect(await put(id, body(regions))).toMatchObject({
      status: "Failed",
      error: {
        errors: [{ code: "KeyDisabled", pointer: FIELD.replace("/0/", "/1/") }],
      },
    });
    expect(puts()).toBe(0);
  } finally {
    await control.putResource(before);
  }
});

test("what has the key already is changed otherwise, and no key is read for that", async () => {
  const id = await newVersion();
  await disabledAfter(id);
  expect(await put(id, { ...body(), tags: { build: "2" } })).toMatchObject({
    status: "Succeeded",
  });
  expect(keyReads()).toBe(0);
});

describe("a version whose key has been disabled since the key guardian's run", () => {
  test("is not promoted by hand", async () => {
    const id = await newVersion();
    await disabledAfter(id, body([WESTUS], { excludeFromLatest: true }));
    await expect(
      promoteImageVersion(world.deps, {
        id: idOf(id),
        requestedBy: { appId: "test" },
        traceparent: TRACEPARENT,
      }),
    ).rejects.toMatchObject({
      code: "KeyAtRisk",
      findings: [{ code: "KeyDisabled" }],
    });
  });

  test("is not promoted by a PATCH", async () => {
    const id = await newVersion();
    await disabledAfter(id, body([WESTUS], { excludeFromLatest: true }));
    await patchImageVersion(world.deps, {
      id: idOf(id),
      requestedBy: { appId: "test" },
      traceparent: TRACEPARENT,
      patch: {
        properties: { publishingProfile: { excludeFromLatest: false } },
      },
      validate: () => [],
    });
    expect(await world.finish(id)).toMatchObject(refused("KeyDisabled"));
    expect(puts()).toBe(0);
  });

  test("is not promoted in one region", async () => {
    const id = await newVersion();
    await disabledAfter(id, body([WESTUS, EASTUS2], { excludeFromLatest: true }));
    await expect(
      promoteImageVersion(world.deps, {
        id: idOf(id),
        requestedBy: { appId: "test" },
        traceparent: TRACEPARENT,
        regions: ["westus"],
      }),
    ).rejects.toMatchObject({
      code: "KeyAtRisk",
      findings: [{ code: "KeyDisabled" }],
    });
  });

  test("is not restored", async () => {
    await enableSoftDelete(world);
    try {
      const id = await newVersion();
      await put(id, body());
      const by = {
        id: idOf(id),
        requestedBy: { appId: "test" },
        traceparent: TRACEPARENT,
      };
      await deleteImageVersion(world.deps, { ...by, allowNoLatest: true });
      await world.finish(id);
      await world.setKey({ enabled: false });
      world.simulator.control.clearRequests();
      await restoreImageVersion(world.deps, by);
      expect(await world.finish(id)).toMatchObject(refused("KeyDisabled"));
      expect(puts()).toBe(0);
    } finally {
      await disableSoftDelete(world);
    }
  });
});

describe("a rollback", () => {
  const otherSet = OS.replace("WestUSDiskEncryptionSet1", "Other");
  const other = regionWith("westus", otherSet, { 0: otherSet });

  async function latestWith(region: Profile["targetRegions"]) {
    const image = await world.define();
    await put(`${image}/versions/1.0.0`, body());
    await put(`${image}/versions/1.0.1`, body(region));
    await world.setKey({ enabled: false });
    const { versionName: _, ...definition } = idOf(`${image}/versions/1.0.0`);
    return planRollback(world.deps, { image: definition, to: "1.0.0" });
  }

  test("is refused where the keys of its target are broken, and those of the latest are not", async () => {
    await expect(latestWith([other])).rejects.toMatchObject({
      code: "RollbackRefused",
      findings: [{ code: "KeyDisabled", pointer: "/to", severity: "error" }],
    });
  });

  test("is not where those of the latest are broken, too", async () => {
    expect(await latestWith([WESTUS])).toMatchObject({
      warnings: [{ code: "KeyDisabled", severity: "warning" }],
    });
  });
});

describe("a warning alone is", () => {
  test("a key that expires soon", async () => {
    const id = await newVersion();
    await world.setKey({ exp: world.clock.now() / 1_000 + 86_400 });
    expect(await put(id, body())).toMatchObject({
      status: "Succeeded",
      warnings: [{ code: "KeyExpiring", pointer: FIELD }],
    });
  });

  test("a key that may not be read, with the key guardian's last word and its time", async () => {
    const image = await world.define();
    await put(`${image}/versions/1.0.0`, body());
    await world.setKey({ enabled: false });
    await world.run();
    const lastWord = world.deps.now().toISOString();
    await world.setKey({});
    world.clock.advance(60_000);
    await world.simulator.control.denyAction({ action: KEY_READ, scope: KEY });
    const id = `${image}/versions/1.0.1`;
    const { findings } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: body(),
    });
    expect(findings).toMatchObject([
      {
        code: "KeyNotSeen",
        severity: "warning",
        pointer: FIELD,
        message: expect.stringContaining(`${lastWord}: KeyDisabled.`) as string,
      },
    ]);
    expect(await put(id, body())).toMatchObject({
      status: "Succeeded",
      warnings: [{ code: "KeyNotSeen" }],
    });
  });
});

test("where nobody looks after keys, none is read", async () => {
  const { keyGuardian: _, ...deps } = world.deps;
  await world.setKey({ enabled: false });
  world.simulator.control.clearRequests();
  const { findings } = await planImageVersion(deps, {
    id: idOf(await newVersion()),
    body: body(),
  });
  expect(findings).toEqual([]);
  expect(keyReads()).toBe(0);
});
