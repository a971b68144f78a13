import { parseResourceId } from "../../../resource-id.js";
import {
  diskEncryptionReferences,
  namesDiskEncryptionSet,
} from "../../properties/disk-encryption-references.js";
import type { Breach, GatheredRule } from "../rule.js";

export const diskEncryptionSetSubscription: GatheredRule = {
  name: "disk-encryption-set-subscription",
  code: "DiskEncryptionSetInOtherSubscription",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every disk encryption set is in the subscription of the image version.",
  check: ({ id: { subscriptionId }, request }) =>
    diskEncryptionReferences(request).flatMap((reference): Breach[] => {
      const { pointer, diskEncryptionSetId: id, region, disk } = reference;
      const owner = parseResourceId(id)?.subscriptionId;
      return !namesDiskEncryptionSet(reference) ||
        owner === undefined ||
        owner === subscriptionId.toLowerCase()
        ? []
        : [
            {
              pointer,
              message: `${id}, named for ${disk} in ${region}, is in subscription ${owner}; the image version is in ${subscriptionId}.`,
              remediation: `Use a disk encryption set of ${subscriptionId}: GET /api/subscriptions/${subscriptionId}/disk-encryption-sets?region=${region} lists them.`,
            },
          ];
    }),
};
