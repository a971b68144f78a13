import { describe, expect, test } from "vitest";
import { resourcesIn, seedWorld } from "../src/world.js";
import {
  COMPUTE,
  DURATION_MS,
  GROUP,
  put,
  setId,
  startForAll,
  SUBSCRIPTION,
  type Harness,
} from "./harness.js";

const STORAGE = "galleryImageVersion.properties.storageProfile";
const of = resourcesIn(SUBSCRIPTION, GROUP);

const DEFINITIONS = [
  "TrustedLaunch",
  "TrustedLaunchSupported",
  "ConfidentialVM",
  "ConfidentialVMSupported",
  // Documentation spells the last one in both ways.
  "TrustedLaunchAndConfidentialVmSupported",
] as const;
type Definition = (typeof DEFINITIONS)[number] | "Plain";

const SOURCES = {
  "a managed image": { source: { id: of.id("images/myImage") } },
  "a plain disk": disk("disks/myOSDisk"),
  "a plain snapshot": disk("snapshots/myOSSnapshot"),
  "a disk with trusted launch": disk("disks/trustedDisk"),
  "a snapshot with trusted launch": disk("snapshots/trustedSnapshot"),
  "a confidential disk": disk("disks/confidentialDisk"),
  "a confidential snapshot": disk("snapshots/confidentialSnapshot"),
  "a plain machine": machine("myVM"),
  "a machine with trusted launch": machine("trustedVM"),
  "a confidential machine": machine("confidentialVM"),
  "a VHD": {
    osDiskImage: {
      source: {
        uri: "https://a/v/os.vhd",
        storageAccountId: "/subscriptions/x",
      },
    },
  },
} as const;
type Source = keyof typeof SOURCES;

function disk(path: string) {
  return { osDiskImage: { source: { id: of.id(path) } } };
}
function machine(name: string) {
  return { source: { virtualMachineId: of.id(`virtualMachines/${name}`) } };
}

const seed = seedWorld(SUBSCRIPTION);
const trusted = { securityProfile: { securityType: "TrustedLaunch" } };
const confidential = (securityType: string) => ({
  securityProfile: { securityType },
});
let h: Harness;
let name: string;
startForAll(
  (started, versionName) => {
    h = started;
    name = versionName;
  },
  {
    world: {
      subscriptions: seed.subscriptions,
      resources: [
        ...seed.resources,
        of.imageDefinition("MyGallery", "Plain", "westus"),
        ...DEFINITIONS.map((value) =>
          of.imageDefinition("MyGallery", value, "westus", {
            features: [
              { name: "DiskControllerTypes", value: "SCSI, NVMe" },
              { name: "SecurityType", value },
            ],
          }),
        ),
        of.disk("disks", "trustedDisk", "westus", { os: true }, trusted),
        of.disk("snapshots", "trustedSnapshot", "westus", { os: true }, trusted),
        of.disk(
          "disks",
          "confidentialDisk",
          "westus",
          { os: true },
          confidential("ConfidentialVM_DiskEncryptedWithPlatformKey"),
        ),
        of.disk(
          "snapshots",
          "confidentialSnapshot",
          "westus",
          { os: true },
          confidential("ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey"),
        ),
        of.disk(
          "disks",
          "keyedDisk",
          "westus",
          { os: true, diskEncryptionSetId: setId("WestUSDiskEncryptionSet1") },
          trusted,
        ),
        of.virtualMachine("keyedVM", "westus", "keyedDisk", [], trusted),
        of.virtualMachine("trustedVM", "westus", "trustedDisk", [], trusted),
        of.virtualMachine(
          "confidentialVM",
          "westus",
          "confidentialDisk",
          [],
          confidential("ConfidentialVM"),
        ),
      ],
    },
  },
);

/** A ConfidentialVM definition asks how each region encrypts. */
const regionsOf = (definition: string) =>
  definition === "ConfidentialVM" ? { targetRegions: encrypted("EncryptedWithPmk") } : {};

const versionOf = (definition: string) =>
  `${COMPUTE}/galleries/MyGallery/images/${definition}/versions/${name}`;

