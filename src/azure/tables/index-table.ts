import { odata } from "@azure/data-tables";
import type { Index, IndexPage } from "../../operation/ports.js";
import { forgedToken } from "../../operation/queries.js";
import { Table, type TableStorage } from "./table.js";

interface Row {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly target: string;
  readonly digest?: string | null;
  readonly shown?: string | null;
  readonly timestamp?: string;
}

/** Table Storage may answer null for a selected column that a row lacks. */
const COLUMNS = ["rowKey", "timestamp", "target", "digest"];

/**
 * Listings in Table Storage: one partition for each scope, so a page starts where the last one
 * ended.
 */
export function createIndex(storage: TableStorage): Index {
  const table = new Table(storage, "SigilIndex");
  return {
    async put(rows) {
      await Promise.all(
        rows.map(({ scope: partitionKey, row: rowKey, target, digest, shown }) =>
          table.run((client) =>
            client.upsertEntity(
              {
                partitionKey,
                rowKey,
                target,
                ...(digest !== undefined && { digest }),
                ...(shown !== undefined && { shown }),
              },
              "Replace",
            ),
          ),
        ),
      );
    },
    async remove(rows) {
      await Promise.all(
        rows.map(({ scope, row }) => table.run((client) => client.deleteEntity(scope, row), 404)),
      );
    },
    async page(scope, top, continuationToken, after, withShown = false) {
      if (continuationToken !== undefined) checkContinuationToken(continuationToken);
      const page = await table.run(
        (client) =>
          client
            .listEntities<Row>({
              queryOptions: {
                select: [...COLUMNS, ...(withShown ? ["shown"] : [])],
                filter:
                  after === undefined
                    ? odata`PartitionKey eq ${scope}`
                    : odata`PartitionKey eq ${scope} and RowKey gt ${after}`,
              },
            })
            .byPage({
              maxPageSize: top,
              ...(continuationToken !== undefined && { continuationToken }),
            })
            .next(),
        // The token has the right shape, but Table Storage rejects its keys.
        ...(continuationToken === undefined ? [] : [400 as const]),
      );
      if (page === 400) throw forgedToken();
      const entities = (page.value ?? []) as Row[] & {
        continuationToken?: string;
      };
      return {
        rows: entities.map((entity) => ({
          scope,
          row: entity.rowKey,
          target: entity.target,
          ...(typeof entity.digest === "string" && { digest: entity.digest }),
          ...(typeof entity.shown === "string" && { shown: entity.shown }),
          writtenTime: entity.timestamp ?? "",
        })),
        ...(entities.continuationToken && {
          continuationToken: entities.continuationToken,
        }),
      } satisfies IndexPage;
    },
  };
}

/**
 * Checks a token before use. The SDK's token is JSON in base64 that names the next keys, and
 * callers can send any text.
 */
function checkContinuationToken(token: string): void {
  try {
    const keys = JSON.parse(Buffer.from(token, "base64").toString("utf8")) as Record<
      string,
      unknown
    >;
    const { nextPartitionKey, nextRowKey } = keys;
    if (
      typeof nextPartitionKey === "string" &&
      (nextRowKey === undefined || typeof nextRowKey === "string")
    )
      return;
  } catch {
    // Answered below.
  }
  throw forgedToken();
}
