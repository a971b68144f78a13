import { CONFIDENTIAL, definition, diskOf, securityType, type Case } from "./case.js";
import { seedRegion, seedResource } from "../../../support/requests.js";
import {
  HOME,
  OTHER_SUBSCRIPTION,
  regionWith,
  seedSet,
  type Ask,
  type Trial,
} from "../../../support/trial.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";

const VAULT = seedResource("x").replace(
  "Microsoft.Compute/x",
  "Microsoft.KeyVault/vaults/keys-westus",
);
const ELSEWHERE = resourcesIn(OTHER_SUBSCRIPTION, "OtherResourceGroup");

const CONFIDENTIAL_SET = seedResource("diskEncryptionSets/WestUSConfidentialEncryptionSet");

/** A confidential version whose data disk has a customer's key, in a subscription with Azure's preview of it. */
async function confidentialData(
  t: Trial,
  change: {
    readonly set?: string | undefined;
    readonly type?: "EncryptedWithCmk";
    readonly registered?: "NotRegistered";
  } = {},
): Promise<Ask> {
  const set = "set" in change ? change.set : CONFIDENTIAL_SET;
  const id = await diskOf(t, "cvm", CONFIDENTIAL);
  const feature = (state: "Registered" | "NotRegistered") =>
    t.control.setRegistrationState({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      namespace: "Microsoft.Compute",
      feature: "ConfidentialVMDataDiskEncryptionPreview",
      state,
    });
  await t.change(
    () => feature(change.registered ?? "Registered"),
    () => feature("NotRegistered"),
  );
  return t.ask({
    definition: await definition(t, securityType("ConfidentialVM")),
    storage: {
      osDiskImage: { source: { id } },
      dataDiskImages: [{ lun: 0, source: { id: seedResource("disks/myDataDisk") } }],
    },
    regions: [
      {
        name: HOME,
        encryption: {
          osDiskImage: { securityProfile: { confidentialVMEncryptionType: "EncryptedWithPmk" } },
          dataDiskImages: [
            {
              lun: 0,
              securityProfile: {
                confidentialVMEncryptionType: change.type ?? "DataDiskEncryptedWithCmk",
                ...(set !== undefined && { secureVMDiskEncryptionSetId: set }),
              },
            },
          ],
        },
      },
    ],
  });
}

/** A confidential version whose OS disk has a customer's key. */
async function confidentialOsDisk(t: Trial, set = CONFIDENTIAL_SET): Promise<Ask> {
  const id = await diskOf(t, "cvm", CONFIDENTIAL);
  const securityProfile = {
    confidentialVMEncryptionType: "EncryptedWithCmk",
    secureVMDiskEncryptionSetId: set,
  } as const;
  return t.ask({
    definition: await definition(t, securityType("ConfidentialVM")),
    storage: { osDiskImage: { source: { id } } },
    regions: [{ name: HOME, encryption: { osDiskImage: { securityProfile } } }],
  });
}

/** With a set of the seed's for each disk. */
const atHome = (t: Trial) => t.ask({ regions: [seedRegion(HOME, "WestUS")] });

