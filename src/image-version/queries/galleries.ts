import { ServiceError } from "../../errors.js";
import type { Page } from "../../operation/queries.js";
import type { Listing, Looks } from "../ports.js";
import type { ListedGallery, ListedImageDefinition } from "../resources.js";

interface ListQuery {
  readonly top: number;
  readonly continuationToken?: string | undefined;
  /** True: at most five seconds old. False: an hour. */
  readonly anew: boolean;
}

/** A page of one of Azure's lists, and when Sigil read the list. */
interface ListedPage<Item> extends Page<Item> {
  readonly time: string;
}

/** The galleries that Sigil may list, in all its subscriptions, by id. */
export async function listGalleries(
  looks: Pick<Looks, "galleries">,
  query: ListQuery,
): Promise<ListedPage<ListedGallery>> {
  return pageOf(await looks.galleries(query.anew), ({ id }) => id, query);
}

/**
 * The image definitions of a gallery, by name. Throws ServiceError NotFound if Azure has no such
 * gallery.
 */
export async function listImageDefinitions(
  looks: Pick<Looks, "images">,
  galleryId: string,
  query: ListQuery,
): Promise<ListedPage<ListedImageDefinition>> {
  const listing = await looks.images(galleryId, query.anew);
  if (listing === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no gallery ${galleryId}. Correct the URL, or create it: az sig create.`,
    );
  return pageOf(listing, ({ name }) => name, query);
}

/** Reads nothing from Azure, because all pages come from one list. Names ignore case. */
function pageOf<Item>(
  { time, items }: Listing<Item>,
  nameOf: (item: Item) => string,
  { top, continuationToken: after = "" }: ListQuery,
): ListedPage<Item> {
  const rest = items
    .map((item) => ({ item, key: nameOf(item).toLowerCase() }))
    .filter(({ key }) => key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = rest.slice(0, top);
  const last = page.at(-1);
  return {
    time,
    value: page.map(({ item }) => item),
    ...(rest.length > page.length && last !== undefined && { continuationToken: last.key }),
  };
}
