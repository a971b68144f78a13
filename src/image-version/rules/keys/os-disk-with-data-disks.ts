import { disksWithoutSet } from "../../properties/disk-encryption-references.js";
import type { RequestRule } from "../rule.js";

export const osDiskWithDataDisks: RequestRule = {
  name: "os-disk-with-data-disks",
  code: "OsDiskEncryptionSetMissing",
  severity: "error",
  basis: {
    own: "A disk that is silently left to platform-managed keys is not noticed for years.",
  },
  summary:
    "A region that gives a data disk a disk encryption set gives the OS disk one, or says how a confidential OS disk is encrypted.",
  check: ({ request }) =>
    disksWithoutSet(request, [])
      .filter((disk) => disk.leftOutAlone && disk.confidentialVMEncryptionType === undefined)
      .map(({ pointer, region }) => ({
        pointer,
        message: `No disk encryption set is given for the OS disk in ${region}, though data disks have one there.`,
        remediation: `Give the OS disk a disk encryption set that is in ${region}, or give none to any disk in any region.`,
      })),
};
