import type { Page } from "../operation/queries.js";

/** A page as the API answers it: `nextLink` is the address that was called, with the token of the next page. */
export function viewPage<T, View>(
  { value, continuationToken }: Page<T>,
  view: (item: T) => View,
  requestUrl: URL,
): { value: View[]; nextLink?: string; continuationToken?: string } {
  const next = new URL(requestUrl);
  if (continuationToken !== undefined)
    next.searchParams.set("continuationToken", continuationToken);
  return {
    value: value.map(view),
    ...(continuationToken !== undefined && {
      nextLink: next.href,
      continuationToken,
    }),
  };
}
