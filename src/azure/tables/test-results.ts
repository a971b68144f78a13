import { createHash } from "node:crypto";
import { odata } from "@azure/data-tables";
import { keyOf } from "../../resource-id.js";
import { factOf, type StoredTestResult, type TestResults } from "../../test-results/ports.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./table.js";

export const RESULTS_TABLE = "SigilTestResults";

/** Test results in Table Storage: one partition for each version, one row for each result. */
export function createTestResults(storage: TableStorage): TestResults {
  const table = new Table(storage, RESULTS_TABLE);
  return {
    list: (versionId) =>
      table.run<readonly StoredTestResult[]>(async (client) => {
        const results: StoredTestResult[] = [];
        for await (const entity of client.listEntities<Record<string, unknown>>({
          queryOptions: {
            filter: odata`PartitionKey eq ${keyOf(versionId)}`,
          },
        }))
          results.push(fromProperties<StoredTestResult>(entity));
        return results;
      }),
    add: (result) =>
      table.run<void>(async (client) => {
        await client.upsertEntity(
          {
            partitionKey: keyOf(result.versionId),
            rowKey: rowKey(result),
            ...toProperties(result),
          },
          "Replace",
        );
      }),
  };
}

/** The row key of the fact that a result states. */
function rowKey(result: StoredTestResult): string {
  return createHash("sha256").update(factOf(result)).digest("hex").slice(0, 32);
}
