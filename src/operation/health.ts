import { ServiceError } from "../errors.js";
import { operationScope } from "./catalog.js";
import type { OperationDependencies } from "./ports.js";
import { recordKeyOf, type TrackedRecord } from "./records.js";

type Store = Pick<OperationDependencies<TrackedRecord>, "store" | "index">;

/**
 * Rejects if the state cannot be read, or nothing can be written: a read-only store cannot take
 * requests. Rejects with StateTooOld if an earlier release stored the newest operation.
 */
export async function checkStore(deps: Store): Promise<void> {
  await Promise.all([
    readNewest(deps),
    deps.index.put([{ scope: "health", row: "health", target: "" }]),
  ]);
}

async function readNewest({ store, index }: Store): Promise<void> {
  const { rows } = await index.page(operationScope({}), 1);
  try {
    await store.readRecord(recordKeyOf(rows[0]?.target ?? "") ?? "health");
  } catch (error) {
    const code = error instanceof ServiceError ? error.code : undefined;
    // While a newer release is rolled out, this one still does its own work.
    if (code === "StateTooNew") return;
    if (code !== "StateTooOld") throw error;
    // Anyone may ask, so no resource is named.
    throw new ServiceError(
      "StateTooOld",
      "The tables are from an earlier release, which this one cannot read. Stop the app, delete the tables SigilState and SigilIndex of the storage account, and start it: Azure keeps the versions, and the next PUT of each adopts it.",
      { cause: error },
    );
  }
}
