import { targetRegionsOf } from "./canonical-form.js";
import type { EncryptionType, ImageVersionRecord } from "./records.js";

export interface DiskEncryption {
  readonly type: EncryptionType;
  readonly diskEncryptionSetId?: string;
}

/** How each disk of a version is encrypted in one region: row S1 of what users ask, and proof for their auditors. */
export interface RegionEncryption {
  readonly osDiskImage: DiskEncryption & {
    readonly secureVMDiskEncryptionSetId?: string;
  };
  readonly dataDiskImages: readonly (DiskEncryption & {
    readonly lun: number;
  })[];
}

/** The encryption that a region's disks were created with. A disk without a disk encryption set has platform keys. */
export function encryptionOf(
  version: Pick<
    ImageVersionRecord,
    "request" | "encryptionTypes" | "dataDiskLuns"
  >,
  regionName: string,
): RegionEncryption {
  const encryption = targetRegionsOf(version.request).find(
    (region) => region.name === regionName,
  )?.encryption;
  const disk = (id: string | undefined): DiskEncryption =>
    id === undefined
      ? { type: "EncryptionAtRestWithPlatformKey" }
      : {
          type: version.encryptionTypes[id.toLowerCase()] ?? "Unknown",
          diskEncryptionSetId: id,
        };
  const secure =
    encryption?.osDiskImage?.securityProfile?.secureVMDiskEncryptionSetId;
  const keys = new Map(
    encryption?.dataDiskImages?.map((image) => [
      image.lun,
      image.diskEncryptionSetId,
    ]),
  );
  const luns = new Set([...version.dataDiskLuns, ...keys.keys()]);
  return {
    osDiskImage: {
      ...disk(encryption?.osDiskImage?.diskEncryptionSetId ?? secure),
      ...(secure !== undefined && { secureVMDiskEncryptionSetId: secure }),
    },
    dataDiskImages: [...luns]
      .sort((a, b) => a - b)
      .map((lun) => ({ lun, ...disk(keys.get(lun)) })),
  };
}