test.each<[Definition, Source[]]>([
  ["Plain", ["a managed image", "a plain disk", "a plain snapshot", "a plain machine", "a VHD"]],
  [
    "TrustedLaunch",
    [
      "a disk with trusted launch",
      "a snapshot with trusted launch",
      "a machine with trusted launch",
      "a VHD",
    ],
  ],
  [
    "TrustedLaunchSupported",
    ["a managed image", "a plain disk", "a snapshot with trusted launch", "a VHD"],
  ],
  ["ConfidentialVM", ["a confidential disk", "a confidential snapshot", "a confidential machine"]],
  ["ConfidentialVMSupported", ["a managed image", "a confidential disk"]],
  [
    "TrustedLaunchAndConfidentialVmSupported",
    ["a managed image", "a plain disk", "a disk with trusted launch", "a confidential snapshot"],
  ],
])("a definition of type %s takes %j", async (definition, sources) => {
  for (const [index, source] of sources.entries())
    expect(
      await put(h, `${versionOf(definition)}${index}`, {
        storageProfile: SOURCES[source],
        ...regionsOf(definition),
      }),
      source,
    ).toMatchObject({ status: 201 });
});

const MISMATCH = "does not allow the source's,";
const NO_IMAGES =
  "Currently Snapshot, Disk and VM sources are supported for the Confidential VM security type.";
const NO_MACHINES =
  "Currently only Vhd Blob, User Image and Gallery Image Version sources are supported";

test.each<[Definition, string, Source[]]>([
  [
    "Plain",
    MISMATCH,
    [
      "a disk with trusted launch",
      "a confidential snapshot",
      "a machine with trusted launch",
      "a confidential machine",
    ],
  ],
  [
    "TrustedLaunch",
    MISMATCH,
    [
      "a managed image",
      "a plain disk",
      "a plain machine",
      "a confidential disk",
      "a confidential machine",
    ],
  ],
  ["TrustedLaunchSupported", MISMATCH, ["a confidential disk"]],
  ["TrustedLaunchSupported", NO_MACHINES, ["a plain machine", "a machine with trusted launch"]],
  ["ConfidentialVM", NO_IMAGES, ["a managed image", "a VHD"]],
  [
    "ConfidentialVM",
    MISMATCH,
    ["a plain snapshot", "a disk with trusted launch", "a machine with trusted launch"],
  ],
  ["ConfidentialVMSupported", MISMATCH, ["a snapshot with trusted launch"]],
  ["ConfidentialVMSupported", NO_MACHINES, ["a confidential machine"]],
  [
    "TrustedLaunchAndConfidentialVmSupported",
    NO_MACHINES,
    ["a machine with trusted launch", "a confidential machine"],
  ],
])("a definition of type %s refuses with '%s' %j", async (definition, message, sources) => {
  for (const source of sources)
    expect(
      await put(h, versionOf(definition), {
        storageProfile: SOURCES[source],
      }),
      source,
    ).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: expect.stringContaining(message) as string,
          target: `${STORAGE}.source`,
        },
      },
    });
});

test("a version passes its definition's security type on when it is a source", async () => {
  const source = versionOf("TrustedLaunch");
  await put(h, source, {
    storageProfile: SOURCES["a disk with trusted launch"],
  });
  const supported = versionOf("TrustedLaunchSupported");
  await put(h, supported, { storageProfile: SOURCES["a managed image"] });
  h.clock.advance(DURATION_MS);
  let copies = 0;
  const copy = (definition: string, id: string) =>
    put(h, `${versionOf(definition)}${copies++}`, {
      storageProfile: { source: { id } },
    });
  expect(await copy("TrustedLaunch", source)).toMatchObject({ status: 201 });
  expect(await copy("Plain", source)).toMatchObject({ status: 400 });
  expect(await copy("Plain", supported)).toMatchObject({ status: 201 });
  expect(await copy("TrustedLaunch", supported)).toMatchObject({ status: 400 });
});

test("an update does not ask for the source again, which may be gone", async () => {
  const id = versionOf("TrustedLaunch");
  const storageProfile = disk("disks/goingDisk");
  await h.simulator.control.putResource(
    of.disk(
      "disks",
      "goingDisk",
      "westus",
      { os: true },
      { securityProfile: { securityType: "TrustedLaunch" } },
    ),
  );
  expect(await put(h, id, { storageProfile })).toMatchObject({ status: 201 });
  h.clock.advance(DURATION_MS);
  await h.simulator.control.removeResource(of.id("disks/goingDisk"));
  expect(
    await put(h, id, {
      storageProfile,
      targetRegions: [{ name: "westus", regionalReplicaCount: 2 }],
    }),
  ).toMatchObject({ status: 200 });
});

function encrypted(type: string, set?: string): [{ name: string; encryption: object }] {
  return [
    {
      name: "westus",
      encryption: {
        osDiskImage: {
          securityProfile: {
            confidentialVMEncryptionType: type,
            ...(set && { secureVMDiskEncryptionSetId: setId(set) }),
          },
        },
      },
    },
  ];
}

