/** What is asked of Azure, what a plan finds in it, and whether Azure would have taken it: read by plan-truth.test.ts. */
import { LOCAL_SUBSCRIPTION_ID } from "../../../src/local/resource-manager/server.js";
import { resourcesIn } from "../../../src/local/resource-manager/world.js";
import { seedRegion, seedResource } from "../../support/requests.js";
import {
  HOME,
  OTHER_SUBSCRIPTION,
  regionWith,
  seedRegions,
  seedSet,
  type Ask,
  type Trial,
} from "../../support/trial.js";

export interface Case {
  readonly name: string;
  readonly ask: (trial: Trial) => Ask | Promise<Ask>;
  /** The codes of the plan's errors; absent: it lets the request pass. */
  readonly codes?: readonly string[];
  /** Why the plan stops what Azure would take. */
  readonly stricter?: string;
  /** Where Azure's refusal is less exact than the plan: its code in the same vocabulary. */
  readonly azureSays?: string;
}

const ELSEWHERE = resourcesIn(OTHER_SUBSCRIPTION, "OtherResourceGroup");
const PLAIN = [{ name: HOME }, { name: "eastus2" }];
const SNAPSHOTS = {
  osDiskImage: { source: { id: seedResource("snapshots/myOSSnapshot") } },
  dataDiskImages: [
    { lun: 0, source: { id: seedResource("snapshots/myDDSnapshot") } },
  ],
};

/** A definition of its own for one case, in the seed's gallery. */
async function definition(
  trial: Trial,
  properties: Record<string, unknown>,
): Promise<string> {
  const name = trial.name("image");
  await trial.put(
    trial.of.imageDefinition("MyGallery", name, HOME, properties),
  );
  return `galleries/MyGallery/images/${name}`;
}

const securityType = (value: string) => ({
  features: [{ name: "SecurityType", value }],
});

export const REQUESTS: readonly Case[] = [
  { name: "the seed's managed image", ask: (t) => t.ask() },
  {
    name: "the seed's snapshots",
    ask: (t) => t.ask({ storage: SNAPSHOTS }),
  },
  {
    name: "platform keys in two regions",
    ask: (t) => t.ask({ regions: PLAIN }),
  },
  {
    name: "a single region, the version's own",
    ask: (t) => t.ask({ regions: [seedRegion(HOME, "WestUS")] }),
  },
  {
    name: "region names as people write them",
    ask: (t) =>
      t.ask({
        location: "West US",
        regions: [
          seedRegion("WEST US", "WestUS"),
          seedRegion("East US 2", "EastUS2"),
        ],
      }),
  },
  {
    name: "a region twice, in two spellings",
    ask: (t) =>
      t.ask({
        regions: [...seedRegions(), seedRegion("East US 2", "EastUS2")],
      }),
    codes: ["DuplicateRegion"],
  },
  {
    name: "target regions without the version's own",
    ask: (t) => t.ask({ regions: [seedRegion("eastus2", "EastUS2")] }),
    codes: ["LocationNotInTargetRegions"],
  },
  {
    name: "100 replicas in all",
    ask: (t) =>
      t.ask({
        regions: PLAIN.map((region) => ({
          ...region,
          regionalReplicaCount: 50,
        })),
      }),
  },
  {
    name: "101 replicas in all",
    ask: (t) =>
      t.ask({
        regions: [
          { name: HOME, regionalReplicaCount: 51 },
          { name: "eastus2", regionalReplicaCount: 50 },
        ],
      }),
    codes: ["TooManyReplicas"],
  },
  {
    name: "a storage type and a storage strategy",
    ask: (t) =>
      t.ask({
        publishing: {
          storageAccountType: "Standard_LRS",
          storageAccountStrategy: "DefaultStandard_LRS",
        },
      }),
    codes: ["StorageAccountStrategyConflict"],
  },
  {
    name: "a storage strategy alone",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        publishing: { storageAccountStrategy: "DefaultStandard_LRS" },
      }),
  },
  {
    name: "the largest version name",
    ask: (t) => ({
      ...t.ask(),
      id: `${seedResource("galleries/MyGallery/images/MyImage")}/versions/2147483647.0.0`,
    }),
  },
  {
    name: "a version name beyond 31 bits",
    ask: (t) => ({
      ...t.ask(),
      id: `${seedResource("galleries/MyGallery/images/MyImage")}/versions/2147483648.0.0`,
    }),
    codes: ["InvalidVersionName"],
  },
  {
    name: "an end-of-life date to come",
    ask: (t) => t.ask({ publishing: { endOfLifeDate: "2090-01-01" } }),
  },
  {
    name: "an end-of-life date that is past",
    ask: (t) => t.ask({ publishing: { endOfLifeDate: "2020-01-01" } }),
    codes: ["EndOfLifeDateInPast"],
    stricter: "Azure is not known to refuse it; nobody can mean it",
  },
  {
    name: "a LUN twice in a region's encryption",
    ask: (t) => {
      const [home, other] = seedRegions();
      const disks = home?.encryption?.dataDiskImages ?? [];
      return t.ask({
        regions: [
          {
            ...home,
            name: HOME,
            encryption: {
              ...home?.encryption,
              dataDiskImages: [...disks, ...disks],
            },
          },
          ...(other ? [other] : []),
        ],
      });
    },
    codes: ["DuplicateLun"],
  },
  {
    name: "a LUN twice among the source's disks",
    ask: (t) =>
      t.ask({
        storage: {
          ...SNAPSHOTS,
          dataDiskImages: [
            ...SNAPSHOTS.dataDiskImages,
            ...SNAPSHOTS.dataDiskImages,
          ],
        },
      }),
    codes: ["DuplicateLun"],
  },
  {
    name: "two kinds of source",
    ask: (t) =>
      t.ask({
        storage: {
          source: { id: seedResource("images/myImage") },
          osDiskImage: SNAPSHOTS.osDiskImage,
        },
      }),
    codes: ["SeveralSources"],
    azureSays: "MissingSource", // It has one message for none and for several.
  },
  {
    name: "no source",
    ask: (t) => t.ask({ regions: PLAIN, storage: {} }),
    codes: ["MissingSource"],
  },
  {
    name: "a source that is a disk encryption set",
    ask: (t) =>
      t.ask({ regions: PLAIN, storage: { source: { id: seedSet("WestUS") } } }),
    codes: ["WrongResourceType"],
  },
  {
    name: "a set for a data disk and none for the OS disk",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, undefined, { 0: seedSet("WestUS") }),
          regionWith("eastus2", undefined, { 0: seedSet("EastUS2") }),
        ],
      }),
    codes: ["OsDiskEncryptionSetMissing", "OsDiskEncryptionSetMissing"],
  },
];

