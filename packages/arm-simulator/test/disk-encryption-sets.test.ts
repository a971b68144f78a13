import { describe, expect, test } from "vitest";
import { resourcesIn, seedWorld, withKeys } from "../src/world.js";
import {
  COMPUTE,
  GROUP,
  put,
  setId,
  startForAll,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

const REGIONS = "galleryImageVersion.properties.publishingProfile.targetRegions";
const of = resourcesIn(SUBSCRIPTION, GROUP);

const seed = seedWorld(SUBSCRIPTION);
const set = (name: string, properties: Record<string, unknown>) =>
  of.diskEncryptionSet(name, "westus", "EncryptionAtRestWithCustomerKey", properties);
let h: Harness;
let name: string;
startForAll(
  (started, versionName) => {
    h = started;
    name = versionName;
  },
  {
    pageSize: 4,
    world: {
      subscriptions: seed.subscriptions,
      resources: withKeys([
        ...seed.resources,
        set("KeylessSet", { activeKey: undefined }),
        set("EmptySet", { activeKey: { keyUrl: "" } }),
        set("StuckSet", {
          lastKeyRotationTimestamp: "2026-01-01T00:00:00+00:00",
          autoKeyRotationError: {
            code: "KeyVaultAccessForbidden",
            message: "The key vault denied access to the new key version.",
          },
        }),
      ]),
    },
  },
);

const osSet = (set: string) => ({
  name: "westus",
  encryption: { osDiskImage: { diskEncryptionSetId: setId(set) } },
});

test.each(["KeylessSet", "EmptySet"])(
  "%s, which has no key, cannot encrypt a version",
  async (set) => {
    expect(await put(h, versionId(name), { targetRegions: [osSet(set)] })).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: expect.stringContaining(`'${setId(set)}' has no active key`) as string,
          target: `${REGIONS}[0].encryption.osDiskImage.diskEncryptionSetId`,
        },
      },
    });
  },
);

