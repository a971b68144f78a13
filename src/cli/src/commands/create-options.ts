/** What `az sig image-version create` takes (2.45 to 2.74 and later), in its words, and `--file`. */
import type { Option } from "../options.js";

export const TARGET_OPTIONS: readonly Option[] = [
  {
    names: ["--target-regions"],
    kind: "values",
    help: "Regions, each as region[=replicas][=storage account type]: westus=2=standard_lrs eastus2.",
    group: "Regions",
  },
  {
    names: ["--replica-count"],
    kind: "number",
    help: "Replicas in each region that says no number.",
    group: "Regions",
  },
  {
    names: ["--target-edge-zones"],
    kind: "values",
    help: "Edge zones, each as region=zone[=replicas][=storage account type]. None removes them.",
    group: "Regions",
  },
];

export const SAFETY_OPTIONS: readonly Option[] = [
  {
    names: ["--exclude-from-latest"],
    kind: "boolean",
    help: "Virtual machines made without a version number do not get this version.",
    group: "Publishing",
  },
  {
    names: ["--end-of-life-date"],
    help: "The end of life, such as 2030-12-31; without a time 12:59:59 in UTC, as az makes it.",
    group: "Publishing",
  },
  {
    names: ["--allow-replicated-location-deletion"],
    kind: "boolean",
    help: "Whether the version may be removed from regions that it was replicated to.",
    group: "Publishing",
  },
  {
    names: ["--block-deletion-before-end-of-life"],
    kind: "boolean",
    help: "Whether Azure refuses to delete the version before its end of life.",
    group: "Publishing",
  },
  {
    names: ["--tags"],
    kind: "values",
    help: "Tags, each as name[=value]. '' means none.",
    group: "Publishing",
  },
];

export const FILE: Option = {
  names: ["--file", "-f"],
  help: "The whole body instead: Azure Resource Manager's JSON, an ARM template with one image version, deployment parameters, or - for standard input.",
  group: "Source",
};

/** The options that `--file` takes the place of. */
export const BODY_OPTIONS: readonly Option[] = [
  {
    names: ["--managed-image"],
    help: "A managed image: its name, if it is in the same resource group, or its id.",
    group: "Source",
  },
  {
    names: ["--virtual-machine"],
    help: "A virtual machine, by its id.",
    group: "Source",
  },
  {
    names: ["--image-version"],
    help: "Another image version, by its id.",
    group: "Source",
  },
  {
    names: ["--os-snapshot"],
    help: "A snapshot of the OS disk, by name or id; the id of a managed disk does as well.",
    group: "Source",
  },
  {
    names: ["--data-snapshots"],
    kind: "list",
    help: "Snapshots of data disks, by names or ids.",
    group: "Source",
  },
  {
    names: ["--data-snapshot-luns"],
    kind: "list",
    help: "The LUN of each of --data-snapshots. Default: 0 1 2 and so on.",
    group: "Source",
  },
  {
    names: ["--os-vhd-uri"],
    help: "The VHD of the OS disk, by the address of its blob.",
    group: "Source",
  },
  {
    names: ["--os-vhd-storage-account"],
    help: "The storage account of --os-vhd-uri, by name or id.",
    group: "Source",
  },
  {
    names: ["--data-vhds-uris"],
    kind: "list",
    help: "VHDs of data disks, by the addresses of their blobs.",
    group: "Source",
  },
  {
    names: ["--data-vhds-storage-accounts", "--data-vhds-sa"],
    kind: "list",
    help: "The storage account of each of --data-vhds-uris, by name or id.",
    group: "Source",
  },
  {
    names: ["--data-vhds-luns"],
    kind: "list",
    help: "The LUN of each of --data-vhds-uris. Default: 0 1 2 and so on.",
    group: "Source",
  },
  {
    names: ["--location", "-l"],
    help: "The region that the version itself belongs to, one of --target-regions, and the one that its source is in. Default: the first of them.",
    group: "Regions",
  },
  ...TARGET_OPTIONS,
  {
    names: ["--storage-account-type"],
    choices: ["Premium_LRS", "Standard_LRS", "Standard_ZRS", "PremiumV2_LRS"],
    help: "The storage account type of each region that says none.",
    group: "Regions",
  },
  {
    names: ["--replication-mode"],
    choices: ["Full", "Shallow"],
    help: "The mode of replication.",
    group: "Regions",
  },
  {
    names: ["--target-region-encryption"],
    kind: "list",
    help: 'Disk encryption sets for each of --target-regions, in the same order: set of the OS disk,LUN,set,LUN,set. "null" where there is none.',
    group: "Encryption",
  },
  {
    names: ["--target-region-cvm-encryption"],
    kind: "list",
    help: 'Of confidential virtual machines, for each region: type,set of the OS disk,LUN,set. The type is one of EncryptedVMGuestStateOnlyWithPmk, EncryptedWithPmk, EncryptedWithCmk, NonPersistedTPM; a LUN is of a confidential data disk, which az does not know; "null" where there is none.',
    group: "Encryption",
  },
  {
    names: ["--target-edge-zone-encryption", "--zone-encryption"],
    kind: "list",
    help: "Disk encryption sets for each of --target-edge-zones, in the same order: zone,set of the OS disk,LUN,set.",
    group: "Encryption",
  },
  ...SAFETY_OPTIONS,
];
