/** An issue or pull request on GitHub that records what Azure answered. */
const thread = (repository: string, number: number) => ({
  title: `${repository}#${number}`,
  url: `https://github.com/${repository}/issues/${number}`,
});

/** The pages that document a rule, or an answer of Azure. */
export const PAGES = {
  troubleshooting: {
    title: "Troubleshoot images in an Azure Compute Gallery",
    url: "https://learn.microsoft.com/azure/virtual-machines/troubleshooting-shared-images",
  },
  encryption: {
    title: "Create an encrypted image version with customer-managed keys",
    url: "https://learn.microsoft.com/azure/virtual-machines/image-version-encryption",
  },
  gallery: {
    title: "Store and share resources in Azure Compute Gallery",
    url: "https://learn.microsoft.com/azure/virtual-machines/azure-compute-gallery",
  },
  images: {
    title: "Store and share images in an Azure Compute Gallery",
    url: "https://learn.microsoft.com/azure/virtual-machines/shared-image-galleries",
  },
  reference: {
    title: "Gallery Image Versions - Create Or Update",
    url: "https://learn.microsoft.com/rest/api/compute/gallery-image-versions/create-or-update",
  },
  armErrors: {
    title: "Troubleshoot common Azure deployment errors",
    url: "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors",
  },
  parentResource: {
    title: "Resolve errors for parent resources",
    url: "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-parent-resource",
  },
  confidentialVm: {
    title: "Create a confidential VM from an Azure Compute Gallery image",
    url: "https://learn.microsoft.com/azure/confidential-computing/create-confidential-vm-from-compute-gallery",
  },
  confidentialRegions: thread("hashicorp/packer-plugin-azure", 373),
  confidentialEncryption: thread("Azure/azure-cli", 22995),
  confidentialSources: thread("hashicorp/packer-plugin-azure", 372),
  shallow: thread("hashicorp/packer-plugin-azure", 337),
  trustedLaunchKeys: thread("Azure/azure-rest-api-specs", 29280),
  trustedLaunchSources: thread("hashicorp/packer-plugin-azure", 304),
  virtualMachineId: thread("hashicorp/packer-plugin-azure", 467),
  virtualMachineInId: thread("Azure/azure-cli", 28700),
  notGeneralized: thread("Azure/azure-cli", 24972),
  premiumV2: thread("Azure/azure-cli", 29091),
  versionName: thread("hashicorp/packer-plugin-azure", 187),
  otherSource: thread("hashicorp/packer-plugin-azure", 65),
  storageOfRegion: thread("Azure/azure-powershell", 9911),
  policy: thread("Azure/azure-cli", 31937),
  apiVersions: thread("flatcar/mantle", 520),
  replicationJobs: thread("Azure/azure-cli", 15539),
  snapshotAccess: thread("hashicorp/packer-plugin-azure", 183),
} as const;

export type DocumentationPage = keyof typeof PAGES;

/**
 * Why the rule exists: Azure refuses a breach, as the page documents; Sigil itself requires it; or
 * it is a guess, because Microsoft's documents are silent or disagree. A guess stops nothing: its
 * severity is not error.
 */
export type Basis =
  | { readonly documented: DocumentationPage }
  | { readonly own: string }
  | { readonly guess: string };
