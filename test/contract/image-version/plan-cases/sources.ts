import {
  definition,
  diskOf,
  PLAIN,
  securityType,
  SNAPSHOTS,
  snapshotOf,
  type Case,
} from "./case.js";
import type { ArmResource } from "@sigil-local/arm-simulator/parts/state";
import { seedRegion, seedResource } from "../../../support/requests.js";
import {
  HOME,
  OTHER_SUBSCRIPTION,
  regionWith,
  seedSet,
  type TargetRegion,
  type Trial,
} from "../../../support/trial.js";
import { resourcesIn } from "@sigil-local/arm-simulator/world";

const ELSEWHERE = resourcesIn(OTHER_SUBSCRIPTION, "OtherResourceGroup");

/** A virtual machine whose OS disk has these members, too. */
function withOsDisk(machine: ArmResource, more: object): ArmResource {
  const { storageProfile } = machine.properties as { storageProfile: { osDisk: object } };
  return {
    ...machine,
    properties: {
      ...machine.properties,
      storageProfile: { ...storageProfile, osDisk: { ...storageProfile.osDisk, ...more } },
    },
  };
}

const securityProfile = { securityProfile: { securityType: "TrustedLaunch" } };

/** A Trusted Launch machine as source, its OS disk encrypted with the set, if one is given. */
async function trustedLaunch(t: Trial, diskEncryptionSetId?: string) {
  const disk = t.name("trusted");
  await t.put(
    t.of.disk(
      "disks",
      disk,
      HOME,
      { os: true, ...(diskEncryptionSetId && { diskEncryptionSetId }) },
      securityProfile,
    ),
  );
  const virtualMachineId = await t.put(
    t.of.virtualMachine(t.name("trustedVm"), HOME, disk, [], securityProfile),
  );
  return {
    regions: [regionWith(HOME, seedSet("WestUS"))],
    definition: await definition(t, securityType("TrustedLaunch")),
    storage: { source: { virtualMachineId } },
  };
}

const ofMachine = (t: Trial, virtualMachineId: string, definition?: string) =>
  t.ask({
    regions: PLAIN,
    ...(definition && { definition }),
    storage: { source: { virtualMachineId } },
  });
const ofDisk = (t: Trial, id: string, regions: readonly TargetRegion[] = PLAIN) =>
  t.ask({ regions, storage: { osDiskImage: { source: { id } } } });
const ofSnapshots = (t: Trial) => t.ask({ regions: PLAIN, storage: SNAPSHOTS });
const ofSeedMachine = (t: Trial) => ofMachine(t, seedResource("virtualMachines/myVM"));
const ofManagedImage = async (t: Trial, region = HOME) =>
  t.ask({
    regions: PLAIN,
    storage: { source: { id: await t.put(t.of.managedImage(t.name("made"), region, [])) } },
  });
const ofEncryptedImage = (t: Trial) =>
  t.ask({ storage: { source: { id: seedResource("images/myEncryptedImage") } } });

const PLAN = { name: "9", publisher: "contoso", product: "linux" };
const withPlan = async (t: Trial, definition?: string) => {
  const machine = t.of.virtualMachine(t.name("vm"), HOME, "myOSDisk", []);
  return ofMachine(t, await t.put({ ...machine, plan: PLAN }), definition);
};
const trustedBySnapshot = async (t: Trial) => {
  const asked = await trustedLaunch(t, seedSet("WestUS"));
  const more = { os: true, diskEncryptionSetId: seedSet("WestUS") };
  const id = await t.put(t.of.disk("snapshots", t.name("trusted"), HOME, more, securityProfile));
  return t.ask({ ...asked, storage: { osDiskImage: { source: { id } } } });
};
const encryptedSnapshot = async (t: Trial, regions: readonly TargetRegion[]) => {
  const more = { os: true, diskEncryptionSetId: seedSet("WestUS") };
  return ofDisk(t, await t.put(t.of.disk("snapshots", t.name("cmk"), HOME, more)), regions);
};
const encryptedMachine = async (t: Trial, regions: readonly TargetRegion[]) => {
  const disk = t.name("cmkDisk");
  const more = { os: true, diskEncryptionSetId: seedSet("WestUS") };
  await t.put(t.of.disk("disks", disk, HOME, more));
  const id = await t.put(t.of.virtualMachine(t.name("cmkVm"), HOME, disk, []));
  return t.ask({ regions, storage: { source: { virtualMachineId: id } } });
};
const specializedMachine = async (t: Trial) =>
  ofMachine(t, await t.put(specialized(t)), await definition(t, { osState: "Specialized" }));
