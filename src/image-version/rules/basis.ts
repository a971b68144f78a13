/** Where a rule, or an answer of Azure's, is written. */
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
  confidentialRegions: {
    title: "hashicorp/packer-plugin-azure#373",
    url: "https://github.com/hashicorp/packer-plugin-azure/pull/373",
  },
  shallow: {
    title: "hashicorp/packer-plugin-azure#337",
    url: "https://github.com/hashicorp/packer-plugin-azure/pull/337",
  },
  trustedLaunchKeys: {
    title: "Azure/azure-rest-api-specs#29280",
    url: "https://github.com/Azure/azure-rest-api-specs/issues/29280",
  },
  virtualMachineId: {
    title: "hashicorp/packer-plugin-azure#467",
    url: "https://github.com/hashicorp/packer-plugin-azure/issues/467",
  },
} as const;

export type DocumentationPage = keyof typeof PAGES;

/**
 * Why a rule is one: Azure refuses what breaks it, and says so on that page; or Sigil asks for it of its own, because; or
 * it is a guess, because Microsoft's documents are silent or disagree. A guess stops nothing: its severity is no error.
 */
export type Basis =
  | { readonly documented: DocumentationPage }
  | { readonly own: string }
  | { readonly guess: string };
