import { imageIdOf } from "../../../resource-id.js";
import { found } from "../../../bounded-reads.js";
import { newRegions, TARGET_REGIONS, type GatheredRule } from "../rule.js";

export const confidentialEncryptionType: GatheredRule = {
  name: "confidential-encryption-type",
  code: "ConfidentialEncryptionMissing",
  severity: "error",
  basis: { documented: "confidentialEncryption" },
  summary:
    "A version of an image definition of security type ConfidentialVM has a confidentialVMEncryptionType in each region.",
  check: (subject) => {
    const type = found(subject.gathered.imageDefinition)?.securityType;
    if (type?.toLowerCase() !== "confidentialvm") return [];
    return newRegions(subject)
      .filter(
        ({ region: { encryption } }) =>
          encryption?.osDiskImage?.securityProfile?.confidentialVMEncryptionType === undefined,
      )
      .map(({ i, region: { name } }) => ({
        pointer: `${TARGET_REGIONS}/${i}/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType`,
        message: `The image definition ${imageIdOf(subject.id)} is of security type ConfidentialVM, but ${name} has no confidentialVMEncryptionType.`,
        remediation: `Set confidentialVMEncryptionType in ${name}: EncryptedVMGuestStateOnlyWithPmk, EncryptedWithPmk, EncryptedWithCmk with secureVMDiskEncryptionSetId, or NonPersistedTPM.`,
      }));
  },
};
