import type { TableEntityResult } from "@azure/data-tables";
import type { AgedRows } from "../../operation/ageing.js";
import { Table, type TableStorage } from "./table.js";

/** How many rows a page has. */
const PAGE = 500;
/** How many are removed at once. */
const PARALLEL = 8;

type Row = TableEntityResult<{ readonly writtenTime?: string }>;

/**
 * Rows of a table that end with their age. They are walked in the order of their keys: such a table holds hardly more
 * than what ends soon, so that the walk is as long as that, whatever else stays.
 */
export function createAgedRows(
  storage: TableStorage,
  tableName: string,
  /** Whether a row ends at all. */
  ends: (rowKey: string) => boolean = () => true,
): AgedRows {
  const table = new Table(storage, tableName);

  /** False where the row was written meanwhile, or is gone. */
  async function remove({ partitionKey = "", rowKey = "", etag }: Row): Promise<boolean> {
    const result = await table.run(
      (client) => client.deleteEntity(partitionKey, rowKey, { etag }),
      404, // ResourceNotFound
      412, // UpdateConditionNotSatisfied
    );
    return typeof result !== "number";
  }

  return {
    async removePage(before, continuationToken) {
      const page = await table.run((client) =>
        client
          .listEntities<{ readonly writtenTime?: string }>({
            queryOptions: {
              select: ["PartitionKey", "RowKey", "Timestamp", "writtenTime"],
            },
          })
          .byPage({
            maxPageSize: PAGE,
            ...(continuationToken !== undefined && { continuationToken }),
          })
          .next(),
      );
      const rows = (page.value ?? []) as Row[] & {
        continuationToken?: string;
      };
      const old = rows.filter((row) => ends(row.rowKey ?? "") && writtenMs(row) < before.getTime());
      let removed = 0;
      const removeRows = async (): Promise<void> => {
        for (let row = old.shift(); row !== undefined; row = old.shift())
          if (await remove(row)) removed += 1;
      };
      await Promise.all(Array.from({ length: PARALLEL }, removeRows));
      return {
        removed,
        ...(rows.continuationToken && { next: rows.continuationToken }),
      };
    },
  };
}

/** Rows of earlier releases say no time: Table Storage knows when they were last written. */
function writtenMs({ writtenTime, timestamp }: Row): number {
  return Date.parse(writtenTime ?? timestamp ?? "");
}
