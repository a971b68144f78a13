import { ServiceError } from "../../errors.js";
import { formatImageVersionId, imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import type { LastShown, ListedImageVersion, Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";

/** A look at a version now; undefined: Azure has none. Throws what the read throws. */
export async function lookAt(
  deps: Pick<Dependencies, "resourceManager" | "now">,
  id: ImageVersionId,
): Promise<Look | undefined> {
  const shown = await deps.resourceManager.getImageVersion(id);
  return shown && { ...shown, time: deps.now().toISOString() };
}

/** The version that a restore will bring back; undefined: Sigil never saw it. */
export function lastShown(
  record: Pick<ImageVersionRecord, "status" | "left" | "publishedDate"> | undefined,
): LastShown | undefined {
  if (record === undefined) return undefined;
  const { status, left, publishedDate } = record;
  if (status !== undefined || left === undefined) return status;
  return { resource: left, ...(publishedDate && { publishedDate }) };
}

const AGAIN_MS = 30_000;

/**
 * A version that Azure showed, and for which Azure accepted no DELETE from Sigil, is gone only if
 * the list of its image definition lacks it, too, and if it is older than the lag of Azure's
 * replicas: both answers may be from before it was created. A version that is known to be gone may
 * be back. Throws what the read of the list throws.
 */
export async function isGone(
  { now, pace }: Pick<Dependencies, "now" | "pace">,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  list: List,
): Promise<boolean> {
  if (record === undefined || record.write?.deletes === true) return true;
  if (record.status === undefined) return !isFinal(record.state) || !(await isListed(id, list));
  const { publishedDate = "" } = record.status;
  if (now().getTime() - Date.parse(publishedDate) < pace.staleMs) return false;
  return !(await isListed(id, list));
}

type List = (imageId: string) => Promise<readonly ListedImageVersion[] | undefined>;

/** Whether the list of its image definition has the version. Throws what the read throws. */
export async function isListed(id: ImageVersionId, list: List): Promise<boolean> {
  const versions = await list(imageIdOf(id));
  return versions?.some(({ name }) => name === id.versionName) === true;
}

/** Azure's list as it is now. */
export function listOf({ resourceManager }: Pick<Dependencies, "resourceManager">): List {
  return (imageId) => resourceManager.listImageVersions(imageId);
}

/**
 * Throws ServiceError StateConflict, retryable, if a version that a look does not show is not gone,
 * and what `isGone` throws.
 */
export async function mustBeGone(
  ...[deps, id, record, list]: Parameters<typeof isGone>
): Promise<void> {
  if (await isGone(deps, id, record, list)) return;
  throw new ServiceError(
    "StateConflict",
    `Azure answers that it has no ${formatImageVersionId(id)}, and lists it, or has made or restored it less than ${Math.ceil(deps.pace.staleMs / 60_000)} minutes ago: the answer may be older than that. Send the request again.`,
    { retryAfterMs: AGAIN_MS },
  );
}