export const KEYS: readonly Case[] = [
  {
    name: "a set that does not exist",
    ask: (t) =>
      t.ask({ regions: [regionWith(HOME, seedSet("Nowhere"), { 0: seedSet("WestUS") })] }),
    codes: ["DiskEncryptionSetNotFound"],
    mended: async (t) => {
      const id = await t.put(t.of.diskEncryptionSet(t.name("made"), HOME));
      return t.ask({ regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })] });
    },
  },
  {
    name: "a set of another region: the seed's own mistake",
    ask: (t) => t.ask({ regions: [seedRegion(HOME, "WestUS"), seedRegion("eastus", "EastUS2")] }),
    codes: ["DiskEncryptionSetInOtherRegion", "DiskEncryptionSetInOtherRegion"],
    mended: (t) => t.ask(),
  },
  {
    name: "one set for every region",
    ask: (t) => t.ask({ regions: [seedRegion(HOME, "WestUS"), seedRegion("eastus2", "WestUS")] }),
    codes: ["DiskEncryptionSetInOtherRegion", "DiskEncryptionSetInOtherRegion"],
    mended: (t) => t.ask(),
  },
  {
    name: "a set of another subscription",
    ask: async (t) => {
      const id = await t.put(ELSEWHERE.diskEncryptionSet(t.name("theirs"), HOME));
      return t.ask({ regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })] });
    },
    codes: ["DiskEncryptionSetInOtherSubscription"],
    mended: atHome,
  },
  {
    name: "a set that is still being made",
    ask: async (t) => {
      const id = await t.put(
        t.of.diskEncryptionSet(t.name("young"), HOME, undefined, { provisioningState: "Updating" }),
      );
      return t.ask({ regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })] });
    },
    codes: ["DiskEncryptionSetNotReady"],
    mended: async (t) => {
      const set = t.of.diskEncryptionSet(t.name("young"), HOME);
      return t.ask({ regions: [regionWith(HOME, await t.put(set), { 0: seedSet("WestUS") })] });
    },
  },
  {
    name: "a set without an active key",
    ask: async (t) => {
      const id = await t.put(
        t.of.diskEncryptionSet(t.name("keyless"), HOME, undefined, { activeKey: undefined }),
      );
      return t.ask({ regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })] });
    },
    codes: ["DiskEncryptionSetWithoutKey"],
    mended: async (t) => {
      const set = t.of.diskEncryptionSet(t.name("keyGiven"), HOME);
      return t.ask({ regions: [regionWith(HOME, await t.put(set), { 0: seedSet("WestUS") })] });
    },
  },
  ...(
    [
      ["is disabled", "KeyDisabled", { enabled: false }],
      ["has expired", "KeyExpired", { enabled: true, exp: 1 }],
      ["is not valid yet", "KeyNotYetValid", { enabled: true, nbf: 9e9 }],
      ["is gone", "KeyNotFound", undefined],
      ["is valid for long", undefined, { enabled: true, nbf: 1, exp: 9e9 }],
    ] as const
  ).map(([what, code, attributes]): Case => ({
    name: `a set whose key ${what}`,
    ask: async (t) => {
      const name = t.name("keyed");
      const id = await t.put(t.of.diskEncryptionSet(name, HOME));
      const key = `${VAULT}/keys/${name}`;
      if (attributes === undefined) await t.control.removeResource(key);
      else
        await t.put({
          ...t.resource(key),
          properties: { ...t.resource(key).properties, attributes },
        });
      return t.ask({ regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })] });
    },
    ...(code !== undefined && {
      codes: [code],
      mended: async (t: Trial) => {
        const id = await t.put(t.of.diskEncryptionSet(t.name("newlyKeyed"), HOME));
        return t.ask({ regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })] });
      },
    }),
  })),
  {
    name: "a set whose key does not rotate",
    ask: async (t) => {
      const id = await t.put(
        t.of.diskEncryptionSet(t.name("stuck"), HOME, undefined, {
          autoKeyRotationError: { code: "KeyVaultAccessForbidden", message: "No." },
        }),
      );
      return t.ask({ regions: [regionWith(HOME, id, { 0: seedSet("WestUS") })] });
    },
  },
  {
    name: "double encryption in one region and customer keys in the other",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedResource("diskEncryptionSets/WestUSDoubleEncryptionSet"), {
            0: seedSet("WestUS"),
          }),
          seedRegion("eastus2", "EastUS2"),
        ],
      }),
  },
  {
    name: "a confidential VM's set for an ordinary disk",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedResource("diskEncryptionSets/WestUSConfidentialEncryptionSet"), {
            0: seedSet("WestUS"),
          }),
        ],
      }),
    codes: ["DiskEncryptionSetOfWrongType"],
    mended: atHome,
  },
  {
    name: "an ordinary set for a confidential VM's OS disk",
    ask: (t) => confidentialOsDisk(t, seedSet("WestUS")),
    codes: ["DiskEncryptionSetOfWrongType"],
    mended: confidentialOsDisk,
  },
  {
    name: "a confidential VM's OS disk with the set that it needs",
    ask: (t) => confidentialOsDisk(t),
  },
  { name: "a confidential data disk with the set that it needs", ask: (t) => confidentialData(t) },
  {
    name: "an ordinary set for a confidential data disk",
    ask: (t) => confidentialData(t, { set: seedSet("WestUS") }),
    codes: ["DiskEncryptionSetOfWrongType"],
    mended: (t) => confidentialData(t),
  },
  {
    name: "a confidential data disk without a set",
    ask: (t) => confidentialData(t, { set: undefined }),
    codes: ["ConfidentialVmSetMismatch"],
    mended: (t) => confidentialData(t),
  },
  {
    name: "an OS disk's kind of confidential encryption, and a set, for a data disk",
    ask: (t) => confidentialData(t, { type: "EncryptedWithCmk" }),
    codes: ["ConfidentialVmSetMismatch"],
    mended: (t) => confidentialData(t),
  },
  {
    name: "a confidential data disk in a subscription without the preview",
    ask: (t) => confidentialData(t, { registered: "NotRegistered" }),
    codes: ["FeatureNotRegistered"],
    mended: (t) => confidentialData(t),
  },
  {
    name: "a confidential data disk of an image definition that knows no confidential machines",
    ask: async (t) => {
      const { body } = await confidentialData(t);
      const [region] = body.properties.publishingProfile?.targetRegions ?? [];
      return t.ask({
        regions: [
          {
            name: HOME,
            encryption: {
              osDiskImage: { diskEncryptionSetId: seedSet("WestUS") },
              ...(region?.encryption?.dataDiskImages && {
                dataDiskImages: region.encryption.dataDiskImages,
              }),
            },
          },
        ],
      });
    },
    codes: ["SecurityTypeMismatch"],
    mended: (t) => confidentialData(t),
  },
  {
    name: "every kind of mistake with keys at once",
    ask: (t) =>
      t.ask({
        regions: [
          regionWith(HOME, seedSet("EastUS2"), { 0: seedSet("Nowhere"), 7: seedSet("WestUS") }),
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
    mended: (t) => t.ask(),
  },
];
