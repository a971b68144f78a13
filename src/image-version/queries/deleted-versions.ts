/** Deleted versions that can be restored, as Azure lists them. */
import { orNone, ServiceError } from "../../errors.js";
import {
  formatImageVersionId,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { OperationRecord } from "../../operation/records.js";
import type { Looks, ResourceManager, ResourceReader } from "../ports.js";
import type { DeletedImageVersion, SoftDeleteRecord } from "../resources.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import { softDeleteIn } from "../state/deletion.js";

interface Reads {
  readonly resourceManager: Pick<ResourceManager, "listDeletedVersions">;
}

interface ReadsOfGallery {
  readonly resources: Pick<ResourceReader, "getGallery">;
}

/**
 * Whether an image definition's gallery has soft delete; empty if that cannot be read, because no
 * deletion waits for it.
 */
export async function softDeleteOf(
  { resources }: ReadsOfGallery,
  imageId: string,
): Promise<SoftDeleteRecord> {
  const [galleryId = ""] = imageId.split("/images/");
  const gallery = await orNone(resources.getGallery(galleryId));
  return gallery === undefined ? {} : { isSoftDeleteEnabled: gallery.softDelete === true };
}

/**
 * Those that are known to use a number: none if the gallery has no soft delete, or a read fails.
 */
export async function knownDeletedVersions(
  deps: Reads & ReadsOfGallery,
  imageId: string,
): Promise<readonly DeletedImageVersion[]> {
  const { isSoftDeleteEnabled } = await softDeleteOf(deps, imageId);
  if (isSoftDeleteEnabled !== true) return [];
  return (await orNone(deps.resourceManager.listDeletedVersions(imageId))) ?? [];
}

/** The one that is known to use this number. */
export async function knownDeletedVersion(
  deps: Reads & ReadsOfGallery,
  id: ImageVersionId,
): Promise<DeletedImageVersion | undefined> {
  const known = await knownDeletedVersions(deps, imageIdOf(id));
  return known.find(({ name }) => name === id.versionName);
}

/**
 * The deleted version with this number; undefined: Azure lists none. Throws what the read throws.
 */
export async function deletedVersion(
  { resourceManager }: Reads,
  id: ImageVersionId,
): Promise<DeletedImageVersion | undefined> {
  const listed = await resourceManager.listDeletedVersions(imageIdOf(id));
  return listed?.find(({ name }) => name === id.versionName);
}

/**
 * A deletion, updated from Azure's list: a version that was purged, restored or has expired cannot
 * be restored. The stored values stand in if the list cannot be read, and until Azure first lists
 * the version.
 */
export async function deletionNow(
  { resourceManager, looks }: Reads & { readonly looks: Pick<Looks, "once"> },
  operation: OperationRecord,
): Promise<OperationRecord> {
  const { kind, endTime, resourceId } = operation;
  const id = parseImageVersionId(resourceId);
  if (
    kind !== "DeleteImageVersion" ||
    endTime === undefined ||
    softDeleteIn(operation)?.softDeletedTime === undefined ||
    id === undefined
  )
    return operation;
  const imageId = imageIdOf(id);
  const listed = await orNone(
    looks.once(`deleted ${imageId}`, () => resourceManager.listDeletedVersions(imageId)),
  );
  if (listed === undefined) return operation;
  const isListed = listed.some(({ name }) => name === id.versionName);
  return isListed ? operation : { ...operation, detail: { isSoftDeleteEnabled: false } };
}

/** Highest number first. Throws ServiceError NotFound if Azure has no such image definition. */
export async function listDeletedImageVersions(
  { resourceManager }: Reads,
  image: Omit<ImageVersionId, "versionName">,
): Promise<readonly (DeletedImageVersion & { readonly id: string })[]> {
  const imageId = imageIdOf(image);
  const listed = await resourceManager.listDeletedVersions(imageId);
  if (listed === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no image definition ${imageId}. Correct the URL, or create it: az sig image-definition create.`,
    );
  return listed
    .toSorted((a, b) => compareVersionNumbers(b.name, a.name))
    .map((deleted) => ({
      id: formatImageVersionId({ ...image, versionName: deleted.name }),
      ...deleted,
    }));
}
