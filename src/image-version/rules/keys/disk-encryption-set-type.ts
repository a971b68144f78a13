import { seenDiskEncryptionSets } from "../seen-disk-encryption-sets.js";
import type { Breach, GatheredRule } from "../rule.js";
import type { EncryptionType } from "../../../keys/ports.js";

const CONFIDENTIAL: readonly EncryptionType[] = ["ConfidentialVmEncryptedWithCustomerKey"];
const AT_REST: readonly EncryptionType[] = [
  "EncryptionAtRestWithCustomerKey",
  "EncryptionAtRestWithPlatformAndCustomerKeys",
];

export const diskEncryptionSetType: GatheredRule = {
  name: "disk-encryption-set-type",
  code: "DiskEncryptionSetOfWrongType",
  severity: "error",
  basis: { documented: "confidentialVm" },
  summary:
    "A confidential disk has a disk encryption set for confidential virtual machines, and every other disk one for encryption at rest.",
  check: ({ request, gathered }) =>
    seenDiskEncryptionSets(request, gathered).flatMap(({ reference, set }): Breach[] => {
      const { pointer, diskEncryptionSetId, region, disk } = reference;
      const fitting = reference.confidential ? CONFIDENTIAL : AT_REST;
      return fitting.includes(set.encryptionType)
        ? []
        : [
            {
              pointer,
              message: `${diskEncryptionSetId} is of type ${set.encryptionType}; ${disk} in ${region} needs ${fitting.join(" or ")}.`,
              remediation: `Use a set of that type: az disk-encryption-set create --location ${region} --encryption-type ${fitting[0]} …`,
            },
          ];
    }),
};
