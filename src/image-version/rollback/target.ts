/** A rollback beside the deletion of its target: each looks for the other before it changes anything. */
import { ServiceError } from "../../errors.js";
import { hasEnded } from "../../operation/kinds.js";
import { keyOf } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import type { OpenDeletion } from "../state/deletion.js";
import { rollbackOf } from "./kind.js";

/** Number of the version that a rollback leads to that has not ended. */
export async function rollbackTarget(
  deps: Pick<Dependencies, "rollbacks" | "kinds">,
  imageId: string,
): Promise<string | undefined> {
  const stored = await deps.rollbacks.read(keyOf(imageId));
  return stored === undefined || hasEnded(deps, stored)
    ? undefined
    : rollbackOf(stored.operation).to;
}

/** Why no rollback leads to a version: it is being deleted. Undefined where its policy is still to judge whether it is. */
export function refusalBy(
  deletion: OpenDeletion | undefined,
  versionName: string,
): ServiceError | undefined {
  return deletion?.isByPolicy === false
    ? new ServiceError(
        "RollbackRefused",
        `Operation ${deletion.id} deletes ${versionName}. Cancel it (POST /api/operations/${deletion.id}/cancel), and send the request again once it has ended; or roll back to another version.`,
        { fields: { existingOperationId: deletion.id } },
      )
    : undefined;
}
