import { setKeyCommand } from "../../../keys/az-names.js";
import { seenDiskEncryptionSets } from "../seen-disk-encryption-sets.js";
import type { Breach, GatheredRule } from "../rule.js";

export const diskEncryptionSetRotation: GatheredRule = {
  name: "disk-encryption-set-rotation",
  code: "DiskEncryptionSetKeyRotationFailing",
  severity: "warning",
  basis: {
    own: "The present key still encrypts, but newer versions no longer replace it.",
  },
  summary: "The key rotation of a disk encryption set works, if it is on.",
  check: ({ request, gathered }) =>
    seenDiskEncryptionSets(request, gathered).flatMap(
      ({
        reference: { pointer, diskEncryptionSetId: id },
        set: { autoKeyRotationError: error, keyUrl },
      }): Breach[] =>
        error === undefined
          ? []
          : [
              {
                pointer,
                message: `The key of ${id}${keyUrl === undefined ? "" : ` (${keyUrl})`} no longer rotates: ${error.code}: ${error.message}`,
                remediation: `Grant the set's identity access to its vault again, then set its key again: ${setKeyCommand(id, keyUrl)}`,
              },
            ],
    ),
};
