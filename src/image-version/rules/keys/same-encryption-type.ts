import { seenDiskEncryptionSets } from "../seen-disk-encryption-sets.js";
import type { Breach, GatheredRule } from "../rule.js";

const AT_REST = ["EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys"];

export const sameEncryptionType: GatheredRule = {
  name: "same-encryption-type",
  code: "MixedEncryptionTypes",
  severity: "warning",
  basis: { own: "Azure accepts it, but it is rarely intended." },
  summary:
    "A disk has the same encryption in every region: with a customer-managed key, or with double encryption.",
  check: ({ request, gathered }) => {
    const uses = seenDiskEncryptionSets(request, gathered).filter(
      ({ reference, set }) => !reference.confidential && AT_REST.includes(set.encryptionType),
    );
    const disks = new Set(uses.map(({ reference }) => reference.disk));
    return [...disks].flatMap((disk): Breach[] => {
      const ofDisk = uses.filter(({ reference }) => reference.disk === disk);
      const first = ofDisk[0]?.set.encryptionType;
      const other = ofDisk.find(({ set }) => set.encryptionType !== first);
      if (first === undefined || other === undefined) return [];
      const regions = ofDisk.map(
        ({ reference, set }) => `${set.encryptionType} in ${reference.region}`,
      );
      return [
        {
          pointer: other.reference.pointer,
          message: `The encryption types of ${disk} differ: ${regions.join(", ")}.`,
          remediation: `If this is not intended, use a set of type ${first} in ${other.reference.region} too: az disk-encryption-set create --location ${other.reference.region} --encryption-type ${first} …`,
        },
      ];
    });
  },
};
