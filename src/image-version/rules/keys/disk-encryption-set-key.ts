import { setKeyCommand } from "../../../keys/az-names.js";
import { seenDiskEncryptionSets } from "../seen-disk-encryption-sets.js";
import type { Breach, GatheredRule } from "../rule.js";

export const diskEncryptionSetKey: GatheredRule = {
  name: "disk-encryption-set-key",
  code: "DiskEncryptionSetWithoutKey",
  severity: "error",
  basis: { own: "Without a key nothing is encrypted." },
  summary: "Every disk encryption set has an active key.",
  check: ({ request, gathered }) =>
    seenDiskEncryptionSets(request, gathered).flatMap(({ reference, set }): Breach[] => {
      const { pointer, diskEncryptionSetId: id, region, disk } = reference;
      return set.keyUrl !== undefined
        ? []
        : [
            {
              pointer,
              message: `${id}, named for ${disk} in ${region}, has no active key.`,
              remediation: `Set its key: ${setKeyCommand(id)}`,
            },
          ];
    }),
};
