import { ServiceError } from "../../errors.js";
import { operationIdOf } from "../../operation/records.js";
import { formatImageVersionId, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isDeleting, isRestoring, isToBeShown } from "../state/states.js";

/** Azure has no such version. While one is being created that is a conflict, which passes. */
export function notFound(id: ImageVersionId, record?: ImageVersionRecord): ServiceError {
  const name = formatImageVersionId(id);
  if (record === undefined)
    return new ServiceError(
      "NotFound",
      `There is no image version ${name}: Azure has none, and none was requested from Sigil.`,
    );
  const operationId = operationIdOf(record);
  if (isRestoring(record))
    return new ServiceError(
      "ImageVersionConflict",
      `${name} is being restored by operation ${operationId}. Wait until Azure has it, or cancel the operation.`,
      { fields: { existingOperationId: operationId } },
    );
  if (isDeleting(record.state))
    return new ServiceError(
      "NotFound",
      `Azure has no ${name}: operation ${operationId} is deleting it.`,
    );
  if (isToBeShown(record))
    return new ServiceError(
      "ImageVersionConflict",
      `${name} is being created by operation ${operationId}. Wait until Azure shows it.`,
      { fields: { existingOperationId: operationId } },
    );
  return new ServiceError(
    "NotFound",
    record.state === "Deleted"
      ? !isDeletedBySigil(record)
        ? `Image version ${name} was deleted outside Sigil. Its last operation is ${operationId}.`
        : `Operation ${operationId} deleted image version ${name}.`
      : record.publishedDate !== undefined
        ? `Azure no longer has image version ${name}. Its last operation is ${operationId}.`
        : `Azure has no ${name}: operation ${operationId} did not create it.`,
  );
}

/** Whether its last operation was a deletion; if not, others deleted it. */
function isDeletedBySigil({ updates, spec }: ImageVersionRecord): boolean {
  return updates === 0 && spec === undefined;
}
