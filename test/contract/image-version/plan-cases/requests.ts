import { PLAIN, SNAPSHOTS, type Case } from "./case.js";
import { seedRegion, seedResource } from "../../../support/requests.js";
import { HOME, regionWith, seedRegions, seedSet, type Trial } from "../../../support/trial.js";

const VHD = {
  storageAccountId: seedResource("images/x").replace(
    "Microsoft.Compute/images/x",
    "Microsoft.Storage/storageAccounts/myaccount",
  ),
  uri: "https://myaccount.blob.core.windows.net/vhds/os.vhd",
};

const shallowAtHome = (t: Trial) =>
  t.ask({ regions: [{ name: HOME }], publishing: { replicationMode: "Shallow" } });

export const REQUESTS: readonly Case[] = [
  { name: "the seed's managed image", ask: (t) => t.ask() },
  { name: "the seed's snapshots", ask: (t) => t.ask({ storage: SNAPSHOTS }) },
  { name: "platform keys in two regions", ask: (t) => t.ask({ regions: PLAIN }) },
  {
    name: "a single region, the version's own",
    ask: (t) => t.ask({ regions: [seedRegion(HOME, "WestUS")] }),
  },
  {
    name: "region names as people write them",
    ask: (t) =>
      t.ask({
        location: "West US",
        regions: [seedRegion("WEST US", "WestUS"), seedRegion("East US 2", "EastUS2")],
      }),
  },
  {
    name: "a region twice, in two spellings",
    ask: (t) => t.ask({ regions: [...seedRegions(), seedRegion("East US 2", "EastUS2")] }),
    codes: ["DuplicateRegion"],
    mended: (t) => t.ask({ regions: seedRegions() }),
  },
  {
    name: "target regions without the version's own",
    ask: (t) => t.ask({ regions: [seedRegion("eastus2", "EastUS2")] }),
    codes: ["LocationNotInTargetRegions"],
    mended: (t) => t.ask({ regions: seedRegions() }),
  },
  {
    name: "100 replicas in all",
    ask: (t) =>
      t.ask({ regions: PLAIN.map((region) => ({ ...region, regionalReplicaCount: 50 })) }),
  },
  {
    name: "more than 100 replicas in all",
    ask: (t) =>
      t.ask({
        regions: [
          { name: HOME, regionalReplicaCount: 60 },
          { name: "eastus2", regionalReplicaCount: 60 },
        ],
      }),
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
    mended: (t) =>
      t.ask({ regions: PLAIN, publishing: { storageAccountStrategy: "DefaultStandard_LRS" } }),
  },
  {
    name: "a storage strategy alone",
    ask: (t) =>
      t.ask({ regions: PLAIN, publishing: { storageAccountStrategy: "DefaultStandard_LRS" } }),
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
    mended: (t) => t.ask(),
  },
  {
    name: "an end-of-life date to come",
    ask: (t) => t.ask({ publishing: { endOfLifeDate: "2090-01-01" } }),
  },
  {
    name: "an end-of-life date that is past",
    ask: (t) => t.ask({ publishing: { endOfLifeDate: "2020-01-01" } }),
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
            encryption: { ...home?.encryption, dataDiskImages: [...disks, ...disks] },
          },
          ...(other ? [other] : []),
        ],
      });
    },
    codes: ["DuplicateLun"],
    mended: (t) => t.ask(),
  },
  {
    name: "a LUN twice among the source's disks",
    ask: (t) =>
      t.ask({
        storage: {
          ...SNAPSHOTS,
          dataDiskImages: [
            ...SNAPSHOTS.dataDiskImages,
            { lun: 0, source: { id: seedResource("disks/myDataDisk") } },
          ],
        },
      }),
    codes: ["DuplicateLun"],
    mended: (t) => t.ask({ storage: SNAPSHOTS }),
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
    mended: (t) => t.ask({ storage: { source: { id: seedResource("images/myImage") } } }),
    azureSays: "MissingSource", // It has one message for none and for several.
  },
  {
    name: "one snapshot for two disks",
    ask: (t) =>
      t.ask({
        storage: {
          ...SNAPSHOTS,
          dataDiskImages: [{ lun: 0, source: SNAPSHOTS.osDiskImage.source }],
        },
      }),
    codes: ["DuplicateSource"],
    mended: (t) => t.ask({ storage: SNAPSHOTS }),
  },
  {
    name: "one blob for two disks",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { osDiskImage: { source: VHD }, dataDiskImages: [{ lun: 0, source: VHD }] },
      }),
    codes: ["DuplicateSource"],
    mended: (t) => t.ask({ regions: PLAIN, storage: { osDiskImage: { source: VHD } } }),
  },
  {
    name: "a VHD with platform keys",
    ask: (t) => t.ask({ regions: PLAIN, storage: { osDiskImage: { source: VHD } } }),
  },
  {
    name: "a VHD with own keys",
    ask: (t) =>
      t.ask({
        regions: [regionWith(HOME, seedSet("WestUS"))],
        storage: { osDiskImage: { source: VHD } },
      }),
    codes: ["EncryptionNotSupportedForSource"],
    mended: (t) => t.ask({ regions: PLAIN, storage: { osDiskImage: { source: VHD } } }),
  },
  {
    name: "zone-redundant storage where there are zones",
    ask: (t) =>
      t.ask({ regions: [{ name: HOME }, { name: "eastus2", storageAccountType: "Standard_ZRS" }] }),
  },
  {
    name: "zone-redundant storage where there are no zones",
    ask: (t) => t.ask({ regions: [{ name: HOME, storageAccountType: "Standard_ZRS" }] }),
    codes: ["ZoneRedundantStorageNotOffered"],
    mended: (t) => t.ask({ regions: [{ name: HOME, storageAccountType: "Standard_LRS" }] }),
  },
  { name: "shallow replication at home", ask: shallowAtHome },
  {
    name: "shallow replication in two regions",
    ask: (t) => t.ask({ regions: PLAIN, publishing: { replicationMode: "Shallow" } }),
    codes: ["InvalidShallowReplication"],
    mended: shallowAtHome,
  },
  {
    name: "shallow replication with two replicas",
    ask: (t) =>
      t.ask({
        regions: [{ name: HOME, regionalReplicaCount: 2 }],
        publishing: { replicationMode: "Shallow" },
      }),
    codes: ["InvalidShallowReplication"],
    mended: shallowAtHome,
  },
  {
    name: "no source",
    ask: (t) => t.ask({ regions: PLAIN, storage: {} }),
    codes: ["MissingSource"],
    mended: (t) => t.ask({ regions: PLAIN }),
  },
  {
    name: "a source that is a disk encryption set",
    ask: (t) => t.ask({ regions: PLAIN, storage: { source: { id: seedSet("WestUS") } } }),
    codes: ["WrongResourceType"],
    mended: (t) => t.ask({ regions: PLAIN }),
  },
  {
    name: "a source that is no resource id",
    ask: (t) =>
      t.ask({
        regions: PLAIN,
        storage: { osDiskImage: { source: { id: "/subscriptions/mine" } } },
      }),
    codes: ["InvalidResourceId"],
    mended: (t) => t.ask({ regions: PLAIN, storage: SNAPSHOTS }),
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
    mended: (t) => t.ask({ regions: seedRegions() }),
    stricter: "Azure leaves the OS disk to platform keys; nobody would know",
  },
];