test("a ConfidentialVM definition asks how each region encrypts", async () => {
  expect(
    await put(h, versionOf("ConfidentialVM"), {
      storageProfile: SOURCES["a confidential disk"],
    }),
  ).toMatchObject({
    status: 400,
    body: {
      error: {
        message:
          "The regional encryption.osDiskImage.securityProfile.type must be specified when the SecurityType of the image definition is ConfidentialVM.",
      },
    },
  });
});

test.each(["Plain", "TrustedLaunchSupported"])(
  "confidential encryption is refused where the definition is of type %s",
  async (definition) => {
    expect(
      await put(h, versionOf(definition), {
        targetRegions: encrypted("EncryptedWithPmk"),
      }),
    ).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: expect.stringContaining(
            "does not allow the confidential VM encryption type 'EncryptedWithPmk'",
          ) as string,
          target:
            "galleryImageVersion.properties.publishingProfile.targetRegions[0].encryption.osDiskImage.securityProfile.confidentialVMEncryptionType",
        },
      },
    });
  },
);

test("a confidential OS disk under platform keys goes with a data disk that has a set", async () => {
  const [{ encryption }] = encrypted("EncryptedWithPmk");
  expect(
    await put(h, versionOf("ConfidentialVMSupported"), {
      targetRegions: [
        {
          name: "westus",
          encryption: {
            ...encryption,
            dataDiskImages: [
              {
                lun: 0,
                diskEncryptionSetId: setId("WestUSDiskEncryptionSet2"),
              },
            ],
          },
        },
      ],
    }),
  ).toMatchObject({ status: 201 });
});

test.each<[string, Source, string, string?]>([
  ["ConfidentialVM", "a confidential snapshot", "EncryptedVMGuestStateOnlyWithPmk"],
  ["ConfidentialVM", "a confidential snapshot", "NonPersistedTPM"],
  [
    "ConfidentialVM",
    "a confidential machine",
    "EncryptedWithCmk",
    "WestUSConfidentialEncryptionSet",
  ],
  ["ConfidentialVMSupported", "a managed image", "EncryptedWithPmk"],
])(
  "a definition of type %s takes %s with the encryption %s",
  async (definition, source, type, set) => {
    expect(
      await put(h, versionOf(definition), {
        storageProfile: SOURCES[source],
        targetRegions: encrypted(type, set),
      }),
    ).toMatchObject({ status: 201 });
  },
);

describe("a machine with trusted launch whose disk has a customer's key", () => {
  const set = setId("WestUSDiskEncryptionSet1");
  const targetRegions = [
    {
      name: "westus",
      encryption: { osDiskImage: { diskEncryptionSetId: set } },
    },
  ];

  test("is accepted as source, and fails in each region", async () => {
    const id = versionOf("TrustedLaunch");
    expect(await put(h, id, { storageProfile: machine("keyedVM"), targetRegions })).toMatchObject({
      status: 201,
    });
    h.clock.advance(DURATION_MS);
    expect((await h.call("GET", `${id}?$expand=ReplicationStatus`)).body).toMatchObject({
      properties: {
        provisioningState: "Failed",
        replicationStatus: {
          summary: [
            {
              state: "Failed",
              details: `Replication failed in this region due to 'Contract.Assert failed: Data model DiskEncryptionSetId '' does not match DiskRP returned DiskEncryptionSetId '${set}'`,
            },
          ],
        },
      },
    });
  });

  test("is captured in no managed image", async () => {
    expect(
      await h.call("PUT", of.id("images/captured"), {
        body: {
          location: "westus",
          properties: {
            sourceVirtualMachine: { id: of.id("virtualMachines/keyedVM") },
          },
        },
      }),
    ).toMatchObject({
      status: 409,
      body: {
        error: {
          code: "OperationNotAllowed",
          message:
            "Creation of managed images are not supported for virtual machine with TrustedLaunch security type.",
        },
      },
    });
  });

  test("is published from a snapshot of the disk, which is as the disk is", async () => {
    const snapshot = of.id(`snapshots/of${name.replaceAll(".", "-")}`);
    const copy = (sourceResourceId: string) =>
      h.call("PUT", snapshot, {
        body: {
          location: "westus",
          properties: {
            creationData: { createOption: "Copy", sourceResourceId },
          },
        },
      });
    expect(await copy(of.id("disks/none"))).toMatchObject({ status: 404 });
    expect(await copy(of.id("disks/keyedDisk"))).toMatchObject({
      status: 200,
      body: {
        properties: {
          osType: "Linux",
          hyperVGeneration: "V2",
          diskSizeGB: 30,
          encryption: { diskEncryptionSetId: set },
          ...trusted,
        },
      },
    });
    const id = versionOf("TrustedLaunch");
    await put(h, id, {
      storageProfile: { osDiskImage: { source: { id: snapshot } } },
      targetRegions,
    });
    h.clock.advance(DURATION_MS);
    expect((await h.call("GET", id)).body).toMatchObject({
      properties: { provisioningState: "Succeeded" },
    });
  });
});

