import { describe, expect, test } from "vitest";
import { resourcesIn, seedWorld, subscription } from "../src/world.js";
import {
  COMPUTE,
  DURATION_MS,
  GROUP,
  OTHER_SUBSCRIPTION,
  put,
  region,
  setId,
  startForAll,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

const STORAGE = "galleryImageVersion.properties.storageProfile";
const REGIONS = "galleryImageVersion.properties.publishingProfile.targetRegions";
const of = resourcesIn(SUBSCRIPTION, GROUP);
const other = resourcesIn(OTHER_SUBSCRIPTION, "OtherGroup");
const ARM64_VERSION = `${of.id("galleries/MyGallery/images/Arm64Image")}/versions`;

const image = (name: string) => ({ source: { id: of.id(`images/${name}`) } });
const machine = (name: string) => ({
  source: { virtualMachineId: of.id(`virtualMachines/${name}`) },
});
const osDisk = (path: string) => ({
  osDiskImage: { source: { id: of.id(path) } },
});
const armDisk = { supportedCapabilities: { architecture: "Arm64" } };

const seed = seedWorld(SUBSCRIPTION);
const updating = { provisioningState: "Updating" };
let h: Harness;
let name: string;
startForAll(
  (started, versionName) => {
    h = started;
    name = versionName;
  },
  {
    world: {
      subscriptions: [...seed.subscriptions, subscription(OTHER_SUBSCRIPTION)],
      resources: [
        ...seed.resources,
        other.group("westus"),
        other.diskEncryptionSet("OtherSet", "westus"),
        other.managedImage("otherImage", "westus", []),
        of.managedImage(
          "otherEncryptedImage",
          "westus",
          [],
          {},
          {
            osDisk: other.id("diskEncryptionSets/OtherSet"),
          },
        ),
        of.managedImage("updatingImage", "westus", [0], updating),
        of.managedImage("statelessImage", "westus", [0], {
          provisioningState: undefined,
        }),
        of.disk(
          "disks",
          "failedDisk",
          "westus",
          { os: true },
          {
            provisioningState: "Failed",
          },
        ),
        of.virtualMachine("updatingVM", "westus", "myOSDisk", [], updating),
        of.virtualMachine("osDisklessVM", "westus", "deletedDisk", []),
        of.virtualMachine("dataDisklessVM", "westus", "myOSDisk", [
          { lun: 3, name: "deletedDisk" },
        ]),
        of.virtualMachine("unmanagedVM", "westus", "myOSDisk", [], {
          storageProfile: {
            osDisk: { osType: "Linux", vhd: { uri: "https://a/v/os.vhd" } },
          },
        }),
        of.disk("disks", "arm64Disk", "westus", { os: true }, armDisk),
        of.disk("snapshots", "arm64Snapshot", "westus", { os: true }, armDisk),
        of.virtualMachine("arm64VM", "westus", "arm64Disk", []),
        of.imageDefinition("MyGallery", "Arm64Image", "westus", {
          architecture: "Arm64",
        }),
        of.imageDefinition("MyGallery", "UnspokenImage", "westus", {
          architecture: undefined,
        }),
      ],
    },
  },
);

const REFUSALS: [string, object, number, string, string][] = [
  [
    "a virtual machine whose OS disk is deleted",
    machine("osDisklessVM"),
    404,
    "Microsoft.Compute/disks/deletedDisk",
    `${STORAGE}.source.virtualMachineId`,
  ],
  [
    "a virtual machine whose data disk is deleted",
    machine("dataDisklessVM"),
    404,
    "Microsoft.Compute/disks/deletedDisk",
    `${STORAGE}.source.virtualMachineId`,
  ],
  [
    "a virtual machine in source.id",
    { source: { id: of.id("virtualMachines/myVM") } },
    400,
    "must be specified in 'galleryImageVersion.properties.storageProfile.source.virtualMachineId'",
    `${STORAGE}.source`,
  ],
  [
    "a virtual machine without managed disks",
    machine("unmanagedVM"),
    400,
    "must be created from Managed Disks",
    `${STORAGE}.source.virtualMachineId`,
  ],
  [
    "a disk for Arm64 and a definition for x64",
    osDisk("disks/arm64Disk"),
    400,
    "architecture ['Arm64'] than the parent gallery image architecture ['x64']",
    `${STORAGE}.source`,
  ],
  [
    "a snapshot for Arm64 and a definition for x64",
    osDisk("snapshots/arm64Snapshot"),
    400,
    "architecture ['Arm64']",
    `${STORAGE}.source`,
  ],
  [
    "a virtual machine for Arm64 and a definition for x64",
    machine("arm64VM"),
    400,
    "architecture ['Arm64']",
    `${STORAGE}.source`,
  ],
  ...[-1, 64].map((lun): [string, object, number, string, string] => [
    `a data disk at LUN ${lun}`,
    {
      ...osDisk("snapshots/myOSSnapshot"),
      dataDiskImages: [{ lun, source: { id: of.id("snapshots/myDDSnapshot") } }],
    },
    400,
    "must be between 0 and 63",
    `${STORAGE}.dataDiskImages[0].lun`,
  ]),
];

test.each(REFUSALS)("%s is refused", async (_what, storageProfile, status, message, target) => {
  expect(await put(h, versionId(name), { storageProfile })).toMatchObject({
    status,
    body: {
      error: {
        code: status === 404 ? "ResourceNotFound" : "InvalidParameter",
        message: expect.stringContaining(message) as string,
        target,
      },
    },
  });
  expect(h.simulator.control.creates(versionId(name))).toBe(0);
});

describe("accepted are", () => {
  test.each<[string, object]>([
    ["an image that tells no provisioning state", image("statelessImage")],
    ["a virtual machine with all its disks", machine("myVM")],
    // What Azure makes of it is not written down.
    ["a managed image that is being changed", image("updatingImage")],
    ["a disk that failed", osDisk("disks/failedDisk")],
    ["a virtual machine that is being changed", machine("updatingVM")],
    [
      "a data disk at LUN 63",
      {
        ...osDisk("snapshots/myOSSnapshot"),
        dataDiskImages: [{ lun: 63, source: { id: of.id("snapshots/myDDSnapshot") } }],
      },
    ],
    [
      "an image of another subscription that uses platform keys",
      { source: { id: other.id("images/otherImage") } },
    ],
  ])("%s", async (_what, storageProfile) => {
    expect(await put(h, versionId(name), { storageProfile })).toMatchObject({
      status: 201,
    });
  });

  test.each<[string, object]>([
    ["a disk for Arm64", osDisk("disks/arm64Disk")],
    ["a managed image, whose architecture is not known,", image("myImage")],
  ])("%s where the definition is for Arm64", async (_what, storageProfile) => {
    expect(await put(h, `${ARM64_VERSION}/${name}`, { storageProfile })).toMatchObject({
      status: 201,
    });
  });

  test("a source for x64 where the definition does not speak of architectures", async () => {
    const id = `${of.id("galleries/MyGallery/images/UnspokenImage")}/versions/${name}`;
    expect(await put(h, id, { storageProfile: osDisk("disks/myOSDisk") })).toMatchObject({
      status: 201,
    });
    expect(
      await put(h, id.replace(name, "9.9.9"), {
        storageProfile: osDisk("disks/arm64Disk"),
      }),
    ).toMatchObject({ status: 400 });
  });

  test("an end of life that is past: Azure is known to refuse it of definitions only", async () => {
    expect(
      await put(h, versionId(name), {
        publishingProfile: { endOfLifeDate: "2020-01-01T00:00:00Z" },
      }),
    ).toMatchObject({ status: 201 });
  });
});

describe("a version as the source", () => {
  const from = (id: string) => ({ storageProfile: { source: { id } } });

  test("has the architecture of the definition", async () => {
    const source = `${ARM64_VERSION}/5.0.0`;
    await put(h, source, { storageProfile: osDisk("disks/arm64Disk") });
    const refused = (message: string) => ({
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: expect.stringContaining(message) as string,
        },
      },
    });
    h.clock.advance(DURATION_MS);
    expect(await put(h, versionId(name), from(source))).toMatchObject(
      refused("architecture ['Arm64']"),
    );
    expect(await put(h, `${ARM64_VERSION}/${name}`, from(source))).toMatchObject({ status: 201 });
  });

  test("tells by its regions' encryption that it cannot be one", async () => {
    const source = versionId("5.1.0");
    await put(h, source, { targetRegions: [region("westus", "WestUS")] });
    h.clock.advance(DURATION_MS);
    expect((await h.call("GET", source)).body).toMatchObject({
      properties: {
        publishingProfile: {
          targetRegions: [{ encryption: region("westus", "WestUS").encryption }],
        },
      },
    });
    expect(await put(h, versionId(name), from(source))).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: expect.stringContaining(
            "encrypted with customer-managed keys and cannot be used",
          ) as string,
          target: `${STORAGE}.source.id`,
        },
      },
    });
  });
});

