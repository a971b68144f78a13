/**
 * A rollback and the deletion of its target: each checks for the other before it changes anything.
 */
import { ServiceError } from "../../errors.js";
import { hasEnded } from "../../operation/kinds.js";
import { keyOf, parseImageVersionId } from "../../resource-id.js";
import { shownFields, latestIn } from "../latest/flags.js";
import { isPromoted } from "../latest/latest-after.js";
import type { Dependencies, Objection } from "../ports.js";
import { regionsIn } from "../properties/fields.js";
import type { ListedImageVersion } from "../resources.js";
import type { OpenDeletion } from "../state/deletion.js";
import { rollbackOf } from "./kind.js";

/** The version number that a running rollback leads to. */
export async function rollbackTarget(
  deps: Pick<Dependencies, "rollbacks" | "kinds">,
  imageId: string,
): Promise<string | undefined> {
  const stored = await deps.rollbacks.read(keyOf(imageId));
  return stored === undefined || hasEnded(deps, stored)
    ? undefined
    : rollbackOf(stored.operation).to;
}

/** The objections to a version as the latest, for the regions where it is not in latest. */
export function objectionsToTarget(
  { objections }: Pick<Dependencies, "objections">,
  imageId: string,
  { name, resource }: Pick<ListedImageVersion, "name" | "resource">,
): Promise<readonly Objection[]> {
  const id = parseImageVersionId(`${imageId}/versions/${name}`);
  if (id === undefined) throw new TypeError(`${name} is no version's name`);
  const included = latestIn(resource);
  const regions = regionsIn(shownFields(resource)).filter((region) => !included.includes(region));
  return objections(
    id,
    isPromoted({ resource })
      ? { kind: "fallBackTo", target: included }
      : { kind: "enterLatest", regions, byRollback: true },
  );
}

/**
 * Why a version cannot be the target: it is being deleted. Undefined if its policy has yet to judge
 * that.
 */
export function refusalBy(
  deletion: OpenDeletion | undefined,
  versionName: string,
): ServiceError | undefined {
  return deletion?.isByPolicy === false
    ? new ServiceError(
        "RollbackRefused",
        `Operation ${deletion.id} deletes ${versionName}. Cancel it (POST /api/operations/${deletion.id}/cancel), and roll back once it has ended. Or roll back to another version.`,
        { fields: { existingOperationId: deletion.id } },
      )
    : undefined;
}