const FEATURE = {
  subscriptionId: SUBSCRIPTION,
  namespace: "Microsoft.Compute",
  feature: "ConfidentialVMDataDiskEncryptionPreview",
} as const;

/** A confidential OS disk under platform keys, and the data disk under a customer's key of that kind. */
function confidentialData(type: string, set?: string) {
  const [{ name: region, encryption }] = encrypted("EncryptedWithPmk");
  return {
    targetRegions: [
      {
        name: region,
        encryption: {
          ...encryption,
          dataDiskImages: [
            {
              lun: 0,
              securityProfile: {
                confidentialVMEncryptionType: type,
                ...(set && { secureVMDiskEncryptionSetId: setId(set) }),
              },
            },
          ],
        },
      },
    ],
  };
}
const DATA = confidentialData("DataDiskEncryptedWithCmk", "WestUSConfidentialEncryptionSet");
const NEWEST = { apiVersion: "2026-03-03" };

test("a confidential data disk takes a customer's key from api-version 2026-03-03 on, in a subscription with the preview", async () => {
  const id = versionOf("ConfidentialVMSupported");
  expect(await put(h, id, DATA)).toMatchObject({
    status: 400,
    body: {
      error: {
        code: "BadRequest",
        message: expect.stringContaining(
          "Could not find member 'securityProfile' on object of type 'DataDiskImageEncryption'",
        ) as string,
      },
    },
  });
  expect(await put(h, id, DATA, NEWEST)).toMatchObject({
    status: 400,
    body: { error: { code: "SubscriptionNotRegisteredForFeature" } },
  });
  await h.simulator.control.setRegistrationState({
    ...FEATURE,
    state: "Registered",
  });
  expect(await put(h, id, confidentialData("DataDiskEncryptedWithCmk"), NEWEST)).toMatchObject({
    status: 400,
    body: { error: { code: "InvalidParameter" } },
  });
  expect(
    await put(
      h,
      id,
      confidentialData("EncryptedWithCmk", "WestUSConfidentialEncryptionSet"),
      NEWEST,
    ),
  ).toMatchObject({
    status: 400,
    body: { error: { code: "InvalidParameter" } },
  });
  expect(
    await put(
      h,
      id,
      confidentialData("DataDiskEncryptedWithCmk", "WestUSDiskEncryptionSet2"),
      NEWEST,
    ),
  ).toMatchObject({
    status: 400,
    body: { error: { code: "InvalidParameter" } },
  });
  const secretsProvisioning = {
    securityProfile: {
      secretsProvisioningSettings: { isSupported: true, osName: "mariner" },
    },
  };
  expect(await put(h, id, { ...DATA, ...secretsProvisioning }, NEWEST)).toMatchObject({
    status: 201,
  });

  const shown = async (apiVersion: string) =>
    (await h.call("GET", id, { apiVersion })).body as {
      properties: {
        securityProfile?: object;
        imageMetadataProfiles?: object;
        publishingProfile: {
          targetRegions: { encryption: { dataDiskImages: object[] } }[];
        };
      };
    };
  const now = (await shown("2026-03-03")).properties;
  expect(now).toMatchObject({
    ...secretsProvisioning,
    imageMetadataProfiles: [
      {
        type: "UserProvidedSecretsProvisioningMetadata",
        publicMetadataList: [
          {
            metadataKey: "Linux.AzureSecretsProvisioning.Enabled",
            metadataValue: "true",
          },
          { metadataKey: "OS.Name", metadataValue: "mariner" },
        ],
      },
    ],
    publishingProfile: {
      targetRegions: [
        {
          encryption: {
            dataDiskImages: DATA.targetRegions[0]?.encryption.dataDiskImages,
          },
        },
      ],
    },
  });
  const before = (await shown("2025-12-03")).properties;
  expect(before.securityProfile).toEqual({});
  expect(before.imageMetadataProfiles).toBeUndefined();
  expect(before.publishingProfile.targetRegions[0]?.encryption.dataDiskImages).toEqual([
    { lun: 0 },
  ]);
});
