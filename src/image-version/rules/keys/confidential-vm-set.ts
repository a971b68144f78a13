import { targetRegionsOf } from "../../properties/canonical-form.js";
import { TARGET_REGIONS, type Breach, type RequestRule } from "../rule.js";

export const confidentialVmSet: RequestRule = {
  name: "confidential-vm-set",
  code: "ConfidentialVmSetMismatch",
  severity: "error",
  basis: { documented: "reference" },
  summary:
    "secureVMDiskEncryptionSetId is given exactly where confidentialVMEncryptionType is EncryptedWithCmk.",
  check: ({ request }) =>
    targetRegionsOf(request).flatMap((region, i): Breach[] => {
      const { confidentialVMEncryptionType, secureVMDiskEncryptionSetId } =
        region.encryption?.osDiskImage?.securityProfile ?? {};
      const needed = confidentialVMEncryptionType === "EncryptedWithCmk";
      if (needed === (secureVMDiskEncryptionSetId !== undefined)) return [];
      return [
        {
          pointer: `${TARGET_REGIONS}/${i}/encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId`,
          ...(needed
            ? {
                message: `confidentialVMEncryptionType is EncryptedWithCmk in ${region.name}, but secureVMDiskEncryptionSetId is not given.`,
                remediation: `Give a disk encryption set of type ConfidentialVmEncryptedWithCustomerKey that is in ${region.name}, or another confidentialVMEncryptionType.`,
              }
            : {
                message: `secureVMDiskEncryptionSetId ${secureVMDiskEncryptionSetId} is given in ${region.name}, where confidentialVMEncryptionType is ${confidentialVMEncryptionType ?? "absent"}: it is allowed only with EncryptedWithCmk.`,
                remediation:
                  "Set confidentialVMEncryptionType to EncryptedWithCmk, or leave secureVMDiskEncryptionSetId out.",
              }),
        },
      ];
    }),
};
