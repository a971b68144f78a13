import { seenDiskEncryptionSets } from "../seen-disk-encryption-sets.js";
import type { Breach, GatheredRule } from "../rule.js";

export const diskEncryptionSetRegion: GatheredRule = {
  name: "disk-encryption-set-region",
  code: "DiskEncryptionSetInOtherRegion",
  severity: "error",
  basis: { documented: "encryption" },
  summary: "Every disk encryption set is in the region that names it.",
  check: ({ id: { subscriptionId }, request, gathered }) =>
    seenDiskEncryptionSets(request, gathered).flatMap(({ reference, set }): Breach[] => {
      const { pointer, diskEncryptionSetId, region, disk } = reference;
      return set.region === region
        ? []
        : [
            {
              pointer,
              message: `${diskEncryptionSetId} is in ${set.region} but is named for ${disk} in ${region}.`,
              remediation: `Use a set in ${region} (GET /api/subscriptions/${subscriptionId}/disk-encryption-sets?region=${region} lists them; az disk-encryption-set create --location ${region} … creates one), or correct the region's name.`,
            },
          ];
    }),
};
