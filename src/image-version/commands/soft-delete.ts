/** Whether a deletion can be undone, as it is told to whoever asks for it. */
import { ServiceError, type Finding } from "../../errors.js";
import type { SoftDeleteRecord } from "../../operation/records.js";
import {
  formatImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { DeletedImageVersion } from "../resources.js";

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

/** Azure keeps the deleted version that has the number. */
export function keptByAzure(
  id: ImageVersionId,
  { hardDeletionTargetTime: until }: DeletedImageVersion,
  why: string,
): ServiceError {
  return new ServiceError(
    "ImageVersionSoftDeleted",
    `${formatImageVersionId(id)} was deleted and can be restored${until === undefined ? "" : ` until ${until}`}: ${why}`,
    {
      fields: { ...(until !== undefined && { hardDeletionTargetTime: until }) },
    },
  );
}
