import { disksWithoutSet } from "../../properties/disk-encryption-references.js";
import { encryptedDisks } from "../source.js";
import type { FactRule } from "../rule.js";

export const customerKeysRequiredBySource: FactRule = {
  name: "customer-keys-required-by-source",
  code: "PlatformKeysForEncryptedSource",
  severity: "error",
  basis: { documented: "encryption" },
  summary:
    "Each disk that is encrypted with customer-managed keys in the source has a disk encryption set in every region.",
  check: ({ id, request, facts }) => {
    const encrypted = encryptedDisks(request, facts);
    const luns = [...encrypted.keys()].filter((place) => place !== "os");
    return disksWithoutSet(request, luns).flatMap((missing) => {
      const { pointer, region, disk, place, confidentialVMEncryptionType } = missing;
      const source = encrypted.get(place);
      // The request alone is wrong where the OS disk is left out beside data disks, or its confidential set is missing.
      const told =
        confidentialVMEncryptionType === undefined
          ? missing.leftOutAlone
          : confidentialVMEncryptionType === "EncryptedWithCmk";
      return source === undefined || told
        ? []
        : [
            {
              pointer,
              message: `No disk encryption set is given for ${disk} in ${region}, but in the source ${source.id} it is encrypted with ${source.diskEncryptionSetId}: there is no way back to platform-managed keys.`,
              remediation: `Give a disk encryption set that is in ${region}: GET /api/subscriptions/${id.subscriptionId}/disk-encryption-sets?region=${region} lists them.`,
            },
          ];
    });
  },
};