export const PLACES: readonly Case[] = [
  {
    name: "a gallery that does not exist",
    ask: (t) => t.ask({ definition: "galleries/NoGallery/images/MyImage" }),
    codes: ["GalleryNotFound"],
    azureSays: "ImageDefinitionNotFound", // It names the direct parent alone.
  },
  {
    name: "an image definition that does not exist",
    ask: (t) => t.ask({ definition: "galleries/MyGallery/images/NoImage" }),
    codes: ["ImageDefinitionNotFound"],
  },
  {
    name: "own keys in a shared gallery",
    ask: (t) =>
      t.ask({ definition: "galleries/MySharedGallery/images/MyImage" }),
    codes: ["SharedGalleryWithCustomerKeys"],
  },
  {
    name: "own keys in a community gallery",
    ask: (t) =>
      t.ask({ definition: "galleries/MyCommunityGallery/images/MyImage" }),
    codes: ["SharedGalleryWithCustomerKeys"],
  },
  {
    name: "platform keys in a shared gallery",
    ask: (t) =>
      t.ask({
        definition: "galleries/MySharedGallery/images/MyImage",
        regions: PLAIN,
      }),
  },
  {
    name: "a definition of another operating system",
    ask: async (t) =>
      t.ask({ definition: await definition(t, { osType: "Windows" }) }),
    codes: ["OsTypeMismatch"],
  },
  {
    name: "a generalized image under a specialized definition",
    ask: async (t) =>
      t.ask({ definition: await definition(t, { osState: "Specialized" }) }),
    codes: ["OsStateMismatch"],
  },
  {
    name: "a definition of the other Hyper-V generation",
    ask: async (t) =>
      t.ask({ definition: await definition(t, { hyperVGeneration: "V1" }) }),
    codes: ["HyperVGenerationMismatch"],
  },
  {
    name: "a snapshot of another architecture",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk(
          "snapshots",
          t.name("arm"),
          HOME,
          { os: true },
          {
            supportedCapabilities: { architecture: "Arm64" },
          },
        ),
      );
      return t.ask({
        regions: PLAIN,
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["ArchitectureMismatch"],
  },
  {
    name: "a snapshot of the definition's architecture, Arm64",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk(
          "snapshots",
          t.name("arm"),
          HOME,
          { os: true },
          {
            supportedCapabilities: { architecture: "Arm64" },
          },
        ),
      );
      return t.ask({
        definition: await definition(t, { architecture: "Arm64" }),
        regions: PLAIN,
        storage: { osDiskImage: { source: { id } } },
      });
    },
  },
  {
    name: "a Trusted Launch disk under a standard definition",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk(
          "disks",
          t.name("trusted"),
          HOME,
          { os: true },
          {
            securityProfile: { securityType: "TrustedLaunch" },
          },
        ),
      );
      return t.ask({
        regions: PLAIN,
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["SecurityTypeMismatch"],
  },
  {
    name: "a Trusted Launch disk under a Trusted Launch definition",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk(
          "disks",
          t.name("trusted"),
          HOME,
          { os: true },
          {
            securityProfile: { securityType: "TrustedLaunch" },
          },
        ),
      );
      return t.ask({
        definition: await definition(t, securityType("TrustedLaunch")),
        regions: PLAIN,
        storage: { osDiskImage: { source: { id } } },
      });
    },
  },
  {
    name: "a managed image under a definition that supports Trusted Launch",
    ask: async (t) =>
      t.ask({
        definition: await definition(t, securityType("TrustedLaunchSupported")),
      }),
  },
  {
    name: "a managed image under a confidential VM's definition",
    ask: async (t) =>
      t.ask({
        definition: await definition(t, securityType("ConfidentialVM")),
      }),
    codes: ["SecurityTypeMismatch"],
  },
  {
    name: "confidential encryption under a standard definition",
    ask: (t) =>
      t.ask({
        regions: [
          {
            name: HOME,
            encryption: {
              osDiskImage: {
                securityProfile: {
                  confidentialVMEncryptionType: "EncryptedWithPmk",
                },
              },
            },
          },
        ],
      }),
    codes: ["SecurityTypeMismatch"],
  },
  {
    name: "a virtual machine under a definition that merely supports Trusted Launch",
    ask: async (t) =>
      t.ask({
        definition: await definition(t, securityType("TrustedLaunchSupported")),
        storage: {
          source: { virtualMachineId: seedResource("virtualMachines/myVM") },
        },
      }),
    codes: ["SecurityTypeMismatch"],
  },
  {
    name: "a version that exists as it is asked for",
    ask: async (t) => {
      const asked = t.ask();
      return { ...asked, id: await t.make({}, asked.id) };
    },
  },
  {
    name: "a version that exists with another source",
    ask: async (t) => {
      const asked = t.ask({ storage: SNAPSHOTS });
      return { ...asked, id: await t.make({}, asked.id) };
    },
    codes: ["ImageVersionConflict"],
    azureSays: "ImmutableProperty",
  },
  {
    name: "EncryptedWithCmk without a set for it",
    ask: async (t) =>
      t.ask({
        definition: await definition(
          t,
          securityType("ConfidentialVMSupported"),
        ),
        regions: [
          {
            name: HOME,
            encryption: {
              osDiskImage: {
                securityProfile: {
                  confidentialVMEncryptionType: "EncryptedWithCmk",
                },
              },
            },
          },
        ],
      }),
    codes: ["ConfidentialVmSetMismatch"],
  },
];

