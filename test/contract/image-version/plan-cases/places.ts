import {
  CONFIDENTIAL,
  PLAIN,
  SNAPSHOTS,
  definition,
  diskOf,
  securityType,
  snapshotOf,
  type Case,
} from "./case.js";
import { seedResource } from "../../../support/requests.js";
import { HOME, type Ask, type Trial } from "../../../support/trial.js";

const confidential = (confidentialVMEncryptionType: "EncryptedWithPmk" | "NonPersistedTPM") =>
  PLAIN.map((region) => ({
    ...region,
    encryption: { osDiskImage: { securityProfile: { confidentialVMEncryptionType } } },
  }));

async function confidentialAtHome(t: Trial): Promise<Ask> {
  const id = await diskOf(t, "cvmAtHome", CONFIDENTIAL);
  return t.ask({
    definition: await definition(t, securityType("ConfidentialVM")),
    regions: confidential("EncryptedWithPmk").slice(0, 1),
    storage: { osDiskImage: { source: { id } } },
  });
}

const armUnderArm = async (t: Trial) => {
  const id = await snapshotOf(t, "arm", { supportedCapabilities: { architecture: "Arm64" } });
  return t.ask({
    definition: await definition(t, { architecture: "Arm64" }),
    regions: PLAIN,
    storage: { osDiskImage: { source: { id } } },
  });
};

const trustedUnderTrusted = async (t: Trial) => {
  const id = await diskOf(t, "trusted", { securityProfile: { securityType: "TrustedLaunch" } });
  return t.ask({
    definition: await definition(t, securityType("TrustedLaunch")),
    regions: PLAIN,
    storage: { osDiskImage: { source: { id } } },
  });
};

