/**
 * Pages at the edge. A token belongs to one listing; a made-up token, or one from another listing
 * or filter, is refused. It is not a secret: whoever may read the listing may read what it names.
 */
import { createHash } from "node:crypto";
import { forgedToken, type Page } from "../operation/queries.js";

/** The part of the call that paging needs. */
interface PageRequest {
  readonly requestUrl: URL;
  readonly query: { readonly continuationToken?: string | undefined };
}

/**
 * A page for an answer, with what else was read of it. `nextLink` is the called URL with the next
 * page's token. Throws ServiceError InvalidRequest for a token that no page of this listing
 * returned.
 */
export async function viewPage<Read extends Page<unknown>, View>(
  { requestUrl, query }: PageRequest,
  read: (continuationToken: string | undefined) => Promise<Read>,
  view: (item: Read["value"][number]) => View,
): Promise<
  Omit<Read, keyof Page<unknown>> & {
    value: View[];
    nextLink?: string;
    continuationToken?: string;
  }
> {
  const listing = listingOf(requestUrl);
  const given = query.continuationToken;
  const {
    value: items,
    continuationToken: token,
    ...beside
  } = await read(given === undefined ? undefined : opened(given, listing));
  const value = items.map(view);
  if (token === undefined) return { ...beside, value };
  const continuationToken = bound(token, listing);
  const next = new URL(requestUrl);
  next.searchParams.set("continuationToken", continuationToken);
  return { ...beside, value, nextLink: next.href, continuationToken };
}

/** The URL without the parameters that differ between pages. */
function listingOf(requestUrl: URL): string {
  const parameters = new URLSearchParams(requestUrl.searchParams);
  parameters.delete("continuationToken");
  parameters.delete("top");
  parameters.sort();
  return `${requestUrl.pathname}?${parameters.toString()}`.toLowerCase();
}

function bound(token: string, listing: string): string {
  return `${Buffer.from(token).toString("base64url")}.${checksum(token, listing)}`;
}

function opened(given: string, listing: string): string {
  const token = Buffer.from(given.split(".")[0] ?? "", "base64url").toString();
  if (bound(token, listing) === given) return token;
  throw forgedToken();
}

function checksum(token: string, listing: string): string {
  return createHash("sha256")
    .update(JSON.stringify([listing, token]))
    .digest("base64url")
    .slice(0, 22);
}
