import { DEFAULT_SIZE_IN_GB, type ImageSource } from "./image-source.js";
import type { ImageVersionRecord } from "./state.js";

/** An update checks LUNs against what was captured; the source itself may be gone by then. */
export function recordedSource(record: ImageVersionRecord): ImageSource {
  const { osDiskImage, dataDiskImages = [] } = record.properties.storageProfile ?? {};
  const describe = (disk: { sizeInGB?: number; hostCaching?: string } | undefined) => ({
    sizeInGB: disk?.sizeInGB ?? DEFAULT_SIZE_IN_GB,
    hostCaching: disk?.hostCaching ?? "None",
  });
  return {
    id: record.id,
    encryptable: true,
    osDisk: describe(osDiskImage),
    dataDisks: dataDiskImages.map((disk) => ({
      lun: disk.lun ?? 0,
      ...describe(disk),
    })),
  };
}
