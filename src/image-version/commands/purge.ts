/**
 * Deletes a soft-deleted version permanently. It is one call without an operation: it changes
 * nothing that Sigil keeps, a repeat finds nothing, and Azure's answer is the answer. A restore
 * accepted meanwhile learns who did it, and ends once Azure no longer lists the version.
 */
import { ServiceError } from "../../errors.js";
import type { Requester } from "../../operation/records.js";
import { formatImageVersionId, imageIdOf, keyOf, type ImageVersionId } from "../../resource-id.js";
import { commitStep, contextOf } from "../../operation/steps.js";
import type { Dependencies } from "../ports.js";
import { mustBeUnopposed } from "../preflight/objections.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import type { DeletedImageVersion } from "../resources.js";
import { isProtected } from "../state/fold.js";
import { purged } from "../state/restoring.js";
import { isRestoring } from "../state/states.js";
import { told } from "../telling/tell.js";
import { mustNotBeRestored } from "./command.js";

/**
 * Returns the version as Azure listed it, once Azure accepted the request. Throws ServiceError
 * NotFound if Azure lists none, ImageVersionConflict while it is being restored,
 * ImageVersionProtected, ImageVersionRevoked, and what Azure answers.
 */
export async function purgeDeletedVersion(
  deps: Dependencies,
  id: ImageVersionId,
  requestedBy: Requester,
): Promise<DeletedImageVersion & { readonly id: string }> {
  const name = formatImageVersionId(id);
  const stored = await deps.store.read(keyOf(name));
  mustNotBeRestored(id, stored);
  if (stored !== undefined && isProtected(stored.record))
    throw new ServiceError(
      "ImageVersionProtected",
      `${name} is protected from deletion. To delete it for good, restore it (POST …/restore), ask an Admin for a PATCH with {"sigil": {"protected": false}}, then delete it.`,
    );
  await mustBeUnopposed(deps, id, { kind: "purge" });
  const deleted = await deletedVersion(deps, id);
  if (deleted === undefined || !(await deps.resourceManager.purgeImageVersion(id)))
    throw new ServiceError(
      "NotFound",
      `Azure lists no deleted version ${name}: it was never soft-deleted, was restored, or is gone for good. Azure's list may be some minutes behind.`,
    );
  deps.looks.forget(id, imageIdOf(id));
  await endRestore(deps, keyOf(name), requestedBy);
  return { id: name, ...deleted };
}

/**
 * Ends a restore that was accepted after the check. If this process dies before, the restore's own
 * steps end it.
 */
async function endRestore(deps: Dependencies, key: string, by: Requester): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const stored = await deps.store.read(key);
    if (stored === undefined || !isRestoring(stored.record)) return;
    const context = contextOf(deps);
    // Undefined: a step committed meanwhile.
    if (
      await commitStep(deps, stored, (pair) =>
        told(pair, purged(pair.record, by, context), context),
      )
    )
      return;
  }
}

const MOST_TRIES = 3;