export const PLACES: readonly Case[] = [
  {
    name: "a confidential version in a second region",
    ask: async (t) => {
      const id = await diskOf(t, "cvm", CONFIDENTIAL);
      return t.ask({
        definition: await definition(t, securityType("ConfidentialVM")),
        regions: confidential("EncryptedWithPmk"),
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["ConfidentialVmOutsideHomeRegion"],
    mended: confidentialAtHome,
  },
  {
    name: "a confidential version that does not say how it is encrypted",
    ask: async (t) => {
      const id = await diskOf(t, "cvm", CONFIDENTIAL);
      return t.ask({
        definition: await definition(t, securityType("ConfidentialVM")),
        regions: [{ name: HOME }],
        storage: { osDiskImage: { source: { id } } },
      });
    },
    codes: ["ConfidentialEncryptionMissing"],
    mended: confidentialAtHome,
  },
  {
    name: "a confidential version without a kept state in a second region",
    ask: async (t) => {
      const id = await diskOf(t, "cvm", CONFIDENTIAL);
      return t.ask({
        definition: await definition(t, securityType("ConfidentialVM")),
        regions: confidential("NonPersistedTPM"),
        storage: { osDiskImage: { source: { id } } },
      });
    },
  },
  {
    name: "a gallery that does not exist",
    ask: (t) => t.ask({ definition: "galleries/NoGallery/images/MyImage" }),
    codes: ["GalleryNotFound"],
    mended: (t) => t.ask(),
    azureSays: "ImageDefinitionNotFound", // It names the direct parent alone.
  },
  {
    name: "an image definition that does not exist",
    ask: (t) => t.ask({ definition: "galleries/MyGallery/images/NoImage" }),
    codes: ["ImageDefinitionNotFound"],
    mended: (t) => t.ask(),
  },
  {
    name: "a version that others have made in another location",
    ask: async (t) => ({
      ...t.ask({ location: "eastus2", regions: PLAIN }),
      id: await t.make({ regions: PLAIN }),
    }),
    codes: ["ImmutableProperty", "SourceInOtherRegion"],
    mended: (t) => t.ask({ regions: PLAIN }),
    azureSays: "ImageVersionConflict",
  },
  {
    name: "own keys in a shared gallery",
    ask: (t) => t.ask({ definition: "galleries/MySharedGallery/images/MyImage" }),
    codes: ["SharedGalleryWithCustomerKeys"],
    mended: (t) => t.ask(),
  },
  {
    name: "own keys in a community gallery",
    ask: (t) => t.ask({ definition: "galleries/MyCommunityGallery/images/MyImage" }),
    codes: ["SharedGalleryWithCustomerKeys"],
    mended: (t) => t.ask(),
  },
  {
    name: "platform keys in a shared gallery",
    ask: (t) => t.ask({ definition: "galleries/MySharedGallery/images/MyImage", regions: PLAIN }),
  },
  {
    name: "a definition of another operating system",
    ask: async (t) => t.ask({ definition: await definition(t, { osType: "Windows" }) }),
    codes: ["OsTypeMismatch"],
    mended: async (t) => t.ask({ definition: await definition(t, { osType: "Linux" }) }),
  },
  {
    name: "a generalized image under a specialized definition",
    ask: async (t) => t.ask({ definition: await definition(t, { osState: "Specialized" }) }),
    codes: ["OsStateMismatch"],
    mended: async (t) => t.ask({ definition: await definition(t, { osState: "Generalized" }) }),
  },
  {
    name: "a definition of the other Hyper-V generation",
    ask: async (t) => t.ask({ definition: await definition(t, { hyperVGeneration: "V1" }) }),
    codes: ["HyperVGenerationMismatch"],
    mended: async (t) => t.ask({ definition: await definition(t, { hyperVGeneration: "V2" }) }),
  },
  {
    name: "a snapshot of another architecture",
    ask: async (t) => {
      const id = await snapshotOf(t, "arm", { supportedCapabilities: { architecture: "Arm64" } });
      return t.ask({ regions: PLAIN, storage: { osDiskImage: { source: { id } } } });
    },
    codes: ["ArchitectureMismatch"],
    mended: armUnderArm,
  },
  { name: "a snapshot of the definition's architecture, Arm64", ask: armUnderArm },
  {
    name: "a Trusted Launch disk under a standard definition",
    ask: async (t) => {
      const id = await diskOf(t, "trusted", { securityProfile: { securityType: "TrustedLaunch" } });
      return t.ask({ regions: PLAIN, storage: { osDiskImage: { source: { id } } } });
    },
    codes: ["SecurityTypeMismatch"],
    mended: trustedUnderTrusted,
  },
  { name: "a Trusted Launch disk under a Trusted Launch definition", ask: trustedUnderTrusted },
  {
    name: "a managed image under a definition that supports Trusted Launch",
    ask: async (t) =>
      t.ask({ definition: await definition(t, securityType("TrustedLaunchSupported")) }),
  },
  {
    name: "a managed image under a confidential VM's definition",
    ask: async (t) =>
      t.ask({
        definition: await definition(t, securityType("ConfidentialVM")),
        regions: confidential("EncryptedWithPmk").slice(0, 1),
      }),
    codes: ["SecurityTypeMismatch"],
    mended: (t) => t.ask(),
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
                securityProfile: { confidentialVMEncryptionType: "EncryptedWithPmk" },
              },
            },
          },
        ],
      }),
    codes: ["SecurityTypeMismatch"],
    mended: confidentialAtHome,
  },
  {
    name: "a virtual machine under a definition that merely supports Trusted Launch",
    ask: async (t) =>
      t.ask({
        definition: await definition(t, securityType("TrustedLaunchSupported")),
        storage: { source: { virtualMachineId: seedResource("virtualMachines/myVM") } },
      }),
    codes: ["SecurityTypeMismatch"],
    mended: (t) =>
      t.ask({ storage: { source: { virtualMachineId: seedResource("virtualMachines/myVM") } } }),
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
    codes: ["ImmutableProperty"],
    mended: (t) => t.ask({ storage: SNAPSHOTS }),
  },
  {
    name: "EncryptedWithCmk without a set for it",
    ask: async (t) =>
      t.ask({
        definition: await definition(t, securityType("ConfidentialVMSupported")),
        regions: [
          {
            name: HOME,
            encryption: {
              osDiskImage: {
                securityProfile: { confidentialVMEncryptionType: "EncryptedWithCmk" },
              },
            },
          },
        ],
      }),
    codes: ["ConfidentialVmSetMismatch"],
    mended: confidentialAtHome,
  },
];
