import { describe, expect, test } from "vitest";
import { resourcesIn, seedWorld, worldWithRegions } from "../src/world.js";
import {
  COMPUTE,
  DURATION_MS,
  encryptedVersion,
  GROUP,
  startForEach,
  submit,
  SUBSCRIPTION,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

async function names(items: AsyncIterable<{ name?: string }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of items) found.push(name ?? "");
  return found;
}

describe("the seed's world, read with the SDK", () => {
  test("has a gallery and an image definition", async () => {
    expect(await h.client.galleries.get(GROUP, "mygallery")).toMatchObject({
      name: "MyGallery",
      location: "westus",
      provisioningState: "Succeeded",
    });
    expect(await h.client.galleryImages.get(GROUP, "MyGallery", "MyImage")).toMatchObject({
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V2",
    });
  });

  test("has disk encryption sets in three regions, and one of each other type", async () => {
    const set = await h.client.diskEncryptionSets.get(GROUP, "EastUS2DiskEncryptionSet1");
    expect(set).toMatchObject({
      location: "eastus2",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      provisioningState: "Succeeded",
    });
    expect(set.activeKey?.keyUrl).toContain("vault.azure.net/keys/");
    expect(await names(h.client.diskEncryptionSets.listByResourceGroup(GROUP))).toHaveLength(9);
    expect(await names(h.client.diskEncryptionSets.list())).toHaveLength(9);
    expect(
      (await h.client.diskEncryptionSets.get(GROUP, "WestUSDoubleEncryptionSet")).encryptionType,
    ).toBe("EncryptionAtRestWithPlatformAndCustomerKeys");
    expect(
      (await h.client.diskEncryptionSets.get(GROUP, "WestUSConfidentialEncryptionSet"))
        .encryptionType,
    ).toBe("ConfidentialVmEncryptedWithCustomerKey");
  });

  test("has an image, snapshots, disks and a virtual machine", async () => {
    const image = await h.client.images.get(GROUP, "myImage");
    expect(image.storageProfile?.dataDisks?.map(({ lun }) => lun)).toEqual([0]);
    expect((await h.client.snapshots.get(GROUP, "myOSSnapshot")).osType).toBe("Linux");
    expect((await h.client.snapshots.get(GROUP, "myDDSnapshot")).osType).toBeUndefined();
    expect((await h.client.disks.get(GROUP, "myOSDisk")).hyperVGeneration).toBe("V2");
    const machine = await h.client.virtualMachines.get(GROUP, "myVM");
    expect(machine.storageProfile?.osDisk?.managedDisk?.id).toBe(`${COMPUTE}/disks/myOSDisk`);
  });

  test("can be added to with the SDK's own PUTs", async () => {
    await h.client.galleries.createOrUpdate(GROUP, "Another", {
      location: "East US",
    });
    expect((await h.client.galleries.get(GROUP, "Another")).location).toBe("eastus");
    await h.client.galleries.delete(GROUP, "Another");
    await expect(h.client.galleries.get(GROUP, "Another")).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
    await expect(h.client.galleries.delete(GROUP, "MyGallery")).rejects.toMatchObject({
      statusCode: 409,
      code: "CannotDeleteResource",
    });
  });

  test("is listed in pages", async () => {
    const of = resourcesIn(SUBSCRIPTION, GROUP);
    for (let index = 0; index < 230; index += 1)
      await h.simulator.control.putResource(
        of.disk("disks", `disk${index}`, "westus", { os: false }),
      );
    expect(await names(h.client.disks.listByResourceGroup(GROUP))).toHaveLength(232);
    expect(h.simulator.control.countRequests({ path: "/disks\\?" })).toBe(3);
  });
});

describe("a subscription", () => {
  test("lists itself, its locations and its groups", async () => {
    const subscription = await h.call("GET", `/subscriptions/${SUBSCRIPTION}`);
    expect(subscription.body).toMatchObject({
      subscriptionId: SUBSCRIPTION,
      state: "Enabled",
    });
    const locations = await h.call("GET", `/subscriptions/${SUBSCRIPTION}/locations`);
    expect(locations.body["value"]).toContainEqual(
      expect.objectContaining({ name: "eastus2", displayName: "East US 2" }),
    );
    const groups = await h.call("GET", `/subscriptions/${SUBSCRIPTION}/resourceGroups`);
    expect(groups.body["value"]).toMatchObject([{ name: GROUP }]);
  });

  test("lists its resource providers, and its tenant is listed", async () => {
    const providers = await h.call("GET", `/subscriptions/${SUBSCRIPTION}/providers`);
    expect(providers.body["value"]).toContainEqual(
      expect.objectContaining({
        namespace: "Microsoft.Compute",
        registrationState: "Registered",
      }),
    );
    expect((await h.call("GET", "/tenants")).body).toEqual({
      value: [
        {
          id: `/tenants/${h.issuer.tenantId}`,
          tenantId: h.issuer.tenantId,
        },
      ],
    });
  });
});

