/** Whether a deletion can be undone, as it is told to whoever asks for it. */
import { ServiceError, type Finding } from "../../errors.js";
import type { SoftDeleteRecord } from "../../operation/records.js";
import {
  formatImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import type { DeletedImageVersion } from "../resources.js";

/** What the gallery of an image definition says of it; nothing where that cannot be read: no deletion waits for that. */
export async function softDeleteOf(
  { resources }: Pick<Dependencies, "resources">,
  imageId: string,
): Promise<SoftDeleteRecord> {
  const [galleryId = ""] = imageId.split("/images/");
  try {
    const gallery = await resources.getGallery(galleryId);
    return gallery === undefined
      ? {}
      : { isSoftDeleteEnabled: gallery.softDelete === true };
  } catch (error) {
    if (error instanceof ServiceError) return {};
    throw error;
  }
}

/** What is worth a warning: that it is for good, or that nobody can say. */
export function finalityOf(
  { isSoftDeleteEnabled }: SoftDeleteRecord,
  { galleryName }: ImageVersionId,
  bypassed: boolean,
): readonly Finding[] {
  if (isSoftDeleteEnabled === true) return [];
  return [
    {
      code: "DeletionIsFinal",
      pointer: "",
      message:
        isSoftDeleteEnabled === undefined
          ? `The gallery ${galleryName} could not be read: unless it has soft delete, the deletion cannot be undone.`
          : bypassed
            ? "Soft delete is bypassed: the deletion cannot be undone."
            : `The gallery ${galleryName} has no soft delete: the deletion cannot be undone.`,
      severity: "warning",
    },
  ];
}

/** Why a number is not free that Azure keeps of a deleted version. */
export function softDeleted(
  id: ImageVersionId,
  { hardDeletionTargetTime }: DeletedImageVersion,
): ServiceError {
  return new ServiceError(
    "ImageVersionSoftDeleted",
    `${formatImageVersionId(id)} was deleted and can be restored${hardDeletionTargetTime === undefined ? "" : ` until ${hardDeletionTargetTime}`}: its number is not free before. Restore it with POST …/restore, or use another version name.`,
    {
      fields: {
        ...(hardDeletionTargetTime !== undefined && { hardDeletionTargetTime }),
      },
    },
  );
}
