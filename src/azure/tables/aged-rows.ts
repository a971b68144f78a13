import type { TableEntityResult } from "@azure/data-tables";
import type { AgedRows } from "../../operation/ageing.js";
import { Table, type TableStorage } from "./table.js";

/** Rows in one page. */
const PAGE = 500;
/** Rows removed at the same time. */
const PARALLEL = 8;

type Row = TableEntityResult<{ readonly writtenTime?: string }>;

/**
 * Deletes the rows of a table that are old enough, in the order of their keys. Such a table has few
 * other rows, so the walk is short.
 */
export function createAgedRows(
  storage: TableStorage,
  tableName: string,
  /** Whether a row may expire. */
  ends: (rowKey: string) => boolean = () => true,
): AgedRows {
  const table = new Table(storage, tableName);

  /** Removes a row; false if it was changed meanwhile or is gone. */
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

/**
 * When the row was written. Rows of earlier releases lack the member, so use Table Storage's own
 * timestamp.
 */
function writtenMs({ writtenTime, timestamp }: Row): number {
  return Date.parse(writtenTime ?? timestamp ?? "");
}