describe("registration", () => {
  const MINUTE_MS = 60_000;
  const provider = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute`;
  const feature = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Features/providers/Microsoft.Compute/features/SIGEncryption`;

  test("of the provider takes its time; until then a write is MissingSubscriptionRegistration", async () => {
    await h.simulator.control.setRegistrationState({
      subscriptionId: SUBSCRIPTION,
      namespace: "Microsoft.Compute",
      state: "NotRegistered",
    });
    await expect(submit(h.client, "1.0.0", encryptedVersion())).rejects.toMatchObject({
      statusCode: 409,
      code: "MissingSubscriptionRegistration",
    });
    expect((await h.call("POST", `${provider}/register`)).body).toMatchObject({
      namespace: "Microsoft.Compute",
      registrationState: "Registering",
    });
    h.clock.advance(29 * MINUTE_MS);
    expect((await h.call("GET", provider)).body).toMatchObject({
      registrationState: "Registering",
    });
    h.clock.advance(MINUTE_MS);
    expect((await h.call("GET", provider)).body).toMatchObject({
      registrationState: "Registered",
    });
    await submit(h.client, "1.0.0", encryptedVersion());
  });

  test("of the feature likewise, where the subscription requires it for own keys", async () => {
    const strict = await h.start({
      world: seedWorld(SUBSCRIPTION, {
        sigEncryption: "NotRegistered",
        requiredFeatures: ["Microsoft.Compute/SIGEncryption"],
        registrationMs: 10 * MINUTE_MS,
      }),
    });
    const client = h.clientFor(strict);
    await expect(submit(client, "1.0.0", encryptedVersion())).rejects.toMatchObject({
      statusCode: 400,
      code: "SubscriptionNotRegisteredForFeature",
    });
    const token = await h.issuer.issueToken();
    const call = async (method: string, path: string) => {
      const response = await fetch(`${strict.endpoint}${path}?api-version=2021-07-01`, {
        method,
        headers: { Authorization: `Bearer ${token}` },
      });
      return await response.json();
    };
    expect(await call("GET", feature)).toEqual({
      properties: { state: "NotRegistered" },
      id: feature,
      type: "Microsoft.Features/providers/features",
      name: "Microsoft.Compute/SIGEncryption",
    });
    expect(await call("POST", `${feature}/register`)).toMatchObject({
      properties: { state: "Registering" },
    });
    expect(await call("POST", `${feature}/register`)).toMatchObject({
      properties: { state: "Registering" },
    });
    h.clock.advance(10 * MINUTE_MS);
    expect(await call("GET", feature)).toMatchObject({
      properties: { state: "Registered" },
    });
    await submit(client, "1.0.0", encryptedVersion());
  });

  test("of what is not there is 404", async () => {
    expect(await h.call("GET", feature.replace("SIGEncryption", "Other"))).toMatchObject({
      status: 404,
      body: { error: { code: "FeatureNotFound" } },
    });
    expect(await h.call("GET", provider.replace("Compute", "Nothing"))).toMatchObject({
      status: 404,
      body: { error: { code: "InvalidResourceNamespace" } },
    });
  });
});

test("a world of 30 regions and 2 data disks has a set for each, and its version replicates", async () => {
  const large = worldWithRegions({
    subscriptionId: SUBSCRIPTION,
    regions: 30,
    dataDisks: 2,
  });
  expect(new Set(large.regions.map(({ name }) => name)).size).toBe(30);
  const client = h.clientFor(await h.start({ world: large.world }));
  const poller = client.galleryImageVersions.createOrUpdate(
    large.resourceGroup,
    large.gallery,
    large.imageDefinition,
    "1.0.0",
    {
      location: large.location,
      storageProfile: { source: { id: large.sourceImageId } },
      publishingProfile: {
        targetRegions: large.regions.map(
          ({ name, osDiskEncryptionSetId, dataDiskEncryptionSets }) => ({
            name,
            encryption: {
              osDiskImage: { diskEncryptionSetId: osDiskEncryptionSetId },
              dataDiskImages: [...dataDiskEncryptionSets],
            },
          }),
        ),
      },
    },
  );
  await poller.submitted();
  h.clock.advance(DURATION_MS);
  const version = await client.galleryImageVersions.get(
    large.resourceGroup,
    large.gallery,
    large.imageDefinition,
    "1.0.0",
    { expand: "ReplicationStatus" },
  );
  expect(version.replicationStatus?.summary).toHaveLength(30);
  expect(version.replicationStatus?.aggregatedState).toBe("Completed");
});

test("a world cannot have more regions than Azure", () => {
  expect(() =>
    worldWithRegions({
      subscriptionId: SUBSCRIPTION,
      regions: 100,
      dataDisks: 0,
    }),
  ).toThrow("regions must be 1 to");
});
