import type { Index, IndexPage } from "./ports.js";

/**
 * Every row of a scope, in order, in pages of at most `top`. A page may have fewer rows; only the
 * last has no token.
 */
export async function* pagesOf(
  index: Pick<Index, "page">,
  scope: string,
  top = 100,
  after?: string,
  withShown?: boolean,
): AsyncGenerator<IndexPage["rows"]> {
  let continuationToken: string | undefined;
  do {
    const page: IndexPage = await index.page(scope, top, continuationToken, after, withShown);
    yield page.rows;
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
}
