/** Accepts an operation on a version that Sigil knows. */
import { ServiceError } from "../errors.js";
import { acceptOperation } from "../operation/accepting.js";
import type { OperationRecord } from "../operation/records.js";
import { momentOf } from "../operation/steps.js";
import {
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import { fingerprintOf } from "./canonical-form.js";
import type { Dependencies, StoredVersion } from "./ports.js";
import { achievedBy } from "./records.js";
import { accept, type Asked } from "./transitions.js";

/** What is asked of a version as it is: its request stays, unless another is given. */
export type AskedOn = Pick<
  Asked,
  "kind" | "requestedBy" | "traceparent" | "repairing" | "spentRule"
> &
  Partial<Pick<Asked, "request">>;

/**
 * Answers the operation that does what `decide` asks of the version as it stands, or the one that it finds to be the
 * answer. Throws what `decide` throws, and ServiceError NotFound.
 */
export async function acceptOn(
  deps: Dependencies,
  id: ImageVersionId,
  decide: (stored: StoredVersion) => AskedOn | OperationRecord,
): Promise<OperationRecord> {
  const resourceId = formatImageVersionId(id);
  const key = keyOf(resourceId);
  return acceptOperation(deps, key, (stored) => {
    if (stored === undefined)
      throw new ServiceError(
        "NotFound",
        `Sigil knows no image version ${resourceId}.`,
      );
    const decided = decide(stored);
    if ("id" in decided) return decided;
    const { request = achievedBy(stored.record) } = decided;
    const fingerprint = fingerprintOf(request);
    return accept(
      { ...decided, key, resourceId, request, fingerprint },
      stored.record,
      momentOf(deps),
    );
  });
}
