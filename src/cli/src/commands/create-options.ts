/**
 * The options of `az sig image-version create` (2.45 to 2.74 and later), under its names, and
 * `--file`.
 */
import type { Option } from "../options.js";

export const TARGET_OPTIONS: readonly Option[] = [
  {
    names: ["--target-regions"],
    kind: "values",
    help: "Target regions, each as region[=replicas][=storage account type]: westus=2=standard_lrs eastus2.",
    group: "Regions",
  },
  {
    names: ["--replica-count"],
    kind: "number",
    help: "Number of replicas in each region without a number of its own.",
    group: "Regions",
  },
  {
    names: ["--target-edge-zones"],
    kind: "values",
    help: "Target edge zones, each as region=zone[=replicas][=storage account type]. None removes all.",
    group: "Regions",
  },
];

export const SAFETY_OPTIONS: readonly Option[] = [
  {
    names: ["--exclude-from-latest"],
    kind: "boolean",
    help: "Virtual machines created without a version number do not use this version.",
    group: "Publishing",
  },
  {
    names: ["--end-of-life-date"],
    help: "End-of-life date, such as 2030-12-31. Without a time: 12:59:59 UTC, as in az.",
    group: "Publishing",
  },
  {
    names: ["--allow-replicated-location-deletion"],
    kind: "boolean",
    help: "Allow removing the version from regions that it was replicated to.",
    group: "Publishing",
  },
  {
    names: ["--block-deletion-before-end-of-life"],
    kind: "boolean",
    help: "Block deletion of the version before its end of life.",
    group: "Publishing",
  },
  {
    names: ["--tags"],
    kind: "values",
    help: "Tags, each as name[=value]. Use '' for no tags.",
    group: "Publishing",
  },
];

export const FILE: Option = {
  names: ["--file", "-f"],
  help: "File with the whole body, instead of options: JSON as Azure Resource Manager takes it, an ARM template with one image version, or deployment parameters. Use - for standard input.",
  group: "Source",
};

/** The options that `--file` replaces. */
export const BODY_OPTIONS: readonly Option[] = [
  {
    names: ["--managed-image"],
    help: "Managed image, by name (in the same resource group) or ID.",
    group: "Source",
  },
  {
    names: ["--virtual-machine"],
    help: "Virtual machine, by ID.",
    group: "Source",
  },
  {
    names: ["--image-version"],
    help: "Another image version, by ID.",
    group: "Source",
  },
  {
    names: ["--os-snapshot"],
    help: "Snapshot of the OS disk, by name or ID. The ID of a managed disk also works.",
    group: "Source",
  },
  {
    names: ["--data-snapshots"],
    kind: "list",
    help: "Snapshots of the data disks, by name or ID.",
    group: "Source",
  },
  {
    names: ["--data-snapshot-luns"],
    kind: "list",
    help: "LUN of each of the --data-snapshots, in the same order. Default: 0 1 2 and so on.",
    group: "Source",
  },
  {
    names: ["--os-vhd-uri"],
    help: "VHD of the OS disk, by blob URI.",
    group: "Source",
  },
  {
    names: ["--os-vhd-storage-account"],
    help: "Storage account of --os-vhd-uri, by name or ID.",
    group: "Source",
  },
  {
    names: ["--data-vhds-uris"],
    kind: "list",
    help: "VHDs of the data disks, by blob URI.",
    group: "Source",
  },
  {
    names: ["--data-vhds-storage-accounts", "--data-vhds-sa"],
    kind: "list",
    help: "Storage account of each of the --data-vhds-uris, in the same order, by name or ID.",
    group: "Source",
  },
  {
    names: ["--data-vhds-luns"],
    kind: "list",
    help: "LUN of each of the --data-vhds-uris, in the same order. Default: 0 1 2 and so on.",
    group: "Source",
  },
  {
    names: ["--location", "-l"],
    help: "Region of the version resource: one of the --target-regions, and the region of the source. Default: the first target region.",
    group: "Regions",
  },
  ...TARGET_OPTIONS,
  {
    names: ["--storage-account-type"],
    choices: ["Premium_LRS", "Standard_LRS", "Standard_ZRS", "PremiumV2_LRS"],
    help: "Storage account type in each region without one of its own.",
    group: "Regions",
  },
  {
    names: ["--replication-mode"],
    choices: ["Full", "Shallow"],
    help: "Replication mode.",
    group: "Regions",
  },
  {
    names: ["--target-region-encryption"],
    kind: "list",
    help: 'Disk encryption sets for each of the --target-regions, in the same order: set of the OS disk,LUN,set,LUN,set. Use "null" for a disk without a set.',
    group: "Encryption",
  },
  {
    names: ["--target-region-cvm-encryption"],
    kind: "list",
    help: 'Encryption of confidential virtual machines for each region: type,set of the OS disk,LUN,set. The type is EncryptedVMGuestStateOnlyWithPmk, EncryptedWithPmk, EncryptedWithCmk or NonPersistedTPM. The LUNs are those of confidential data disks, which az does not support. Use "null" for a disk without a set.',
    group: "Encryption",
  },
  {
    names: ["--target-edge-zone-encryption", "--zone-encryption"],
    kind: "list",
    help: "Disk encryption sets for each of the --target-edge-zones, in the same order: zone,set of the OS disk,LUN,set.",
    group: "Encryption",
  },
  ...SAFETY_OPTIONS,
];
