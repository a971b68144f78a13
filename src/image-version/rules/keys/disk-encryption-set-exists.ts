import { parseResourceId } from "../../../resource-id.js";
import { azNames } from "../../../keys/az-names.js";
import {
  diskEncryptionReferences,
  namesDiskEncryptionSet,
} from "../../properties/disk-encryption-references.js";
import { setInBicep } from "../set-in-bicep.js";
import type { Breach, GatheredRule } from "../rule.js";

export const diskEncryptionSetExists: GatheredRule = {
  name: "disk-encryption-set-exists",
  code: "DiskEncryptionSetNotFound",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every disk encryption set that the request names exists.",
  check: ({ id: version, request, gathered }) =>
    diskEncryptionReferences(request).flatMap((reference): Breach[] => {
      const { pointer, diskEncryptionSetId: id, region, disk } = reference;
      const confidential = reference.confidential === true;
      const absent = gathered.diskEncryptionSets.get(id.toLowerCase())?.kind === "absent";
      // Another rule reports a set of another subscription, whether or not it exists.
      const ours = parseResourceId(id)?.subscriptionId === version.subscriptionId.toLowerCase();
      if (!absent || !ours || !namesDiskEncryptionSet(reference)) return [];
      const type = confidential ? " --encryption-type ConfidentialVmEncryptedWithCustomerKey" : "";
      return [
        {
          pointer,
          message: `${id}, named for ${disk} in ${region}, does not exist.`,
          remediation: `Correct the id, or create the set first: az disk-encryption-set create --location ${region} ${azNames(id)}${type} --key-url {key}. In Bicep: ${setInBicep({ name: parseResourceId(id)?.names.at(-1) ?? id, region, confidential })}`,
        },
      ];
    }),
};
