import { isComputeResourceId } from "../../resource-id.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest, TargetRegion } from "../contract.js";
import { TARGET_REGIONS } from "./table.js";

type Encryption = NonNullable<TargetRegion["encryption"]>;
/** What one disk is encrypted with in one region. */
export type DiskImageEncryption =
  NonNullable<Encryption["osDiskImage"]> | NonNullable<Encryption["dataDiskImages"]>[number];

/** The disk encryption set that a disk is given: at rest, or of a confidential machine's disk. */
export function setOf(image: DiskImageEncryption | undefined): string | undefined {
  return image?.diskEncryptionSetId ?? image?.securityProfile?.secureVMDiskEncryptionSetId;
}

/** The `confidentialVMEncryptionType` with which a disk takes a customer's key. */
export const KEYED_TYPE = {
  osDiskImage: "EncryptedWithCmk",
  dataDiskImages: "DataDiskEncryptedWithCmk",
} as const;

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

/** True when any disk in any region is given a customer-managed key. */
export function usesOwnKeys(request: ImageVersionRequest): boolean {
  return diskEncryptionReferences(request).length > 0;
}

/** True when any data disk is encrypted as a confidential machine's, by a customer's key. */
export function hasConfidentialDataDisks(request: ImageVersionRequest): boolean {
  return targetRegionsOf(request).some(({ encryption }) =>
    encryption?.dataDiskImages?.some(
      ({ securityProfile }) =>
        securityProfile?.confidentialVMEncryptionType === KEYED_TYPE.dataDiskImages,
    ),
  );
}

/** True when the id can name a disk encryption set; what cannot is another rule's finding. */
export function namesDiskEncryptionSet({ diskEncryptionSetId }: DiskEncryptionReference): boolean {
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
