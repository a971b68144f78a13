import { disksWithoutSet } from "../../properties/disk-encryption-references.js";
import type { RequestRule } from "../rule.js";

export const osDiskWithDataDisks: RequestRule = {
  name: "os-disk-with-data-disks",
  code: "OsDiskEncryptionSetMissing",
  severity: "error",
  basis: {
    own: "A disk that silently uses platform-managed keys can stay unnoticed for years.",
  },
  summary:
    "A region with a disk encryption set for a data disk has one for the OS disk, or sets the encryption of a confidential OS disk.",
  check: ({ request }) =>
    disksWithoutSet(request, [])
      .filter((disk) => disk.leftOutAlone && disk.confidentialVMEncryptionType === undefined)
      .map(({ pointer, region }) => ({
        pointer,
        message: `The OS disk has no disk encryption set in ${region}, although data disks have one there.`,
        remediation: `Name a disk encryption set in ${region} for the OS disk, or remove the sets of all disks in all regions.`,
      })),
};
