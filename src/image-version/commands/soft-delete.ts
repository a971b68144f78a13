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

/** Why a number is not free that Azure keeps of a deleted version. */
export function softDeleted(
  id: ImageVersionId,
  deleted: DeletedImageVersion,
): ServiceError {
  return keptByAzure(
    id,
    deleted,
    "its number is not free before. Restore it with POST …/restore, or use another version name.",
  );
}

/** Why no DELETE is sent to the number of a deleted version that Azure keeps. */
export function deletedSoftly(
  id: ImageVersionId,
  deleted: DeletedImageVersion,
): ServiceError {
  return keptByAzure(
    id,
    deleted,
    "of that, nothing is deleted for good before. Restore it with POST …/restore, and delete it then; or use the Azure portal.",
  );
}

function keptByAzure(
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
