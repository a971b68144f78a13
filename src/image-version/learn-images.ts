/**
 * Lists the image definitions of versions that an earlier release was asked for: since then each request lists its own. Once, some
 * pages a run: in what order, and how often, does not matter.
 */
import { imageRow } from "./listings.js";
import type { Dependencies } from "./ports.js";
import { operationScope } from "../operation/catalog.js";
import { imageIdOf, parseImageVersionId } from "../resource-id.js";

const PAGE = 100;
const MOST_PAGES = 5;
const DONE = "done";

/** How far it is: a token, or that all is done. */
const PLACE = { scope: "images-learning", row: "operations" } as const;

export async function learnImages({
  index,
  store,
}: Pick<Dependencies, "index" | "store">): Promise<void> {
  let token = (await index.page(PLACE.scope, 1)).rows[0]?.target;
  for (let pages = 0; pages < MOST_PAGES && token !== DONE; pages += 1) {
    const page = await index.page(operationScope({}), PAGE, token);
    const operations = await Promise.all(
      page.rows.map(({ target }) => store.readOperation(target)),
    );
    const images = operations.flatMap((operation) => {
      const id = operation && parseImageVersionId(operation.resourceId);
      return id === undefined ? [] : [imageIdOf(id)];
    });
    await index.put([...new Set(images)].map(imageRow));
    token = page.continuationToken ?? DONE;
    await index.put([{ ...PLACE, target: token }]);
  }
}
