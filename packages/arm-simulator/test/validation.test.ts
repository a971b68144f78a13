import type { GalleryImageVersion } from "@azure/arm-compute";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { resourcesIn, seedWorld, subscription } from "../src/world.js";
import {
  COMPUTE,
  DEFINITION,
  encryptedVersion,
  get,
  GROUP,
  OTHER_SUBSCRIPTION,
  plainVersion,
  region,
  setId,
  startHarness,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
let next = 0;
let name: string;
let lastBody: unknown;
beforeAll(async () => {
  const seed = seedWorld(SUBSCRIPTION);
  const of = resourcesIn(SUBSCRIPTION, GROUP);
  const other = resourcesIn(OTHER_SUBSCRIPTION, "OtherGroup");
  h = await startHarness({
    world: {
      subscriptions: [...seed.subscriptions, subscription(OTHER_SUBSCRIPTION)],
      resources: [
        ...seed.resources,
        other.group("westus"),
        other.diskEncryptionSet("OtherSet", "westus"),
        of.diskEncryptionSet("BrokenSet", "westus", "EncryptionAtRestWithCustomerKey", {
          provisioningState: "Failed",
        }),
        of.gallery("ConfidentialGallery", "westus"),
        of.imageDefinition("ConfidentialGallery", "MyImage", "westus", {
          features: [{ name: "SecurityType", value: "ConfidentialVMSupported" }],
        }),
        of.managedImage("eastImage", "eastus", [0]),
        of.managedImage("windowsImage", "westus", [0], {
          storageProfile: {
            osDisk: { osType: "Windows", osState: "Generalized" },
            dataDisks: [],
          },
        }),
        of.managedImage("specializedImage", "westus", [0], {
          storageProfile: {
            osDisk: { osType: "Linux", osState: "Specialized" },
            dataDisks: [],
          },
        }),
        of.disk("snapshots", "encryptedSnapshot", "westus", {
          os: true,
          diskEncryptionSetId: setId("WestUSDiskEncryptionSet1"),
        }),
        of.disk("snapshots", "foreignSnapshot", "westus", {
          os: true,
          diskEncryptionSetId: other.id("diskEncryptionSets/OtherSet"),
        }),
      ],
    },
  });
  await submit(h.client, "0.0.1", encryptedVersion());
  // The SDK's error of a long-running call has no `target`: it is read from the answer itself.
  h.client.pipeline.addPolicy({
    name: "lastBody",
    async sendRequest(request, next) {
      const response = await next(request);
      if (request.method === "PUT") lastBody = JSON.parse(response.bodyAsText ?? "null");
      return response;
    },
  });
});
afterAll(() => h.close());
beforeEach(() => {
  next += 1;
  name = `1.0.${next}`;
});

const regions = (...targetRegions: object[]): Partial<GalleryImageVersion> => ({
  publishingProfile: { targetRegions: targetRegions as { name: string }[] },
});
const west = (encryption: object) => ({ name: "westus", encryption });
const source = (storageProfile: object): Partial<GalleryImageVersion> => ({
  storageProfile,
});
const PROFILE = "galleryImageVersion.properties.publishingProfile";
const STORAGE = "galleryImageVersion.properties.storageProfile";

const REFUSALS: [string, Partial<GalleryImageVersion>, number, string, string, string?][] = [
  // Location and regions.
  ["no location", { location: "" }, 400, "LocationRequired", "location property is required"],
  [
    "an unknown location",
    { location: "atlantis" },
    400,
    "LocationNotAvailableForResourceType",
    "'atlantis'",
  ],
  [
    "target regions without its location",
    regions({ name: "eastus" }),
    400,
    "InvalidParameter",
    "must contain the location of image version",
    `${PROFILE}.targetRegions`,
  ],
  [
    "an unknown region",
    regions({ name: "westus" }, { name: "mars" }),
    400,
    "InvalidParameter",
    "'mars'",
    `${PROFILE}.targetRegions[1].name`,
  ],
  [
    "a region twice in two spellings",
    regions({ name: "westus" }, { name: "West US" }),
    400,
    "InvalidParameter",
    "Duplicate regions are not allowed",
    `${PROFILE}.targetRegions[1].name`,
  ],
  // Replicas and storage.
  [
    "a replica count of zero",
    regions({ name: "westus", regionalReplicaCount: 0 }),
    400,
    "InvalidParameter",
    "between 1 and 100",
    `${PROFILE}.targetRegions[0].regionalReplicaCount`,
  ],
  [
    "zone-redundant storage in a region without zones",
    regions({ name: "westus", storageAccountType: "Standard_ZRS" }),
    400,
    "InvalidParameter",
    "ZRS storage account type is not supported",
    `${PROFILE}.targetRegions[0].storageAccountType`,
  ],
  [
    "an unknown storage account type",
    regions({ name: "westus", storageAccountType: "Floppy" }),
    400,
    "InvalidParameter",
    "Allowed values are: Standard_LRS",
    "galleryImageVersion.properties.publishingProfile.targetRegions[0].storageAccountType",
  ],
  [
    "a storage account type and a strategy",
    {
      publishingProfile: {
        storageAccountType: "Standard_LRS",
        storageAccountStrategy: "PreferStandard_ZRS",
      },
    },
    400,
    "InvalidParameter",
    "cannot be specified along",
    `${PROFILE}.storageAccountStrategy`,
  ],
  // Sources.
  [
    "no source",
    source({}),
    400,
    "InvalidParameter",
    "One and only one source type",
    `${STORAGE}.source`,
  ],
  [
    "two sources",
    source({
      source: {
        id: `${COMPUTE}/images/myImage`,
        virtualMachineId: `${COMPUTE}/virtualMachines/myVM`,
      },
    }),
    400,
    "InvalidParameter",
    "One and only one source type",
    `${STORAGE}.source`,
  ],
  [
    "a managed image that is not there",
    source({ source: { id: `${COMPUTE}/images/nothing` } }),
    404,
    "ResourceNotFound",
    "images/nothing. Please make sure the source exists",
    `${STORAGE}.source.id`,
  ],
  [
    "a snapshot that is not there",
    source({ osDiskImage: { source: { id: `${COMPUTE}/snapshots/nothing` } } }),
    404,
    "ResourceNotFound",
    "snapshots/nothing",
    `${STORAGE}.osDiskImage.source.id`,
  ],
  [
    "a source of a kind that is none",
    source({ source: { id: setId("WestUSDiskEncryptionSet1") } }),
    400,
    "InvalidParameter",
    "must either be a managed image",
    `${STORAGE}.source.id`,
  ],
  [
    "data disks without an OS disk",
    source({
      dataDiskImages: [{ lun: 0, source: { id: `${COMPUTE}/snapshots/myDDSnapshot` } }],
    }),
    400,
    "InvalidParameter",
    "missing (null)",
    `${STORAGE}.osDiskImage.source`,
  ],
  [
    "a VHD without its account",
    source({
      osDiskImage: {
        source: { uri: "https://a.blob.core.windows.net/v/os.vhd" },
      },
    }),
    400,
    "InvalidParameter",
    "missing (null)",
    `${STORAGE}.osDiskImage.source.storageAccountId`,
  ],
  [
    "a source in another region",
    source({ source: { id: `${COMPUTE}/images/eastImage` } }),
    400,
    "InvalidParameter",
    "is in the same region as gallery image version",
    `${STORAGE}.source.id`,
  ],
  [
    "a source with another OS",
    source({ source: { id: `${COMPUTE}/images/windowsImage` } }),
    400,
    "InvalidParameter",
    "OS type ['Windows']",
    `${STORAGE}.source`,
  ],
  [
    "a specialized source for a generalized definition",
    source({ source: { id: `${COMPUTE}/images/specializedImage` } }),
    400,
    "InvalidParameter",
    "(Generalized) is not Specialized",
    `${STORAGE}.source`,
  ],
  [
    "a LUN twice in the source",
    source({
      osDiskImage: { source: { id: `${COMPUTE}/snapshots/myOSSnapshot` } },
      dataDiskImages: ["snapshots/myDDSnapshot", "disks/myDataDisk"].map((path) => ({
        lun: 0,
        source: { id: `${COMPUTE}/${path}` },
      })),
    }),
    400,
    "InvalidParameter",
    "Duplicated lun numbers",
    `${STORAGE}.dataDiskImages`,
  ],
  [
    "a version with own keys as its source",
    source({ source: { id: versionId("0.0.1") } }),
    400,
    "InvalidParameter",
    "cannot be used as a source",
    `${STORAGE}.source.id`,
  ],
  [
    "an encrypted source without a set",
    source({
      osDiskImage: { source: { id: `${COMPUTE}/snapshots/encryptedSnapshot` } },
    }),
    400,
    "InvalidParameter",
    "OS disk of the source is encrypted",
    `${PROFILE}.targetRegions[0].encryption`,
  ],
  [
    "an encrypted source of another subscription",
    {
      ...source({
        osDiskImage: { source: { id: `${COMPUTE}/snapshots/foreignSnapshot` } },
      }),
      ...regions(
        west({
          osDiskImage: {
            diskEncryptionSetId: setId("WestUSDiskEncryptionSet1"),
          },
        }),
      ),
    },
    400,
    "InvalidParameter",
    "is in a different subscription ID",
    `${STORAGE}.source`,
  ],
  // Disk encryption sets.
  [
    "a set that is not there",
    regions(west({ osDiskImage: { diskEncryptionSetId: setId("Nothing") } })),
    404,
    "NotFound",
    "diskEncryptionSets/Nothing was not found",
    `${PROFILE}.targetRegions[0].encryption.osDiskImage.diskEncryptionSetId`,
  ],
  [
    "an id that is no set",
    regions(
      west({
        osDiskImage: { diskEncryptionSetId: `${COMPUTE}/images/myImage` },
      }),
    ),
    400,
    "InvalidParameter",
    "osDiskImage.diskEncryptionSetId is invalid",
    `${PROFILE}.targetRegions[0].encryption.osDiskImage.diskEncryptionSetId`,
  ],
  [
    "the seed's mistake: EastUS2 sets in eastus",
    regions(region("westus", "WestUS"), region("eastus", "EastUS2")),
    400,
    "InvalidParameter",
    "is in region 'eastus2'. It must be in the region it is used for, 'eastus'",
    `${PROFILE}.targetRegions[1].encryption.osDiskImage.diskEncryptionSetId`,
  ],
  [
    "a set of another subscription",
    regions(
      west({
        osDiskImage: {
          diskEncryptionSetId: `/subscriptions/${OTHER_SUBSCRIPTION}/resourceGroups/OtherGroup/providers/Microsoft.Compute/diskEncryptionSets/OtherSet`,
        },
      }),
    ),
    400,
    "InvalidParameter",
    `must be in the same subscription '${SUBSCRIPTION}'`,
    `${PROFILE}.targetRegions[0].encryption.osDiskImage.diskEncryptionSetId`,
  ],
  [
    "a set that failed",
    regions(west({ osDiskImage: { diskEncryptionSetId: setId("BrokenSet") } })),
    400,
    "InvalidParameter",
    "provisioning state 'Failed'",
    `${PROFILE}.targetRegions[0].encryption.osDiskImage.diskEncryptionSetId`,
  ],
  [
    "a confidential set for an ordinary disk",
    regions(
      west({
        osDiskImage: {
          diskEncryptionSetId: setId("WestUSConfidentialEncryptionSet"),
        },
      }),
    ),
    400,
    "InvalidParameter",
    "does not suit",
    `${PROFILE}.targetRegions[0].encryption.osDiskImage.diskEncryptionSetId`,
  ],
  [
    "EncryptedWithCmk without a secure set",
    regions(
      west({
        osDiskImage: {
          securityProfile: { confidentialVMEncryptionType: "EncryptedWithCmk" },
        },
      }),
    ),
    400,
    "InvalidParameter",
    "exactly when",
    `${PROFILE}.targetRegions[0].encryption.osDiskImage.securityProfile.secureVMDiskEncryptionSetId`,
  ],
  [
    "a LUN the source does not have",
    regions(
      west({
        dataDiskImages: [{ lun: 7, diskEncryptionSetId: setId("WestUSDiskEncryptionSet2") }],
      }),
    ),
    400,
    "InvalidParameter",
    "invalid lun [7]",
    `${PROFILE}.targetRegions[0].encryption.dataDiskImages[0].lun`,
  ],
  [
    "a LUN twice in the encryption",
    regions(
      west({
        dataDiskImages: [0, 0].map((lun) => ({
          lun,
          diskEncryptionSetId: setId("WestUSDiskEncryptionSet2"),
        })),
      }),
    ),
    400,
    "InvalidParameter",
    "Duplicate luns '0'",
    `${PROFILE}.targetRegions[0].encryption.dataDiskImages[1].lun`,
  ],
  [
    "a set in one region and none in another",
    regions(region("westus", "WestUS"), { name: "eastus2" }),
    400,
    "InvalidParameter",
    "in target region 'East US 2' since",
    `${PROFILE}.targetRegions[1].encryption`,
  ],
  [
    "a set for a data disk in one region only",
    regions(region("westus", "WestUS"), {
      name: "eastus2",
      encryption: {
        osDiskImage: {
          diskEncryptionSetId: setId("EastUS2DiskEncryptionSet1"),
        },
      },
    }),
    400,
    "InvalidParameter",
    "'LUN 0' in target region 'East US 2'",
    `${PROFILE}.targetRegions[1].encryption`,
  ],
];

describe("a PUT is refused, and nothing is created, for", () => {
  test.each(REFUSALS)("%s", async (_what, change, statusCode, code, message, target) => {
    await expect(submit(h.client, name, plainVersion(change))).rejects.toMatchObject({
      statusCode,
      code,
      message: expect.stringContaining(message) as string,
    });
    if (target !== undefined) expect(lastBody).toMatchObject({ error: { code, target } });
    expect(h.simulator.control.creates(versionId(name))).toBe(0);
    await expect(get(h.client, name)).rejects.toMatchObject({
      statusCode: 404,
    });
  });

  test.each(["1.0", "1.0.0.0", "latest", "1.0.x", "1.0.2147483648"])("the name %s", async (bad) => {
    await expect(submit(h.client, bad, plainVersion())).rejects.toMatchObject({
      statusCode: 400,
      code: "InvalidParameter",
    });
  });

  test.each(["MySharedGallery", "MyCommunityGallery"])(
    "own keys in %s, while platform keys are welcome",
    async (gallery) => {
      await expect(submit(h.client, name, encryptedVersion(), gallery)).rejects.toMatchObject({
        code: "InvalidParameter",
        message: expect.stringContaining("cannot be created in a shared gallery") as string,
      });
      await submit(h.client, name, plainVersion(), gallery);
    },
  );

  test("a member that ARM does not know, naming it", async () => {
    const { status, body } = await h.call("PUT", versionId(name), {
      body: {
        location: "westus",
        properties: { storageProfile: {}, publishingProfil: {} },
      },
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: {
        code: "BadRequest",
        message: expect.stringContaining(
          "Could not find member 'publishingProfil' on object of type 'GalleryImageVersionProperties'",
        ) as string,
      },
    });
  });

  test("a value of the wrong type", async () => {
    const { status, body } = await h.call("PUT", versionId(name), {
      body: {
        location: "westus",
        properties: { publishingProfile: { targetRegions: "westus" } },
      },
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { code: "InvalidRequestContent" } });
  });
});

describe("what is accepted beside the samples:", () => {
  test("double encryption, by the set's own type", async () => {
    await submit(
      h.client,
      name,
      plainVersion(
        regions(
          west({
            osDiskImage: {
              diskEncryptionSetId: setId("WestUSDoubleEncryptionSet"),
            },
          }),
        ),
      ),
    );
  });

  test("a confidential OS disk with its secure set", async () => {
    const securityProfile = {
      confidentialVMEncryptionType: "EncryptedWithCmk",
      secureVMDiskEncryptionSetId: setId("WestUSConfidentialEncryptionSet"),
    };
    await submit(
      h.client,
      name,
      plainVersion(regions(west({ osDiskImage: { securityProfile } }))),
      "ConfidentialGallery",
    );
    const { publishingProfile } = await h.client.galleryImageVersions.get(
      GROUP,
      "ConfidentialGallery",
      "MyImage",
      name,
    );
    expect(publishingProfile?.targetRegions?.[0]?.encryption?.osDiskImage?.securityProfile).toEqual(
      securityProfile,
    );
  });

  test("an id without its leading slash, as the documentation writes one", async () => {
    await submit(
      h.client,
      name,
      plainVersion(
        regions(
          west({
            osDiskImage: {
              diskEncryptionSetId: setId("WestUSDiskEncryptionSet1").slice(1),
            },
          }),
        ),
      ),
    );
    const { publishingProfile } = await get(h.client, name);
    expect(
      publishingProfile?.targetRegions?.[0]?.encryption?.osDiskImage?.diskEncryptionSetId,
    ).toBe(setId("WestUSDiskEncryptionSet1"));
  });

  test("100 replicas in each of two regions: the sum over regions has no limit", async () => {
    await submit(
      h.client,
      name,
      plainVersion(
        regions(
          { name: "westus", regionalReplicaCount: 100 },
          { name: "eastus", regionalReplicaCount: 100 },
        ),
      ),
    );
  });

  test("enumeration values in lower case, and no target region: its location", async () => {
    await submit(
      h.client,
      name,
      plainVersion({
        publishingProfile: { storageAccountType: "standard_lrs" },
      }),
    );
    const { publishingProfile } = await get(h.client, name);
    expect(publishingProfile).toMatchObject({
      storageAccountType: "Standard_LRS",
      targetRegions: [{ name: "West US", storageAccountType: "Standard_LRS" }],
    });
  });
});

describe("what is missing above the version", () => {
  const put = (path: string) => h.call("PUT", path, { body: { location: "westus" } });

  test.each([
    [
      "subscription",
      versionId("1.0.0").replace(SUBSCRIPTION, "cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
      "SubscriptionNotFound",
    ],
    ["resource group", versionId("1.0.0").replace(GROUP, "NoGroup"), "ResourceGroupNotFound"],
    ["image definition", `${DEFINITION}2/versions/1.0.0`, "ParentResourceNotFound"],
  ])("the %s gives its own 404", async (_what, path, code) => {
    expect(await put(path)).toMatchObject({
      status: 404,
      body: { error: { code } },
    });
  });
});