export const SOURCES: readonly Case[] = [
  {
    name: "an image version",
    ask: async (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { id: await t.make({ regions: PLAIN }) } },
      }),
  },
  {
    name: "an image version with own keys",
    ask: async (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { id: await t.make() } },
      }),
    codes: ["CustomerKeySource"],
  },
  {
    name: "an image version that is not replicated to the new one's location",
    ask: async (t) =>
      t.ask({
        location: "eastus2",
        regions: [{ name: "eastus2" }],
        storage: {
          source: { id: await t.make({ regions: [{ name: HOME }] }) },
        },
      }),
    codes: ["SourceInOtherRegion"],
  },
  {
    name: "a snapshot where an image belongs",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { id: seedResource("snapshots/myOSSnapshot") } },
      }),
    codes: ["WrongResourceType"],
  },
  {
    name: "an encrypted managed image without sets for it",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { id: seedResource("images/myEncryptedImage") } },
      }),
    codes: Array<string>(4).fill("PlatformKeysForEncryptedSource"),
  },
  {
    name: "an encrypted managed image with sets for it",
    ask: (t) =>
      t.ask({
        storage: { source: { id: seedResource("images/myEncryptedImage") } },
      }),
  },
  {
    name: "a managed image that does not exist",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { id: seedResource("images/none") } },
      }),
    codes: ["SourceNotFound"],
  },
  {
    name: "the virtual machine",
    ask: (t) =>
      t.ask({
        storage: {
          source: { virtualMachineId: seedResource("virtualMachines/myVM") },
        },
      }),
  },
  {
    name: "a virtual machine that was deleted",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: {
          source: { virtualMachineId: seedResource("virtualMachines/none") },
        },
      }),
    codes: ["SourceNotFound"],
  },
  {
    name: "a virtual machine whose OS disk was deleted",
    ask: async (t) => {
      const id = await t.put(
        t.of.virtualMachine(t.name("vm"), HOME, t.name("gone"), []),
      );
      return t.ask({
        regions: PLAIN,
        storage: { source: { virtualMachineId: id } },
      });
    },
    codes: ["SourceDiskNotFound"],
  },
  {
    name: "the managed disks",
    ask: (t) =>
      t.ask({
        storage: {
          osDiskImage: { source: { id: seedResource("disks/myOSDisk") } },
          dataDiskImages: [
            { lun: 0, source: { id: seedResource("disks/myDataDisk") } },
          ],
        },
      }),
  },
  {
    name: "a snapshot that is still being made",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk(
          "snapshots",
          t.name("young"),
          HOME,
          { os: true },
          {
            provisioningState: "Updating",
          },
        ),
      );
      return t.ask({
        regions: PLAIN,
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["SourceNotReady"],
  },
  {
    name: "a managed image whose making failed",
    ask: async (t) => {
      const id = await t.put(
        t.of.managedImage(t.name("bad"), HOME, [], {
          provisioningState: "Failed",
        }),
      );
      return t.ask({ regions: PLAIN, storage: { source: { id } } });
    },
    codes: ["SourceNotReady"],
  },
  {
    name: "a managed image of another region",
    ask: async (t) => {
      const id = await t.put(t.of.managedImage(t.name("far"), "eastus2", []));
      return t.ask({ regions: PLAIN, storage: { source: { id } } });
    },
    codes: ["SourceInOtherRegion"],
  },
  {
    name: "a snapshot of another region",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk("snapshots", t.name("far"), "eastus2", { os: true }),
      );
      return t.ask({
        regions: PLAIN,
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["SourceInOtherRegion"],
  },
  {
    name: "a LUN that the source lacks",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedSet("WestUS"), {
            0: seedSet("WestUS"),
            5: seedSet("WestUS"),
          }),
        ],
      }),
    codes: ["LunNotInSource"],
  },
  {
    name: "a data disk left to platform keys in silence",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedSet("WestUS")),
          regionWith("eastus2", seedSet("EastUS2")),
        ],
      }),
    codes: ["DiskEncryptionSetMissing", "DiskEncryptionSetMissing"],
    stricter: "Azure leaves the disk to platform keys; nobody would know (P7)",
  },
  {
    name: "a set for a disk in one region and not in the other",
    ask: (t) =>
      t.ask({ regions: [seedRegion(HOME, "WestUS"), { name: "eastus2" }] }),
    codes: ["DiskEncryptionSetMissing", "DiskEncryptionSetMissing"],
  },
  {
    name: "an encrypted snapshot without a set for it",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk("snapshots", t.name("cmk"), HOME, {
          os: true,
          diskEncryptionSetId: seedSet("WestUS"),
        }),
      );
      return t.ask({
        regions: [{ name: HOME }],
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["PlatformKeysForEncryptedSource"],
  },
  {
    name: "an encrypted snapshot with a set for it",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk("snapshots", t.name("cmk"), HOME, {
          os: true,
          diskEncryptionSetId: seedSet("WestUS"),
        }),
      );
      return t.ask({
        regions: [
          regionWith(HOME, seedSet("WestUS")),
          regionWith("eastus2", seedSet("EastUS2")),
        ],
        storage: { osDiskImage: { source: { id } } },
      });
    },
  },
  {
    name: "an encrypted virtual machine, platform keys asked for",
    ask: async (t) => {
      const disk = t.name("cmkDisk");
      await t.put(
        t.of.disk("disks", disk, HOME, {
          os: true,
          diskEncryptionSetId: seedSet("WestUS"),
        }),
      );
      const id = await t.put(
        t.of.virtualMachine(t.name("cmkVm"), HOME, disk, []),
      );
      return t.ask({
        regions: [{ name: HOME }],
        storage: { source: { virtualMachineId: id } },
      });
    },
    codes: ["PlatformKeysForEncryptedSource"],
  },
  {
    name: "a snapshot encrypted in another subscription",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk("snapshots", t.name("foreign"), HOME, {
          os: true,
          diskEncryptionSetId: ELSEWHERE.id("diskEncryptionSets/theirs"),
        }),
      );
      return t.ask({
        regions: [regionWith(HOME, seedSet("WestUS"))],
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["EncryptedSourceInOtherSubscription"],
  },
];

