import type { Page } from "../operation/queries.js";
import type { BatchItem, ItemState } from "./record.js";

/** An item for an answer or an event. */
export function viewItem({ id, stage, state, summary, operationId, errors }: BatchItem) {
  return {
    id,
    ...(stage !== undefined && { stage }),
    state,
    ...(summary !== undefined && { summary }),
    ...(operationId !== undefined && { operationId }),
    ...(errors && { errors: [...errors] }),
  };
}

/** `token`: the place in the list where the page begins, which stays when items change their state. */
export function itemsPage(
  items: readonly BatchItem[],
  state: ItemState | undefined,
  top: number,
  token = "0",
): Page<BatchItem> {
  const value: BatchItem[] = [];
  for (let index = Number(token); index < items.length; index += 1) {
    const item = items[index];
    if (item === undefined || (state !== undefined && item.state !== state)) continue;
    if (value.length === top) return { value, continuationToken: String(index) };
    value.push(item);
  }
  return { value };
}