describe("a source that is encrypted with customer-managed keys", () => {
  const storageProfile = image("myEncryptedImage");
  const west = region("westus", "WestUS");

  test("is accepted with a set for each of its disks in every region", async () => {
    expect(
      await put(h, versionId(name), {
        storageProfile,
        targetRegions: [west, region("eastus2", "EastUS2")],
      }),
    ).toMatchObject({ status: 201 });
  });

  test.each<[string, object[], string, string]>([
    [
      "no set at all",
      [{ name: "westus" }],
      "The OS disk of the source is encrypted",
      `${REGIONS}[0].encryption`,
    ],
    [
      "a set for the OS disk alone",
      [
        {
          name: "westus",
          encryption: { osDiskImage: west.encryption.osDiskImage },
        },
      ],
      "The data disk at LUN 0 of the source is encrypted",
      `${REGIONS}[0].encryption`,
    ],
    [
      "sets in one region alone",
      [west, { name: "eastus2" }],
      "in target region 'East US 2' since",
      `${REGIONS}[1].encryption`,
    ],
  ])("is refused with %s", async (_what, targetRegions, message, target) => {
    expect(await put(h, versionId(name), { storageProfile, targetRegions })).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: expect.stringContaining(message) as string,
          target,
        },
      },
    });
  });

  test("is refused when its set is in another subscription", async () => {
    expect(
      await put(h, versionId(name), {
        storageProfile: image("otherEncryptedImage"),
        targetRegions: [
          {
            name: "westus",
            encryption: {
              osDiskImage: {
                diskEncryptionSetId: setId("WestUSDiskEncryptionSet1"),
              },
            },
          },
        ],
      }),
    ).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: expect.stringContaining(
            `use the source's subscription '${OTHER_SUBSCRIPTION}'`,
          ) as string,
          target: `${STORAGE}.source`,
        },
      },
    });
  });

  test("shows its sets to whoever reads it", async () => {
    expect((await h.call("GET", `${COMPUTE}/images/myEncryptedImage`)).body).toMatchObject({
      properties: {
        storageProfile: {
          osDisk: {
            diskEncryptionSet: { id: setId("WestUSDiskEncryptionSet1") },
          },
          dataDisks: [
            {
              lun: 0,
              diskEncryptionSet: { id: setId("WestUSDiskEncryptionSet2") },
            },
          ],
        },
      },
    });
  });
});

