import { targetRegionsOf } from "../../properties/canonical-form.js";
import {
  disksWithoutSet,
  setOf,
  usesOwnKeys,
} from "../../properties/disk-encryption-references.js";
import { encryptedDisks, sourceDataDiskLuns } from "../source.js";
import type { Breach, GatheredRule } from "../rule.js";

/**
 * No disk silently falls back to platform keys. ARM requires half of this: a disk that is encrypted
 * with a set in one region needs one in each.
 */
export const everyDiskInEveryRegion: GatheredRule = {
  name: "every-disk-in-every-region",
  code: "DiskEncryptionSetMissing",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "A version that uses customer-managed keys uses them for every disk of its source, in every region.",
  check: ({ id, request, gathered }) => {
    if (!usesOwnKeys(request)) return [];
    const encrypted = encryptedDisks(request, gathered);
    const luns = new Set(
      // A LUN that the source does not have is another rule's finding.
      sourceDataDiskLuns(request, gathered) ??
        targetRegionsOf(request).flatMap((region) =>
          (region.encryption?.dataDiskImages ?? [])
            .filter((image) => setOf(image) !== undefined)
            .map((image) => image.lun),
        ),
    );
    const inOrder = [...luns].sort((a, b) => a - b);
    return disksWithoutSet(request, inOrder).flatMap(
      ({ pointer, region, disk, place, ...os }): Breach[] =>
        // Other rules report an OS disk left out next to data disks, and a disk encrypted in the
        // source.
        os.leftOutAlone || os.confidentialVMEncryptionType !== undefined || encrypted.has(place)
          ? []
          : [
              {
                pointer,
                message: `In ${region}, ${disk} has no disk encryption set, although other disks of this version have one.`,
                remediation: `Name a set in ${region} (GET /api/subscriptions/${id.subscriptionId}/disk-encryption-sets?region=${region} lists them), or remove the sets of all disks in all regions.`,
              },
            ],
    );
  },
};
