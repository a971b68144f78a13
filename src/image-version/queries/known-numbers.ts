import { versionNameIn, versionScope } from "../listings.js";
import type { Dependencies } from "../ports.js";
import { knownDeletedVersions } from "./deleted-versions.js";
import { highestVersionNumber } from "../version-numbers.js";

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
  }: Pick<Dependencies, "resourceManager" | "resources" | "versionNumbers" | "index">,
  imageId: string,
): Promise<{
  readonly defined: boolean;
  readonly highest: string | undefined;
}> {
  const [published, deleted, { rows }, { last }] = await Promise.all([
    resourceManager.listImageVersions(imageId),
    // Their numbers are not free. One that is not seen here the creation finds.
    knownDeletedVersions({ resourceManager, resources }, imageId),
    index.page(versionScope(imageId), 1), // Highest first.
    versionNumbers.read(imageId),
  ]);
  return {
    defined: published !== undefined,
    highest: highestVersionNumber([
      ...[...(published ?? []), ...deleted].map(({ name }) => name),
      rows[0] && versionNameIn(rows[0]),
      last,
    ]),
  };
}