export const KEYS: readonly Case[] = [
  {
    name: "a set that does not exist",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedSet("Nowhere"), { 0: seedSet("WestUS") }),
        ],
      }),
    codes: ["DiskEncryptionSetNotFound"],
  },
  {
    name: "a set of another region: the seed's own mistake",
    ask: (t) =>
      t.ask({
        regions: [seedRegion(HOME, "WestUS"), seedRegion("eastus", "EastUS2")],
      }),
    codes: ["DiskEncryptionSetInOtherRegion", "DiskEncryptionSetInOtherRegion"],
  },
  {
    name: "one set for every region",
    ask: (t) =>
      t.ask({
        regions: [seedRegion(HOME, "WestUS"), seedRegion("eastus2", "WestUS")],
      }),
    codes: ["DiskEncryptionSetInOtherRegion", "DiskEncryptionSetInOtherRegion"],
  },
  {
    name: "a set of another subscription",
    ask: async (t) => {
      const id = await t.put(
        ELSEWHERE.diskEncryptionSet(t.name("theirs"), HOME),
      );
      return t.ask({
        regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })],
      });
    },
    codes: ["DiskEncryptionSetInOtherSubscription"],
  },
  {
    name: "a set that is still being made",
    ask: async (t) => {
      const id = await t.put(
        t.of.diskEncryptionSet(t.name("young"), HOME, undefined, {
          provisioningState: "Updating",
        }),
      );
      return t.ask({
        regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })],
      });
    },
    codes: ["DiskEncryptionSetNotReady"],
  },
  {
    name: "a set without an active key",
    ask: async (t) => {
      const id = await t.put(
        t.of.diskEncryptionSet(t.name("keyless"), HOME, undefined, {
          activeKey: undefined,
        }),
      );
      return t.ask({
        regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })],
      });
    },
    codes: ["DiskEncryptionSetWithoutKey"],
  },
  {
    name: "a set whose key does not rotate",
    ask: async (t) => {
      const id = await t.put(
        t.of.diskEncryptionSet(t.name("stuck"), HOME, undefined, {
          autoKeyRotationError: {
            code: "KeyVaultAccessForbidden",
            message: "No.",
          },
        }),
      );
      return t.ask({
        regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })],
      });
    },
  },
  {
    name: "double encryption in one region and customer keys in the other",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(
            HOME,
            seedResource("diskEncryptionSets/WestUSDoubleEncryptionSet"),
            {
              0: seedSet("WestUS"),
            },
          ),
          seedRegion("eastus2", "EastUS2"),
        ],
      }),
  },
  {
    name: "a confidential VM's set for an ordinary disk",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(
            HOME,
            seedResource("diskEncryptionSets/WestUSConfidentialEncryptionSet"),
            { 0: seedSet("WestUS") },
          ),
        ],
      }),
    codes: ["DiskEncryptionSetOfWrongType"],
  },
  {
    name: "an ordinary set for a confidential VM's OS disk",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk(
          "disks",
          t.name("cvm"),
          HOME,
          { os: true },
          {
            securityProfile: {
              securityType: "ConfidentialVM_DiskEncryptedWithPlatformKey",
            },
          },
        ),
      );
      return t.ask({
        definition: await definition(t, securityType("ConfidentialVM")),
        storage: { osDiskImage: { source: { id } } },
        regions: [
          {
            name: HOME,
            encryption: {
              osDiskImage: {
                securityProfile: {
                  confidentialVMEncryptionType: "EncryptedWithCmk",
                  secureVMDiskEncryptionSetId: seedSet("WestUS"),
                },
              },
            },
          },
        ],
      });
    },
    codes: ["DiskEncryptionSetOfWrongType"],
  },
  {
    name: "a confidential VM's OS disk with the set that it needs",
    ask: async (t) => {
      const id = await t.put(
        t.of.disk(
          "disks",
          t.name("cvm"),
          HOME,
          { os: true },
          {
            securityProfile: {
              securityType: "ConfidentialVM_DiskEncryptedWithPlatformKey",
            },
          },
        ),
      );
      return t.ask({
        definition: await definition(t, securityType("ConfidentialVM")),
        storage: { osDiskImage: { source: { id } } },
        regions: [
          {
            name: HOME,
            encryption: {
              osDiskImage: {
                securityProfile: {
                  confidentialVMEncryptionType: "EncryptedWithCmk",
                  secureVMDiskEncryptionSetId: seedResource(
                    "diskEncryptionSets/WestUSConfidentialEncryptionSet",
                  ),
                },
              },
            },
          },
        ],
      });
    },
  },
  {
    name: "every kind of mistake with keys at once",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedSet("EastUS2"), {
            0: seedSet("Nowhere"),
            7: seedSet("WestUS"),
          }),
          { name: "eastus2" },
        ],
      }),
    codes: [
      "DiskEncryptionSetInOtherRegion",
      "DiskEncryptionSetMissing",
      "DiskEncryptionSetMissing",
      "DiskEncryptionSetNotFound",
      "LunNotInSource",
    ],
  },
];

