import { azNames } from "../../../keys/az-names.js";
import { seenDiskEncryptionSets } from "../seen-disk-encryption-sets.js";
import type { Breach, GatheredRule } from "../rule.js";

export const diskEncryptionSetProvisioned: GatheredRule = {
  name: "disk-encryption-set-provisioned",
  code: "DiskEncryptionSetNotReady",
  severity: "error",
  basis: {
    own: "A set that is changing or has failed may have no key to encrypt with.",
  },
  summary: "Every disk encryption set is provisioned.",
  check: ({ request, gathered }) =>
    seenDiskEncryptionSets(request, gathered).flatMap(
      ({ reference: { pointer, diskEncryptionSetId: id }, set }): Breach[] =>
        set.provisioningState === "Succeeded"
          ? []
          : [
              {
                pointer,
                message: `${id} is in provisioning state ${set.provisioningState}; it must be Succeeded.`,
                remediation: `Wait until it is Succeeded, or repair it: az disk-encryption-set show ${azNames(id)} --query provisioningState`,
              },
            ],
    ),
};
