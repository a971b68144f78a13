import { ServiceError } from "../../errors.js";
import type { Page } from "../../operation/queries.js";
import type { Looks } from "../ports.js";
import type { ListedImageDefinition } from "../resources.js";

/**
 * The image definitions of a gallery, by name. Costs one list of Azure for all pages within half a minute. Throws
 * ServiceError NotFound where Azure has no such gallery.
 */
export async function listImageDefinitions(
  looks: Pick<Looks, "images">,
  galleryId: string,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<ListedImageDefinition>> {
  const listed = await looks.images(galleryId);
  if (listed === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no gallery ${galleryId}. Correct the URL, or create it: az sig create.`,
    );
  const after = continuationToken ?? "";
  const rest = listed
    .map((definition) => ({ definition, key: keyOf(definition) }))
    .filter(({ key }) => key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = rest.slice(0, top);
  const last = page.at(-1);
  return {
    value: page.map(({ definition }) => definition),
    ...(rest.length > page.length &&
      last !== undefined && { continuationToken: last.key }),
  };
}

/** Names in Azure have no case. */
function keyOf({ name }: ListedImageDefinition): string {
  return name.toLowerCase();
}
