import { ServiceError } from "../errors.js";
import { softDeleteOf } from "./commands/soft-delete.js";
import { versionNameIn, versionScope } from "./listings.js";
import type { Dependencies } from "./ports.js";
import { highestVersionNumber } from "./version-numbers.js";

/** Numbers of deleted versions that can be restored: they are not free. Where they cannot be read, the creation finds them. */
async function deletedNames(
  {
    resourceManager,
    resources,
  }: Pick<Dependencies, "resourceManager" | "resources">,
  imageId: string,
): Promise<readonly string[]> {
  try {
    const { isSoftDeleteEnabled } = await softDeleteOf({ resources }, imageId);
    if (isSoftDeleteEnabled !== true) return [];
    const deleted = await resourceManager.listDeletedVersions(imageId);
    return (deleted ?? []).map(({ name }) => name);
  } catch (error) {
    if (error instanceof ServiceError) return [];
    throw error;
  }
}

/**
 * The highest number there is of an image definition, if any: in Azure, asked of Sigil by name, or given by it; and
 * whether Azure has the image definition. Throws what the read of Azure throws.
 */
export async function knownNumbers(
  {
    resourceManager,
    resources,
    versionNumbers,
    index,
  }: Pick<
    Dependencies,
    "resourceManager" | "resources" | "versionNumbers" | "index"
  >,
  imageId: string,
): Promise<{
  readonly defined: boolean;
  readonly highest: string | undefined;
}> {
  const [published, deleted, { rows }, { last }] = await Promise.all([
    resourceManager.listImageVersions(imageId),
    deletedNames({ resourceManager, resources }, imageId),
    index.page(versionScope(imageId), 1), // Highest first.
    versionNumbers.read(imageId),
  ]);
  return {
    defined: published !== undefined,
    highest: highestVersionNumber([
      ...(published ?? []).map(({ name }) => name),
      ...deleted,
      rows[0] && versionNameIn(rows[0]),
      last,
    ]),
  };
}
