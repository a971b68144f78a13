import { forgedToken } from "../../operation/queries.js";

/** What a query may be made of (RFC 3986, section 3.4): no fragment, no space, no control character. */
const QUERY = /^(?:[-\w.~!$&'()*+,;=:@/?]|%[\dA-Fa-f]{2})+$/u;
const BASE64URL = /^[-\w]+$/u;

/** One page of ARM's lists. */
export interface WirePage<Item> {
  readonly value?: readonly Item[];
  readonly nextLink?: string;
}

/** The query of the page after, without the question mark; undefined on the last page. */
export function nextQueryOf(page: WirePage<unknown>): string | undefined {
  const { nextLink } = page;
  if (nextLink === undefined || nextLink === null || nextLink === "")
    return undefined;
  return new URL(nextLink, "https://management.azure.com").search.slice(1);
}

/** The page at `path` of ARM that `query` tells; whatever the query says, the address and the api-version are ours. */
export function pageUrl(
  endpoint: string,
  path: string,
  apiVersion: string,
  query?: string,
): string {
  const url = new URL(path, endpoint);
  const others = (query ?? "")
    .split("&")
    .filter((pair) => pair !== "" && !isApiVersion(pair));
  url.search = [`api-version=${apiVersion}`, ...others].join("&");
  return url.href;
}

/** However the name is escaped: `@azure/arm-compute` itself writes `api%2Dversion`. */
function isApiVersion(pair: string): boolean {
  return [...new URLSearchParams(pair).keys()].some(
    (name) => name.toLowerCase() === "api-version",
  );
}

/** A query as callers are given it. */
export function toContinuationToken(query: string): string {
  return Buffer.from(query, "utf8").toString("base64url");
}

/** The query that a caller has brought back; ServiceError InvalidRequest when it is none. */
export function fromContinuationToken(token: string): string {
  const query = Buffer.from(token, "base64url").toString("utf8");
  if (
    BASE64URL.test(token) &&
    QUERY.test(query) &&
    toContinuationToken(query) === token
  )
    return query;
  throw forgedToken();
}
