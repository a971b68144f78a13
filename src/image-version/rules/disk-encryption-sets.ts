import type { Finding } from "../../errors.js";
import { parseResourceId } from "../resource-id.js";
import {
  diskEncryptionReferences,
  type DiskEncryptionReference,
} from "./disk-encryption-references.js";
import type { FactRule } from "./rule.js";

/** Seed row S3: a disk encryption set is in the subscription of the image version. */
export const sameSubscription: FactRule = (id, request) =>
  diskEncryptionReferences(request).flatMap((reference): Finding[] => {
    const subscription = parseResourceId(
      reference.diskEncryptionSetId,
    )?.subscriptionId;
    return subscription === undefined ||
      subscription === id.subscriptionId.toLowerCase()
      ? []
      : [
          finding(
            "DiskEncryptionSetInOtherSubscription",
            reference,
            `${reference.diskEncryptionSetId} is in subscription ${subscription}; the image version is in ${id.subscriptionId}. Use a disk encryption set of ${id.subscriptionId}.`,
          ),
        ];
  });

/** Seed rows S2 and S4: each disk encryption set exists, is provisioned, and is in the region that it is given for. */
export const existsInItsRegion: FactRule = (_id, request, facts) =>
  diskEncryptionReferences(request).flatMap((reference): Finding[] => {
    const set = facts.diskEncryptionSets.get(
      reference.diskEncryptionSetId.toLowerCase(),
    );
    const place = `${reference.disk} in ${reference.region}`;
    if (set === undefined) {
      return [
        finding(
          "DiskEncryptionSetNotFound",
          reference,
          `${reference.diskEncryptionSetId}, given for ${place}, does not exist, or Sigil's identity may not read it. Create it in ${reference.region} first, correct the id, or give the identity the Reader role there.`,
        ),
      ];
    }
    const findings: Finding[] = [];
    if (set.region !== reference.region) {
      findings.push(
        finding(
          "DiskEncryptionSetInOtherRegion",
          reference,
          `${reference.diskEncryptionSetId} is in ${set.region} but is given for ${place}. Use a disk encryption set that is in ${reference.region}, or correct the region's name.`,
        ),
      );
    }
    if (set.provisioningState !== "Succeeded") {
      findings.push(
        finding(
          "DiskEncryptionSetNotReady",
          reference,
          `${reference.diskEncryptionSetId} is in provisioning state ${set.provisioningState}. Wait until it is Succeeded, or repair it.`,
        ),
      );
    }
    const confidential =
      set.encryptionType === "ConfidentialVmEncryptedWithCustomerKey";
    if (confidential !== reference.confidential) {
      findings.push(
        finding(
          "DiskEncryptionSetOfWrongType",
          reference,
          `${reference.diskEncryptionSetId} is of type ${set.encryptionType}; ${place} needs ${reference.confidential ? "ConfidentialVmEncryptedWithCustomerKey" : "EncryptionAtRestWithCustomerKey or EncryptionAtRestWithPlatformAndCustomerKeys"}. Use a set of that type.`,
        ),
      );
    }
    return findings;
  });

function finding(
  code: string,
  reference: DiskEncryptionReference,
  message: string,
): Finding {
  return { code, pointer: reference.pointer, message };
}
