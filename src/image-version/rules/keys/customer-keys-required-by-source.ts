import { disksWithoutSet } from "../../properties/disk-encryption-references.js";
import { encryptedDisks } from "../source.js";
import type { GatheredRule } from "../rule.js";

export const customerKeysRequiredBySource: GatheredRule = {
  name: "customer-keys-required-by-source",
  code: "PlatformKeysForEncryptedSource",
  severity: "error",
  basis: { documented: "encryption" },
  summary: "Each source disk with customer-managed keys has a disk encryption set in every region.",
  check: ({ id, request, gathered }) => {
    const encrypted = encryptedDisks(request, gathered);
    const luns = [...encrypted.keys()].filter((place) => place !== "os");
    return disksWithoutSet(request, luns).flatMap((missing) => {
      const { pointer, region, disk, place, confidentialVMEncryptionType } = missing;
      const source = encrypted.get(place);
      // Other rules report it if only data disks have sets, or the confidential set is missing.
      const told =
        confidentialVMEncryptionType === undefined
          ? missing.leftOutAlone
          : confidentialVMEncryptionType === "EncryptedWithCmk";
      return source === undefined || told
        ? []
        : [
            {
              pointer,
              message: `In ${region}, ${disk} has no disk encryption set, but the source ${source.id} encrypts it with ${source.diskEncryptionSetId}. It cannot return to platform-managed keys.`,
              remediation: `Name a disk encryption set in ${region}: GET /api/subscriptions/${id.subscriptionId}/disk-encryption-sets?region=${region} lists them.`,
            },
          ];
    });
  },
};
