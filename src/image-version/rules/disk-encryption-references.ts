import { targetRegionsOf } from "../canonical-form.js";
import type { ImageVersionRequest } from "../contract.js";
import { TARGET_REGIONS } from "./rule.js";

/** One place in a request that gives a disk encryption set to a disk in a region. */
export interface DiskEncryptionReference {
  readonly pointer: string;
  readonly diskEncryptionSetId: string;
  /** Canonical region that it is given for. */
  readonly region: string;
  readonly disk: string;
  /** A set that encrypts the guest state of a confidential VM, not the disk's data at rest. */
  readonly confidential: boolean;
}

/** Every disk encryption set that a canonical request names, with the field that names it. */
export function diskEncryptionReferences(
  request: ImageVersionRequest,
): readonly DiskEncryptionReference[] {
  return targetRegionsOf(request).flatMap((region, i) => {
    const pointer = `${TARGET_REGIONS}/${i}/encryption`;
    const os = region.encryption?.osDiskImage;
    const reference = (
      path: string,
      id: string | undefined,
      disk: string,
      confidential = false,
    ): DiskEncryptionReference[] =>
      id === undefined
        ? []
        : [
            {
              pointer: `${pointer}/${path}`,
              diskEncryptionSetId: id,
              region: region.name,
              disk,
              confidential,
            },
          ];
    return [
      ...reference(
        "osDiskImage/diskEncryptionSetId",
        os?.diskEncryptionSetId,
        "the OS disk",
      ),
      ...reference(
        "osDiskImage/securityProfile/secureVMDiskEncryptionSetId",
        os?.securityProfile?.secureVMDiskEncryptionSetId,
        "the confidential OS disk",
        true,
      ),
      ...(region.encryption?.dataDiskImages ?? []).flatMap((image, j) =>
        reference(
          `dataDiskImages/${j}/diskEncryptionSetId`,
          image.diskEncryptionSetId,
          `the data disk at LUN ${image.lun}`,
        ),
      ),
    ];
  });
}