const registration = (
  trial: Trial,
  state: "Registered" | "NotRegistered" | "Registering",
) =>
  trial.control.setRegistrationState({
    subscriptionId: LOCAL_SUBSCRIPTION_ID,
    namespace: "Microsoft.Compute",
    state,
  });

export const SUBSCRIPTIONS: readonly Case[] = [
  {
    name: "a subscription without the provider",
    ask: async (t) => {
      await t.change(
        () => registration(t, "NotRegistered"),
        () => registration(t, "Registered"),
      );
      return t.ask();
    },
    codes: ["ProviderNotRegistered"],
  },
  {
    name: "a subscription whose provider is being registered",
    ask: async (t) => {
      await t.change(
        () => registration(t, "Registering"),
        () => registration(t, "Registered"),
      );
      return t.ask();
    },
    codes: ["ProviderNotRegistered"],
  },
  {
    name: "a region that the subscription is not offered",
    ask: async (t) => {
      const withhold = (regions: readonly string[]) =>
        t.control.setUnavailableRegions({
          subscriptionId: LOCAL_SUBSCRIPTION_ID,
          regions,
        });
      await t.change(
        () => withhold(["eastus2"]),
        () => withhold([]),
      );
      return t.ask({ regions: PLAIN });
    },
    codes: ["RegionNotOffered"],
  },
  {
    name: "a location that the subscription is not offered",
    ask: async (t) => {
      const withhold = (regions: readonly string[]) =>
        t.control.setUnavailableRegions({
          subscriptionId: LOCAL_SUBSCRIPTION_ID,
          regions,
        });
      await t.change(
        () => withhold([HOME]),
        () => withhold([]),
      );
      return t.ask({ regions: [{ name: HOME }] });
    },
    codes: ["RegionNotOffered"],
  },
  {
    name: "a set that Sigil's identity may not see",
    ask: async (t) => {
      const denial = {
        action: "Microsoft.Compute/diskEncryptionSets/read",
        scope: seedSet("EastUS2"),
      };
      await t.change(
        () => t.control.denyAction(denial),
        () => t.control.allowAction(denial),
      );
      return t.ask({
        regions: [
          regionWith(HOME, seedSet("WestUS"), { 0: seedSet("WestUS") }),
          regionWith("eastus2", seedSet("EastUS2"), { 0: seedSet("EastUS2") }),
        ],
      });
    },
    codes: ["InsufficientPermission"],
  },
  {
    name: "a source that Sigil's identity may not see",
    ask: async (t) => {
      const denial = {
        action: "Microsoft.Compute/images/read",
        scope: seedResource("images/myImage"),
      };
      await t.change(
        () => t.control.denyAction(denial),
        () => t.control.allowAction(denial),
      );
      return t.ask({ regions: PLAIN });
    },
    codes: ["InsufficientPermission"],
  },
  {
    name: "a region that is none",
    ask: (t) => t.ask({ regions: [{ name: HOME }, { name: "atlantis" }] }),
    codes: ["RegionNotOffered"],
  },
];
