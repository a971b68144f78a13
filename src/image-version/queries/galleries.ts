import { ServiceError } from "../../errors.js";
import type { Page } from "../../operation/queries.js";
import { AT_REST_SECONDS } from "../../operation/read-again.js";
import type { Listing, Looks } from "../ports.js";
import type { ListedGallery, ListedImageDefinition } from "../resources.js";
import { KEEP_GALLERIES_MS } from "./looks.js";

interface ListQuery {
  readonly top: number;
  readonly continuationToken?: string | undefined;
  /** True: at most five seconds old. False: an hour. */
  readonly anew: boolean;
  readonly now: Date;
}

/** A page of one of Azure's lists, when Sigil read the list, and in how many seconds it reads it again. */
interface ListedPage<Item> extends Page<Item> {
  readonly time: string;
  readonly readAgain: number;
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
  { top, continuationToken: after = "", now }: ListQuery,
): ListedPage<Item> {
  const rest = items
    .map((item) => ({ item, key: nameOf(item).toLowerCase() }))
    .filter(({ key }) => key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = rest.slice(0, top);
  const last = page.at(-1);
  const ageMs = now.getTime() - Date.parse(time);
  return {
    time,
    readAgain: Math.max(AT_REST_SECONDS, Math.ceil((KEEP_GALLERIES_MS - ageMs) / 1_000)),
    value: page.map(({ item }) => item),
    ...(rest.length > page.length && last !== undefined && { continuationToken: last.key }),
  };
}
