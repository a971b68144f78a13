import { isComputeResourceId } from "../../resource-id.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest } from "../contract.js";
import { TARGET_REGIONS } from "./table.js";

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
        OS_DISK,
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
          dataDisk(image.lun),
        ),
      ),
    ];
  });
}

/** True when any disk in any region is given a customer-managed key. */
export function usesOwnKeys(request: ImageVersionRequest): boolean {
  return diskEncryptionReferences(request).length > 0;
}

/** True when the id can name a disk encryption set; what cannot is another rule's finding. */
export function namesDiskEncryptionSet({
  diskEncryptionSetId,
}: DiskEncryptionReference): boolean {
  return isComputeResourceId(diskEncryptionSetId, "diskEncryptionSets");
}

/** A disk that a region gives no disk encryption set. */
interface DiskWithoutSet {
  /** Where the set would be. */
  readonly pointer: string;
  /** Canonical region. */
  readonly region: string;
  readonly disk: string;
  /** "os", or the data disk's LUN. */
  readonly place: "os" | number;
  /** How the region would have the OS disk of a confidential VM encrypted, where it says so. */
  readonly confidentialVMEncryptionType?: string;
  /** True when this is the OS disk and the region gives a data disk a set. */
  readonly leftOutAlone: boolean;
}

/** The OS disk and the data disks at these LUNs, in each region that gives them no disk encryption set. */
export function disksWithoutSet(
  request: ImageVersionRequest,
  luns: readonly number[],
): readonly DiskWithoutSet[] {
  return targetRegionsOf(request).flatMap((region, i): DiskWithoutSet[] => {
    const pointer = `${TARGET_REGIONS}/${i}/encryption`;
    const { diskEncryptionSetId, securityProfile } =
      region.encryption?.osDiskImage ?? {};
    const type = securityProfile?.confidentialVMEncryptionType;
    const given = region.encryption?.dataDiskImages ?? [];
    const osDisk: DiskWithoutSet = {
      pointer: `${pointer}/osDiskImage/diskEncryptionSetId`,
      region: region.name,
      disk: OS_DISK,
      place: "os",
      ...(type !== undefined && { confidentialVMEncryptionType: type }),
      leftOutAlone: given.some(
        (image) => image.diskEncryptionSetId !== undefined,
      ),
    };
    const withSet =
      diskEncryptionSetId ?? securityProfile?.secureVMDiskEncryptionSetId;
    return [
      ...(withSet === undefined ? [osDisk] : []),
      ...luns
        .filter(
          (lun) =>
            !given.some(
              (image) =>
                image.lun === lun && image.diskEncryptionSetId !== undefined,
            ),
        )
        .map((lun): DiskWithoutSet => {
          const at = given.findIndex((image) => image.lun === lun);
          return {
            pointer: `${pointer}/dataDiskImages${at === -1 ? "" : `/${at}/diskEncryptionSetId`}`,
            region: region.name,
            disk: dataDisk(lun),
            place: lun,
            leftOutAlone: false,
          };
        }),
    ];
  });
}

const OS_DISK = "the OS disk";

function dataDisk(lun: number): string {
  return `the data disk at LUN ${lun}`;
}