test("a virtual machine is specialized until it is generalized", async () => {
  const id = of.id("virtualMachines/freshVM");
  await h.simulator.control.putResource(
    of.virtualMachine("freshVM", "westus", "myOSDisk", [], {
      instanceView: {},
    }),
  );
  const publish = () => put(h, versionId(name), { storageProfile: machine("freshVM") });
  expect(await publish()).toMatchObject({
    status: 400,
    body: {
      error: {
        code: "BadRequest",
        message: `The resource with id '${id}' has a different OS state ['Specialized'] than the parent gallery image OS state ['Generalized'].`,
      },
    },
  });
  expect(await h.call("POST", `${id}/generalize`)).toMatchObject({
    status: 200,
  });
  const seen = await h.client.virtualMachines.get(GROUP, "freshVM", {
    expand: "instanceView",
  });
  expect(seen.instanceView?.statuses?.map(({ code }) => code)).toContain("OSState/generalized");
  expect((await h.call("GET", id)).body["properties"]).not.toHaveProperty("instanceView");
  expect(await publish()).toMatchObject({ status: 201 });
});

test("a storage account type of the whole version is that of each region that names none", async () => {
  const publish = (eastus2: object) =>
    h.call("PUT", versionId(name), {
      body: {
        location: "westus",
        properties: {
          publishingProfile: {
            storageAccountType: "Standard_LRS",
            targetRegions: [{ name: "westus" }, { name: "eastus2", ...eastus2 }],
          },
          storageProfile: image("myImage"),
        },
      },
    });
  const zonal = { storageAccountType: "Standard_ZRS" };
  expect(await publish(zonal)).toMatchObject({ status: 201 });
  h.clock.advance(DURATION_MS);
  expect(await publish({})).toMatchObject({
    status: 400,
    body: {
      error: {
        message:
          "Global storage account type does not match the storage account type in the existing TargetRegion: 'East US 2'. Please specify 'Standard_ZRS' as the storage account type for this region.",
      },
    },
  });
  expect(await publish({ ...zonal, regionalReplicaCount: 2 })).toMatchObject({
    status: 200,
  });
});
