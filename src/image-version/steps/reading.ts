/** The reads of one step, before it decides. */
import { orNone } from "../../errors.js";
import { contextOf } from "../../operation/steps.js";
import type { ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { isListed, lookAt } from "../queries/look-at.js";
import type { DeletedImageVersion, Look } from "../resources.js";
import type { OperationReason } from "../state/failures.js";
import { asksForList } from "../state/observe.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isRestoring } from "../state/states.js";

export interface Reading {
  readonly look: Look | undefined;
  /** When the read began. */
  readonly time: Date;
  readonly isListed: boolean;
  /** The version to restore, as Azure lists it. */
  readonly deleted: DeletedImageVersion | undefined;
  /** ARM's reason for giving the version up, or not doing what it accepted, if it gives one. */
  readonly reason: OperationReason | undefined;
}

/** Throws what the reads throw. */
export async function readingOf(
  deps: Dependencies,
  { record }: StoredVersion,
  id: ImageVersionId,
): Promise<Reading> {
  const time = deps.now();
  const [look, deleted] = await Promise.all([
    lookAt(deps, id),
    isRestoring(record) ? deletedVersion(deps, id) : undefined,
  ]);
  const { write } = record;
  const isLeft = write?.deletes
    ? look !== undefined && look.provisioningState !== "Deleting"
    : look === undefined && deleted !== undefined;
  const isRefused = write?.answer === "accepted" && isLeft;
  return {
    look,
    time,
    deleted,
    isListed:
      look === undefined &&
      asksForList(record, contextOf(deps)) &&
      (await isListed(id, (image) => deps.resourceManager.listImageVersions(image))),
    reason:
      isRefused || look?.provisioningState === "Failed" ? await reasonOf(deps, record) : undefined,
  };
}

/** ARM's reason why an accepted request failed, if it gives one. A failed read holds up nothing. */
async function reasonOf(
  { resourceManager }: Dependencies,
  { armOperationUrl }: ImageVersionRecord,
): Promise<OperationReason | undefined> {
  return armOperationUrl === undefined
    ? undefined
    : orNone(resourceManager.getOperationError(armOperationUrl));
}
