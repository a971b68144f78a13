import type { OperationDependencies } from "./ports.js";
import type { TrackedRecord } from "./records.js";

/** Rejects where the state cannot be read, or nothing can be written: a store that refuses writes takes no request. */
export async function checkStore({
  store,
  index,
}: Pick<
  OperationDependencies<TrackedRecord>,
  "store" | "index"
>): Promise<void> {
  await Promise.all([
    store.readRecord("health"),
    index.put([{ scope: "health", row: "health", target: "" }]),
  ]);
}
