import { forgedToken } from "../../operation/queries.js";
import { normaliseResourceId } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import type { ArmCall, ArmResponse } from "./errors.js";

/** The characters of a query (RFC 3986, section 3.4): no fragment, space or control character. */
const QUERY = /^(?:[-\w.~!$&'()*+,;=:@/?]|%[\dA-Fa-f]{2})+$/u;
const BASE64URL = /^[-\w]+$/u;

/**
 * For galleries and everything in them: the newest api-version, which covers every property of a
 * version.
 */
export const GALLERIES_API_VERSION = "2026-03-03";

/** A list in ARM, and the permission that it needs. */
export interface ArmList extends ArmCall {
  readonly path: string;
  readonly apiVersion: string;
  /** The query of the first page, without the question mark, such as an escaped `$filter`. */
  readonly query?: string;
}

/** One page of a list, as ARM sends it. */
interface WirePage<Item> {
  readonly value?: readonly Item[];
  readonly nextLink?: string | null;
}

/**
 * The items of every page; undefined if ARM has no such list. Throws if any page fails: a partial
 * list is never returned.
 */
export async function readPages<Item>(
  arm: ArmClient,
  list: ArmList,
): Promise<readonly Item[] | undefined> {
  const items: Item[] = [];
  let { query } = list;
  do {
    const page = pageIn<Item>(arm, list, await ask(arm, list, query));
    if (page === undefined) return undefined;
    items.push(...page.items);
    query = page.nextQuery;
  } while (query !== undefined);
  return items;
}

/**
 * The page that a caller's token names, or the first; undefined if ARM has no such list. Throws
 * ServiceError InvalidRequest if the token was not issued by Sigil.
 */
export async function readPage<Item>(
  arm: ArmClient,
  list: ArmList,
  continuationToken: string | undefined,
): Promise<{ readonly items: readonly Item[]; readonly continuationToken?: string } | undefined> {
  const query = continuationToken === undefined ? undefined : queryIn(continuationToken);
  const response = await ask(arm, list, query);
  if (query !== undefined && response.status === 400) throw forgedToken();
  const page = pageIn<Item>(arm, list, response);
  return (
    page && {
      items: page.items,
      ...(page.nextQuery !== undefined && {
        continuationToken: tokenOf(page.nextQuery),
      }),
    }
  );
}

function ask(arm: ArmClient, list: ArmList, query: string | undefined): Promise<ArmResponse> {
  const { path, apiVersion } = list;
  return arm.request(list, "GET", urlOf(arm, path, apiVersion, query));
}

/**
 * Reads one page. `nextQuery`: the next page's query, without the question mark; undefined on the
 * last page.
 */
function pageIn<Item>(
  arm: ArmClient,
  list: ArmList,
  response: ArmResponse,
): { readonly items: readonly Item[]; readonly nextQuery: string | undefined } | undefined {
  const page = arm.bodyOf<WirePage<Item>>(list, response);
  if (page === undefined) return undefined;
  const { value = [], nextLink } = page;
  return {
    items: value,
    nextQuery: nextLink ? new URL(nextLink, arm.endpoint).search.slice(1) : undefined,
  };
}

/** An address in ARM. Whatever `query` contains, Sigil sets the host, path and api-version. */
export function urlOf(
  { endpoint }: Pick<ArmClient, "endpoint">,
  path: string,
  apiVersion: string,
  query = "",
): string {
  const url = new URL(normaliseResourceId(path), endpoint);
  const others = query.split("&").filter((pair) => pair !== "" && !isApiVersion(pair));
  url.search = [`api-version=${apiVersion}`, ...others].join("&");
  return url.href;
}

/** Also recognizes an escaped name: `@azure/arm-compute` itself writes `api%2Dversion`. */
function isApiVersion(pair: string): boolean {
  return [...new URLSearchParams(pair).keys()].some((name) => name.toLowerCase() === "api-version");
}

function tokenOf(query: string): string {
  return Buffer.from(query, "utf8").toString("base64url");
}

function queryIn(token: string): string {
  const query = Buffer.from(token, "base64url").toString("utf8");
  if (BASE64URL.test(token) && QUERY.test(query) && tokenOf(query) === token) return query;
  throw forgedToken();
}