const shallow = async (t: Trial) => {
  const id = await diskOf(t, "large", { diskSizeGB: 2520 });
  return t.ask({
    regions: [{ name: HOME }],
    publishing: { replicationMode: "Shallow" },
    storage: { osDiskImage: { source: { id } } },
  });
};

/** A machine as Azure makes it. */
const specialized = (t: Trial) =>
  t.of.virtualMachine(t.name("vm"), HOME, "myOSDisk", [], { instanceView: {} });

export const SOURCES: readonly Case[] = [
  {
    name: "an image version",
    ask: async (t) =>
      t.ask({ regions: PLAIN, storage: { source: { id: await t.make({ regions: PLAIN }) } } }),
  },
  {
    name: "an image version with own keys",
    ask: async (t) => t.ask({ regions: PLAIN, storage: { source: { id: await t.make() } } }),
    codes: ["CustomerKeySource"],
    mended: ofSnapshots,
  },
  {
    name: "an image version that is not replicated to the new one's location",
    ask: async (t) =>
      t.ask({
        location: "eastus2",
        regions: [{ name: "eastus2" }],
        storage: { source: { id: await t.make({ regions: [{ name: HOME }] }) } },
      }),
    codes: ["SourceInOtherRegion"],
    azureSays: "SourceNotFound", // It has one message for both.
    mended: async (t) =>
      t.ask({
        location: "eastus2",
        regions: [{ name: "eastus2" }],
        storage: { source: { id: await t.make({ regions: PLAIN }) } },
      }),
  },
  {
    name: "a snapshot where an image belongs",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { id: seedResource("snapshots/myOSSnapshot") } },
      }),
    codes: ["WrongResourceType"],
    mended: ofSnapshots,
  },
  {
    name: "an encrypted managed image without sets for it",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { id: seedResource("images/myEncryptedImage") } },
      }),
    codes: Array<string>(4).fill("PlatformKeysForEncryptedSource"),
    mended: ofEncryptedImage,
  },
  { name: "an encrypted managed image with sets for it", ask: ofEncryptedImage },
  {
    name: "a managed image that does not exist",
    ask: (t) => t.ask({ regions: PLAIN, storage: { source: { id: seedResource("images/none") } } }),
    codes: ["SourceNotFound"],
    mended: (t) => ofManagedImage(t),
  },
  {
    name: "the virtual machine",
    ask: (t) =>
      t.ask({ storage: { source: { virtualMachineId: seedResource("virtualMachines/myVM") } } }),
  },
  {
    name: "a virtual machine with the plan of the image definition",
    ask: async (t) => withPlan(t, await definition(t, { purchasePlan: PLAN })),
  },
  {
    name: "a virtual machine with a plan that the image definition does not have",
    ask: (t) => withPlan(t),
    codes: ["PurchasePlanMismatch"],
    mended: async (t) => withPlan(t, await definition(t, { purchasePlan: PLAN })),
  },
  {
    name: "a snapshot without the plan of the image definition",
    ask: async (t) =>
      t.ask({
        regions: PLAIN,
        definition: await definition(t, {
          purchasePlan: { name: "9", publisher: "contoso", product: "linux" },
        }),
        storage: SNAPSHOTS,
      }),
  },
  {
    name: "a virtual machine that was deleted",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { source: { virtualMachineId: seedResource("virtualMachines/none") } },
      }),
    codes: ["SourceNotFound"],
    mended: ofSeedMachine,
  },
  {
    name: "a virtual machine whose OS disk was deleted",
    ask: async (t) => {
      const id = await t.put(t.of.virtualMachine(t.name("vm"), HOME, t.name("gone"), []));
      return ofMachine(t, id);
    },
    codes: ["SourceDiskNotFound"],
    azureSays: "SourceNotFound",
    mended: ofSeedMachine,
  },
  {
    name: "the virtual machine, by source.id",
    ask: (t) => t.ask({ storage: { source: { id: seedResource("virtualMachines/myVM") } } }),
    codes: ["VirtualMachineInSourceId"],
    mended: ofSeedMachine,
  },
  {
    name: "a virtual machine that nobody has generalized",
    ask: async (t) => {
      const id = await t.put(specialized(t));
      return ofMachine(t, id);
    },
    codes: ["OsStateMismatch"],
    mended: specializedMachine,
  },
  {
    name: "a virtual machine that nobody has generalized, under a specialized definition",
    ask: specializedMachine,
  },
  {
    name: "a virtual machine with an ephemeral OS disk",
    ask: async (t) => {
      const machine = t.of.virtualMachine(t.name("vm"), HOME, "myOSDisk", []);
      const id = await t.put(withOsDisk(machine, { diffDiskSettings: { option: "Local" } }));
      return ofMachine(t, id);
    },
    codes: ["EphemeralOsDisk"],
    mended: ofSeedMachine,
  },
  {
    name: "a virtual machine with unmanaged disks",
    ask: async (t) => {
      const machine = t.of.virtualMachine(t.name("vm"), HOME, "myOSDisk", []);
      const id = await t.put(
        withOsDisk(machine, {
          managedDisk: undefined,
          vhd: { uri: "https://myaccount.blob.core.windows.net/vhds/os.vhd" },
        }),
      );
      return ofMachine(t, id);
    },
    codes: ["UnmanagedDisk"],
    mended: ofSeedMachine,
  },
  {
    name: "a virtual machine with an Ultra disk",
    ask: async (t) => {
      await diskOf(t, "ultra", {}, "UltraSSD_LRS");
      const id = await t.put(
        t.of.virtualMachine(t.name("vm"), HOME, "myOSDisk", [{ lun: 0, name: t.name("ultra") }]),
      );
      return ofMachine(t, id);
    },
    codes: ["UltraDisk"],
    mended: ofSeedMachine,
  },
  {
    name: "a Trusted Launch machine whose disk has a customer's key",
    ask: async (t) => t.ask(await trustedLaunch(t, seedSet("WestUS"))),
    codes: ["TrustedLaunchWithCustomerKeys"],
    mended: trustedBySnapshot,
  },
  {
    name: "a Trusted Launch machine with platform keys",
    ask: async (t) => t.ask({ ...(await trustedLaunch(t)), regions: [{ name: HOME }] }),
  },
  {
    name: "a snapshot of the Trusted Launch machine's disk with a customer's key",
    ask: trustedBySnapshot,
  },
  {
    name: "a Premium SSD v2",
    ask: async (t) => {
      const id = await diskOf(t, "v2", {}, "PremiumV2_LRS");
      return ofDisk(t, id);
    },
    codes: ["PremiumV2Disk"],
    mended: async (t) => ofDisk(t, await snapshotOf(t, "ofV2", {})),
  },
  {
    name: "a disk of 2048 GB",
    ask: async (t) => {
      const id = await diskOf(t, "large", { diskSizeGB: 2048 });
      return ofDisk(t, id);
    },
  },
  {
    name: "a disk of 2520 GB",
    ask: async (t) => {
      const id = await diskOf(t, "large", { diskSizeGB: 2520 });
      return ofDisk(t, id);
    },
    codes: ["SourceDiskTooLarge"],
    mended: shallow,
  },
  { name: "a disk of 2520 GB, shallow", ask: shallow },
  {
    name: "an image version, with own keys for the new one",
    ask: async (t) => t.ask({ storage: { source: { id: await t.make({ regions: PLAIN }) } } }),
    codes: ["EncryptionNotSupportedForSource"],
    mended: (t) => t.ask(),
  },
  {
    name: "the managed disks",
    ask: (t) =>
      t.ask({
        storage: {
          osDiskImage: { source: { id: seedResource("disks/myOSDisk") } },
          dataDiskImages: [{ lun: 0, source: { id: seedResource("disks/myDataDisk") } }],
        },
      }),
  },
  {
    name: "a snapshot that is still being made",
    ask: async (t) => {
      const id = await snapshotOf(t, "young", { provisioningState: "Updating" });
      return ofDisk(t, id);
    },
  },
  {
    name: "a managed image whose making failed",
    ask: async (t) => {
      const id = await t.put(
        t.of.managedImage(t.name("bad"), HOME, [], { provisioningState: "Failed" }),
      );
      return t.ask({ regions: PLAIN, storage: { source: { id } } });
    },
  },
  {
    name: "a managed image of another region",
    ask: (t) => ofManagedImage(t, "eastus2"),
    codes: ["SourceInOtherRegion"],
    mended: (t) => ofManagedImage(t),
    azureSays: "SourceNotFound", // It has one message for both.
  },
  {
    name: "a snapshot of another region",
    ask: async (t) => {
      const id = await t.put(t.of.disk("snapshots", t.name("far"), "eastus2", { os: true }));
      return ofDisk(t, id);
    },
    codes: ["SourceInOtherRegion"],
    azureSays: "SourceNotFound", // It has one message for both.
    mended: ofSnapshots,
  },
  {
    name: "a LUN that the source lacks",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedSet("WestUS"), { 0: seedSet("WestUS"), 5: seedSet("WestUS") }),
        ],
      }),
    codes: ["LunNotInSource"],
    mended: (t) => t.ask({ regions: [seedRegion(HOME, "WestUS")] }),
  },
  {
    name: "a data disk left to platform keys in silence",
    ask: (t) =>
      t.ask({
        regions: [regionWith(HOME, seedSet("WestUS")), regionWith("eastus2", seedSet("EastUS2"))],
      }),
    codes: ["DiskEncryptionSetMissing", "DiskEncryptionSetMissing"],
    stricter: "Azure leaves the disk to platform keys; nobody would know (P7)",
    mended: (t) => t.ask(),
  },
  {
    name: "a set for a disk in one region and not in the other",
    ask: (t) => t.ask({ regions: [seedRegion(HOME, "WestUS"), { name: "eastus2" }] }),
    codes: ["DiskEncryptionSetMissing", "DiskEncryptionSetMissing"],
    mended: (t) => t.ask(),
  },
  {
    name: "an encrypted snapshot without a set for it",
    ask: (t) => encryptedSnapshot(t, [{ name: HOME }]),
    codes: ["PlatformKeysForEncryptedSource"],
    mended: (t) => encryptedSnapshot(t, [regionWith(HOME, seedSet("WestUS"))]),
  },
  {
    name: "an encrypted snapshot with a set for it",
    ask: (t) =>
      encryptedSnapshot(t, [
        regionWith(HOME, seedSet("WestUS")),
        regionWith("eastus2", seedSet("EastUS2")),
      ]),
  },
  {
    name: "an encrypted virtual machine, platform keys asked for",
    ask: (t) => encryptedMachine(t, [{ name: HOME }]),
    codes: ["PlatformKeysForEncryptedSource"],
    mended: (t) => encryptedMachine(t, [regionWith(HOME, seedSet("WestUS"))]),
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
    mended: (t) => encryptedSnapshot(t, [regionWith(HOME, seedSet("WestUS"))]),
  },
];
