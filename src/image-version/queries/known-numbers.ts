import { versionNameIn, versionScope } from "../../listings.js";
import type { Dependencies } from "../ports.js";
import { knownDeletedVersions } from "./deleted-versions.js";
import { highestVersionNumber } from "../../version-numbers.js";

/**
 * The highest number of an image definition, if any: in Azure, requested by name, or given by
 * Sigil. Also whether Azure has the image definition. Throws what the read of Azure throws.
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
    // Their numbers are not free. The creation finds one that is not listed here.
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
