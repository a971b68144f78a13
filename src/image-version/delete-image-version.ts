import { ServiceError } from "../errors.js";
import { isFinal } from "../operation/states.js";
import type { OperationRecord, Requester } from "../operation/records.js";
import { formatImageVersionId, type ImageVersionId } from "../resource-id.js";
import { acceptOn } from "./accept-on.js";
import type { Dependencies } from "./ports.js";

export interface DeleteImageVersion {
  readonly id: ImageVersionId;
  readonly requestedBy: Requester;
  readonly traceparent: string;
  /** The version's last operation, where the caller has judged the version by it: with another one it is refused. */
  readonly ifOperationId?: string;
}

/**
 * Answers the operation that deletes the version; deleted or being deleted already, it is that one. Throws ServiceError
 * NotFound for a version that Sigil does not know, and ImageVersionConflict while another operation on it runs, or where
 * another than `ifOperationId` was the last.
 */
export function deleteImageVersion(
  deps: Dependencies,
  { id, requestedBy, traceparent, ifOperationId }: DeleteImageVersion,
): Promise<OperationRecord> {
  return acceptOn(deps, id, ({ record, operation }) => {
    const { state } = record;
    if (["DeletionRequested", "Deleting", "Deleted"].includes(state))
      return operation;
    if (ifOperationId !== undefined && ifOperationId !== operation.id)
      throw new ServiceError(
        "ImageVersionConflict",
        `Operation ${operation.id} is another than the last known on ${formatImageVersionId(id)}.`,
        { fields: { existingOperationId: operation.id } },
      );
    if (!isFinal(state))
      throw new ServiceError(
        "ImageVersionConflict",
        `Operation ${operation.id} is working on ${formatImageVersionId(id)}. Wait until it has ended, or cancel it.`,
        { fields: { existingOperationId: operation.id } },
      );
    return {
      kind: "DeleteImageVersion",
      requestedBy,
      traceparent,
    };
  });
}
