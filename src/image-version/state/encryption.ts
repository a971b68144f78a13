import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import type { ImageVersionRecord } from "./record.js";
import type { EncryptionType } from "../resources.js";

interface DiskEncryption {
  readonly type: EncryptionType;
  readonly diskEncryptionSetId?: string;
}

/** How each disk of a version is encrypted in one region: row S1 of what users ask, and proof for their auditors. */
interface RegionEncryption {
  readonly osDiskImage: DiskEncryption & {
    readonly secureVMDiskEncryptionSetId?: string;
  };
  readonly dataDiskImages: readonly (DiskEncryption & {
    readonly lun: number;
  })[];
}

/** The encryption of a region's disks, as Azure shows it or is asked for it. A disk without a set has platform keys. */
export function encryptionOf(
  document: ImageVersionRequest,
  {
    encryptionTypes,
    dataDiskLuns,
  }: Pick<ImageVersionRecord, "encryptionTypes" | "dataDiskLuns">,
  regionName: string,
): RegionEncryption {
  const encryption = targetRegionsOf(document).find(
    ({ name }) => canonicalRegion(name) === regionName,
  )?.encryption;
  const disk = (id: string | undefined): DiskEncryption =>
    id === undefined
      ? { type: "EncryptionAtRestWithPlatformKey" }
      : {
          type: encryptionTypes[id.toLowerCase()] ?? "Unknown",
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
  const luns = new Set([...dataDiskLuns, ...keys.keys()]);
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
