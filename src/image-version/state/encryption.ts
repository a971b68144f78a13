import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { setOf, type DiskImageEncryption } from "../properties/disk-encryption-references.js";
import type { ImageVersionRecord } from "./record.js";
import type { EncryptionType } from "../../keys/ports.js";

interface DiskEncryption {
  readonly type: EncryptionType;
  readonly diskEncryptionSetId?: string;
  /** The same set, if it is for a confidential machine's disk. */
  readonly secureVMDiskEncryptionSetId?: string;
}

/** How each disk of a version is encrypted in one region. */
interface RegionEncryption {
  readonly osDiskImage: DiskEncryption;
  readonly dataDiskImages: readonly (DiskEncryption & {
    readonly lun: number;
  })[];
}

/**
 * The encryption of a region's disks in the document: of Azure, or of a request. A disk without a
 * set uses platform keys.
 */
export function encryptionOf(
  document: ImageVersionRequest,
  { encryptionTypes, dataDiskLuns }: Pick<ImageVersionRecord, "encryptionTypes" | "dataDiskLuns">,
  regionName: string,
): RegionEncryption {
  const encryption = targetRegionsOf(document).find(
    ({ name }) => canonicalRegion(name) === regionName,
  )?.encryption;
  const disk = (image: DiskImageEncryption | undefined): DiskEncryption => {
    const id = setOf(image);
    const secure = image?.securityProfile?.secureVMDiskEncryptionSetId;
    return id === undefined
      ? { type: "EncryptionAtRestWithPlatformKey" }
      : {
          type: encryptionTypes[id.toLowerCase()] ?? "Unknown",
          diskEncryptionSetId: id,
          ...(secure !== undefined && { secureVMDiskEncryptionSetId: secure }),
        };
  };
  const images = new Map(encryption?.dataDiskImages?.map((image) => [image.lun, image]));
  const luns = new Set([...dataDiskLuns, ...images.keys()]);
  return {
    osDiskImage: disk(encryption?.osDiskImage),
    dataDiskImages: [...luns]
      .sort((a, b) => a - b)
      .map((lun) => ({ lun, ...disk(images.get(lun)) })),
  };
}
