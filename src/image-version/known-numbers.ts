import { versionScope } from "./listings.js";
import type { Dependencies } from "./ports.js";
import { highestVersionNumber } from "./version-numbers.js";

/**
 * The highest number there is of an image definition, if any: in Azure, asked of Sigil by name, or given by it; and
 * whether Azure has the image definition. Throws what the read of Azure throws.
 */
export async function knownNumbers(
  {
    versionNumbers,
    index,
    store,
  }: Pick<Dependencies, "versionNumbers" | "index" | "store">,
  imageId: string,
): Promise<{
  readonly defined: boolean;
  readonly highest: string | undefined;
}> {
  const [published, { rows }, { last }] = await Promise.all([
    versionNumbers.listPublished(imageId),
    index.page(versionScope(imageId), 1), // Highest first.
    versionNumbers.read(imageId),
  ]);
  const asked = rows[0] && (await store.readOperation(rows[0].target));
  return {
    defined: published !== undefined,
    highest: highestVersionNumber([
      ...(published ?? []),
      asked?.resourceId.split("/").at(-1),
      last,
    ]),
  };
}
