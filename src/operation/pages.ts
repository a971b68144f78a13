import type { Index, IndexPage } from "./ports.js";

/** Every row of a scope, in order, as pages of at most `top`. Only the last page has no token: any may end early. */
export async function* pagesOf(
  index: Pick<Index, "page">,
  scope: string,
  top = 100,
  after?: string,
): AsyncGenerator<IndexPage["rows"]> {
  let continuationToken: string | undefined;
  do {
    const page: IndexPage = await index.page(scope, top, continuationToken, after);
    yield page.rows;
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
}
