import type { ImageVersionRequest } from "../contract.js";
import { STORAGE_PROFILE } from "./table.js";

type SourceKind =
  | "source.id"
  | "source.virtualMachineId"
  | "source.communityGalleryImageId"
  | "osDiskImage.source"
  | "dataDiskImages.source";

/**
 * The kinds of source in a request; data disk sources belong to that of the OS disk if it has one.
 */
export function sourceKinds(request: ImageVersionRequest): readonly SourceKind[] {
  const { source, osDiskImage, dataDiskImages } = request.properties.storageProfile;
  const kinds: readonly [SourceKind, unknown][] = [
    ["source.id", source?.id],
    ["source.virtualMachineId", source?.virtualMachineId],
    ["source.communityGalleryImageId", source?.communityGalleryImageId],
    ["osDiskImage.source", osDiskImage?.source],
    [
      "dataDiskImages.source",
      osDiskImage?.source === undefined
        ? dataDiskImages?.find((image) => image.source !== undefined)
        : undefined,
    ],
  ];
  return kinds.flatMap(([kind, given]) => (given === undefined ? [] : [kind]));
}

/** One disk image of a storage profile. */
export interface DiskImage {
  readonly pointer: string;
  readonly disk: string;
  readonly source:
    | {
        readonly id?: string;
        readonly storageAccountId?: string;
        readonly uri?: string;
      }
    | undefined;
}

/** Every disk image of a request, with the source of its disk. */
export function diskImagesOf(request: ImageVersionRequest): readonly DiskImage[] {
  const { osDiskImage, dataDiskImages } = request.properties.storageProfile;
  return [
    ...(osDiskImage === undefined
      ? []
      : [
          {
            pointer: `${STORAGE_PROFILE}/osDiskImage`,
            disk: "The OS disk",
            source: osDiskImage.source,
          },
        ]),
    ...(dataDiskImages ?? []).map((image, i) => ({
      pointer: `${STORAGE_PROFILE}/dataDiskImages/${i}`,
      disk: `The data disk at LUN ${image.lun}`,
      source: image.source,
    })),
  ];
}
