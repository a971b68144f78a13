import { isComputeResourceId } from "../../resource-id.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest, TargetRegion } from "../contract.js";
import { TARGET_REGIONS } from "./table.js";

type Encryption = NonNullable<TargetRegion["encryption"]>;
/** The encryption of one disk in one region. */
export type DiskImageEncryption =
  NonNullable<Encryption["osDiskImage"]> | NonNullable<Encryption["dataDiskImages"]>[number];

/** The disk encryption set of a disk, at rest or as a confidential VM's. */
export function setOf(image: DiskImageEncryption | undefined): string | undefined {
  return image?.diskEncryptionSetId ?? image?.securityProfile?.secureVMDiskEncryptionSetId;
}

/** The `confidentialVMEncryptionType` with which a disk takes a customer key. */
export const KEYED_TYPE = {
  osDiskImage: "EncryptedWithCmk",
  dataDiskImages: "DataDiskEncryptedWithCmk",
} as const;

/** A place in a request that sets a disk encryption set for a disk in a region. */
export interface DiskEncryptionReference {
  readonly pointer: string;
  readonly diskEncryptionSetId: string;
  /** The canonical region of the disk. */
  readonly region: string;
  readonly disk: string;
  /** True for a set that encrypts the guest state of a confidential VM, not the data at rest. */
  readonly confidential: boolean;
}

/** Every disk encryption set in a canonical request, with its field. */
export function diskEncryptionReferences(
  request: ImageVersionRequest,
): readonly DiskEncryptionReference[] {
  return targetRegionsOf(request).flatMap((region, i) => {
    const pointer = `${TARGET_REGIONS}/${i}/encryption`;
    const references = (
      path: string,
      image: DiskImageEncryption | undefined,
      disk: string,
    ): DiskEncryptionReference[] => {
      const reference = (
        member: string,
        id: string | undefined,
        called: string,
        confidential: boolean,
      ): DiskEncryptionReference[] =>
        id === undefined
          ? []
          : [
              {
                pointer: `${pointer}/${path}/${member}`,
                diskEncryptionSetId: id,
                region: region.name,
                disk: called,
                confidential,
              },
            ];
      return [
        ...reference("diskEncryptionSetId", image?.diskEncryptionSetId, disk, false),
        ...reference(
          "securityProfile/secureVMDiskEncryptionSetId",
          image?.securityProfile?.secureVMDiskEncryptionSetId,
          disk.replace("the ", "the confidential "),
          true,
        ),
      ];
    };
    return [
      ...references("osDiskImage", region.encryption?.osDiskImage, OS_DISK),
      ...(region.encryption?.dataDiskImages ?? []).flatMap((image, j) =>
        references(`dataDiskImages/${j}`, image, dataDisk(image.lun)),
      ),
    ];
  });
}

/** Whether any disk in any region has a customer key. */
export function usesOwnKeys(request: ImageVersionRequest): boolean {
  return diskEncryptionReferences(request).length > 0;
}

/** Whether any data disk is encrypted as a confidential VM's, with a customer key. */
export function hasConfidentialDataDisks(request: ImageVersionRequest): boolean {
  return targetRegionsOf(request).some(({ encryption }) =>
    encryption?.dataDiskImages?.some(
      ({ securityProfile }) =>
        securityProfile?.confidentialVMEncryptionType === KEYED_TYPE.dataDiskImages,
    ),
  );
}

/** Whether the id can be that of a disk encryption set; another rule reports it if not. */
export function namesDiskEncryptionSet({ diskEncryptionSetId }: DiskEncryptionReference): boolean {
  return isComputeResourceId(diskEncryptionSetId, "diskEncryptionSets");
}

/** A disk without a disk encryption set in a region. */
interface DiskWithoutSet {
  /** The place for the set. */
  readonly pointer: string;
  /** Canonical region. */
  readonly region: string;
  readonly disk: string;
  /** "os", or the data disk's LUN. */
  readonly place: "os" | number;
  /** The region's encryption type for the OS disk of a confidential VM, if it has one. */
  readonly confidentialVMEncryptionType?: string;
  /** True for an OS disk in a region that has sets for data disks. */
  readonly leftOutAlone: boolean;
}

/**
 * The OS disk and the data disks at these LUNs, for each region where they have no disk encryption
 * set.
 */
export function disksWithoutSet(
  request: ImageVersionRequest,
  luns: readonly number[],
): readonly DiskWithoutSet[] {
  return targetRegionsOf(request).flatMap((region, i): DiskWithoutSet[] => {
    const pointer = `${TARGET_REGIONS}/${i}/encryption`;
    const os = region.encryption?.osDiskImage;
    const type = os?.securityProfile?.confidentialVMEncryptionType;
    const given = region.encryption?.dataDiskImages ?? [];
    const osDisk: DiskWithoutSet = {
      pointer: `${pointer}/osDiskImage/diskEncryptionSetId`,
      region: region.name,
      disk: OS_DISK,
      place: "os",
      ...(type !== undefined && { confidentialVMEncryptionType: type }),
      leftOutAlone: given.some((image) => setOf(image) !== undefined),
    };
    return [
      ...(setOf(os) === undefined ? [osDisk] : []),
      ...luns
        .filter((lun) => !given.some((image) => image.lun === lun && setOf(image) !== undefined))
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
