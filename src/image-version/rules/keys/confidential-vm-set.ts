import { targetRegionsOf } from "../../properties/canonical-form.js";
import {
  KEYED_TYPE,
  type DiskImageEncryption,
} from "../../properties/disk-encryption-references.js";
import { TARGET_REGIONS, type Breach, type RequestRule } from "../rule.js";

export const confidentialVmSet: RequestRule = {
  name: "confidential-vm-set",
  code: "ConfidentialVmSetMismatch",
  severity: "error",
  basis: { documented: "reference" },
  summary:
    "secureVMDiskEncryptionSetId is set only, and always, if confidentialVMEncryptionType is EncryptedWithCmk (of a data disk: DataDiskEncryptedWithCmk).",
  check: ({ request }) =>
    targetRegionsOf(request).flatMap(({ name, encryption = {} }, i) => {
      const { osDiskImage, dataDiskImages = [] } = encryption;
      const pointer = `${TARGET_REGIONS}/${i}/encryption`;
      return [
        ...breaches(name, osDiskImage, KEYED_TYPE.osDiskImage, `${pointer}/osDiskImage`),
        ...dataDiskImages.flatMap((image, j) =>
          breaches(name, image, KEYED_TYPE.dataDiskImages, `${pointer}/dataDiskImages/${j}`),
        ),
      ];
    }),
};

function breaches(
  region: string,
  image: DiskImageEncryption | undefined,
  keyed: string,
  pointer: string,
): Breach[] {
  const { confidentialVMEncryptionType: type, secureVMDiskEncryptionSetId } =
    image?.securityProfile ?? {};
  const needed = type === keyed;
  if (needed === (secureVMDiskEncryptionSetId !== undefined)) return [];
  return [
    {
      pointer: `${pointer}/securityProfile/secureVMDiskEncryptionSetId`,
      ...(needed
        ? {
            message: `confidentialVMEncryptionType is ${keyed} in ${region}, but secureVMDiskEncryptionSetId is missing.`,
            remediation: `Name a disk encryption set in ${region} of type ConfidentialVmEncryptedWithCustomerKey, or set another confidentialVMEncryptionType.`,
          }
        : {
            message: `secureVMDiskEncryptionSetId ${secureVMDiskEncryptionSetId} is set in ${region}, where confidentialVMEncryptionType is ${type ?? "absent"}: it is allowed only with ${keyed}.`,
            remediation: `Set confidentialVMEncryptionType to ${keyed}, or leave secureVMDiskEncryptionSetId out.`,
          }),
    },
  ];
}
