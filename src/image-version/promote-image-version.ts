/** Promotes a version by hand, or takes that back: in or out of what "latest" means. */
import { ServiceError } from "../errors.js";
import { isFinal } from "../operation/states.js";
import {
  operationIdOf,
  type OperationRecord,
  type Requester,
} from "../operation/records.js";
import {
  formatImageVersionId,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";
import { acceptOn } from "./accept-on.js";
import { newestPromoted } from "./latest.js";
import type { Dependencies } from "./ports.js";
import { byHand, isExcluded } from "./promotion.js";
import { achievedBy } from "./records.js";

export interface PromoteImageVersion {
  readonly id: ImageVersionId;
  readonly requestedBy: Requester;
  readonly traceparent: string;
}

/**
 * Answers the operation that promotes the version; whatever rule it had for that is gone then. Throws ServiceError NotFound
 * for a version that Sigil does not know, and ImageVersionConflict while another operation on it runs or where it was never
 * made.
 */
export function promoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  return setExclusion(deps, command, "PromoteImageVersion");
}

/** As `promoteImageVersion`, to exclude it from latest. */
export function demoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  return setExclusion(deps, command, "DemoteImageVersion");
}

/**
 * Demotes the latest version of an image definition, so that the one before it is the latest. Throws ServiceError
 * ImageVersionConflict where no other is promoted, and as `demoteImageVersion` does.
 */
export async function rollBackImage(
  deps: Dependencies,
  {
    image,
    ...by
  }: Omit<PromoteImageVersion, "id"> & {
    readonly image: Omit<ImageVersionId, "versionName">;
  },
): Promise<OperationRecord> {
  const imageId = imageIdOf({ ...image, versionName: "" });
  const [latest, previous] = await newestPromoted(deps, imageId, 2);
  const id = latest && parseImageVersionId(latest.resourceId);
  if (previous !== undefined && isExcluded(previous.request))
    throw new ServiceError(
      "ImageVersionConflict",
      `${previous.resourceId}, the promoted version before the latest, is being demoted. Wait until that has ended.`,
      { fields: { existingOperationId: operationIdOf(previous) } },
    );
  if (id === undefined || previous === undefined)
    throw new ServiceError(
      "ImageVersionConflict",
      latest === undefined
        ? `No version of ${imageId} is promoted: there is nothing to roll back.`
        : `${latest.resourceId} is the only version that is promoted: without it, no version would be the latest. Promote another first.`,
    );
  return demoteImageVersion(deps, { id, ...by });
}

function setExclusion(
  deps: Dependencies,
  { id, requestedBy, traceparent }: PromoteImageVersion,
  kind: "PromoteImageVersion" | "DemoteImageVersion",
): Promise<OperationRecord> {
  return acceptOn(deps, id, ({ record, operation }) => {
    const running = !isFinal(record.state);
    if (running && operation.kind === kind) return operation;
    if (running || !record.made)
      throw new ServiceError(
        "ImageVersionConflict",
        running
          ? `Operation ${operation.id} is working on ${formatImageVersionId(id)}. Wait until it has ended, or cancel it.`
          : `${formatImageVersionId(id)} does not exist in Azure: it was never made, or is deleted. Send its PUT.`,
        running ? { fields: { existingOperationId: operation.id } } : {},
      );
    const achieved = achievedBy(record);
    return {
      kind,
      requestedBy,
      traceparent,
      request: byHand(achieved, kind === "DemoteImageVersion"),
      spentRule: achieved.sigil?.promotion,
    };
  });
}