test.each<readonly [string, object | undefined]>([
  ["is disabled", { enabled: false }],
  ["is not valid yet", { enabled: true, nbf: 9e9 }],
  ["has expired", { enabled: true, exp: 1 }],
  ["does not exist", undefined],
])(
  "a set whose key %s encrypts no region that is new, and keeps the one it has",
  async (words, attributes) => {
    const id = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.KeyVault/vaults/keys-westus/keys/StuckSet`;
    const key = h.simulator.control.resources().find((one) => one.id === id);
    if (key === undefined) throw new Error(`${id} is not there`);
    const targetRegions = [osSet("StuckSet")];
    const version = versionId(name.replace(/^\d+/u, "9"));
    expect(await put(h, version, { targetRegions })).toMatchObject({
      status: 201,
    });
    h.clock.advance(3_600_000);
    await h.call("GET", version);
    if (attributes === undefined) await h.simulator.control.removeResource(id);
    else
      await h.simulator.control.putResource({
        ...key,
        properties: { ...key.properties, attributes },
      });
    try {
      expect(await put(h, versionId(name), { targetRegions })).toMatchObject({
        status: 400,
        body: { error: { message: expect.stringContaining(words) as string } },
      });
      expect(await put(h, version, { targetRegions })).toMatchObject({
        status: 200,
      });
    } finally {
      await h.simulator.control.putResource(key);
    }
  },
);

test("a set whose key no longer rotates encrypts with the key it has", async () => {
  expect(await put(h, versionId(name), { targetRegions: [osSet("StuckSet")] })).toMatchObject({
    status: 201,
  });
});

test("single encryption in one region and double in another is accepted", async () => {
  const east = {
    name: "eastus2",
    encryption: {
      osDiskImage: { diskEncryptionSetId: setId("EastUS2DoubleEncryptionSet") },
    },
  };
  expect(
    await put(h, versionId(name), {
      targetRegions: [osSet("WestUSDiskEncryptionSet1"), east],
    }),
  ).toMatchObject({ status: 201 });
});

test("a set tells its key, its type, its state and why its key does not rotate", async () => {
  expect((await h.call("GET", setId("StuckSet"))).body).toMatchObject({
    id: setId("StuckSet"),
    location: "westus",
    identity: { type: "SystemAssigned" },
    properties: {
      provisioningState: "Succeeded",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      rotationToLatestKeyVersionEnabled: true,
      activeKey: {
        keyUrl: expect.stringMatching(/^https:\/\/.+\/keys\/StuckSet\//u) as string,
        sourceVault: { id: expect.stringContaining("/vaults/") as string },
      },
      lastKeyRotationTimestamp: "2026-01-01T00:00:00+00:00",
      autoKeyRotationError: {
        code: "KeyVaultAccessForbidden",
        message: "The key vault denied access to the new key version.",
      },
    },
  });
});

describe("the sets of a subscription", () => {
  const list = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute/diskEncryptionSets`;

  test("are listed in pages, each with a link to the next but the last", async () => {
    const sizes: number[] = [];
    const ids = new Set<string>();
    let link: unknown = list;
    while (typeof link === "string") {
      const { status, body } = await h.call("GET", link);
      expect(status).toBe(200);
      const value = body["value"] as { id: string }[];
      sizes.push(value.length);
      value.forEach(({ id }) => ids.add(id));
      link = body["nextLink"];
      if (link !== undefined) expect(link).toMatch(/^https:\/\/localhost:\d+\/.*skiptoken=\d+/u);
    }
    expect(sizes).toEqual([4, 4, 4]);
    expect(ids.size).toBe(12);
  });

  test("are all found by the SDK, across pages", async () => {
    const found: string[] = [];
    for await (const set of h.client.diskEncryptionSets.list()) found.push(set.name ?? "");
    expect(found).toHaveLength(12);
    expect(found).toContain("EastUS2DoubleEncryptionSet");
  });

  test("are not listed from a token that is none", async () => {
    expect(await h.call("GET", `${list}?$skiptoken=later`)).toMatchObject({
      status: 400,
      body: { error: { code: "InvalidParameter", target: "$skiptoken" } },
    });
  });
});

test("disks and snapshots tell their encryption, architecture and generation", async () => {
  await h.simulator.control.putResource(
    of.disk(
      "snapshots",
      "secureSnapshot",
      "westus",
      { os: true, diskEncryptionSetId: setId("WestUSDiskEncryptionSet1") },
      { securityProfile: { securityType: "TrustedLaunch" } },
    ),
  );
  for (const [path, properties] of [
    [
      "disks/myOSDisk",
      {
        encryption: { type: "EncryptionAtRestWithPlatformKey" },
        supportedCapabilities: { architecture: "x64" },
      },
    ],
    [
      "snapshots/secureSnapshot",
      {
        encryption: {
          type: "EncryptionAtRestWithCustomerKey",
          diskEncryptionSetId: setId("WestUSDiskEncryptionSet1"),
        },
        supportedCapabilities: { architecture: "x64" },
        securityProfile: { securityType: "TrustedLaunch" },
      },
    ],
  ] as const)
    expect((await h.call("GET", `${COMPUTE}/${path}`)).body).toMatchObject({
      properties: {
        provisioningState: "Succeeded",
        osType: "Linux",
        hyperVGeneration: "V2",
        ...properties,
      },
    });
});

test("galleries tell how they are shared, definitions what they hold", async () => {
  for (const [gallery, permissions] of [
    ["MySharedGallery", "Groups"],
    ["MyCommunityGallery", "Community"],
  ])
    expect((await h.call("GET", `${COMPUTE}/galleries/${gallery}`)).body).toMatchObject({
      properties: { sharingProfile: { permissions } },
    });
  expect((await h.call("GET", `${COMPUTE}/galleries/MyGallery/images/MyImage`)).body).toMatchObject(
    {
      properties: {
        osType: "Linux",
        osState: "Generalized",
        hyperVGeneration: "V2",
        architecture: "x64",
      },
    },
  );
});
