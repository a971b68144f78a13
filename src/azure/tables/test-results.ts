import { createHash } from "node:crypto";
import { odata } from "@azure/data-tables";
import { keyOf } from "../../resource-id.js";
import type {
  StoredTestResult,
  TestResults,
} from "../../test-results/ports.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./table.js";

export const RESULTS_TABLE = "SigilTestResults";

/** Results in Table Storage: a partition a version, a row for each region and name, guarded by its ETag. */
export function createTestResults(storage: TableStorage): TestResults {
  const table = new Table(storage, RESULTS_TABLE);
  return {
    list: (versionId) =>
      table.run<readonly StoredTestResult[]>(async (client) => {
        const results: StoredTestResult[] = [];
        for await (const entity of client.listEntities<Record<string, unknown>>(
          {
            queryOptions: {
              filter: odata`PartitionKey eq ${keyOf(versionId)}`,
            },
          },
        ))
          results.push(fromProperties<StoredTestResult>(entity));
        return results;
      }),
    async read(versionId, region, name) {
      const entity = await table.run(
        (client) =>
          client.getEntity<Record<string, unknown>>(
            keyOf(versionId),
            rowKey(region, name),
          ),
        404,
      );
      return entity === 404
        ? undefined
        : {
            stored: fromProperties<StoredTestResult>(entity),
            etag: entity.etag,
          };
    },
    put: (result, etag) =>
      table.putIfUnchanged(
        {
          partitionKey: keyOf(result.versionId),
          rowKey: rowKey(result.region, result.name),
          ...toProperties(result),
        },
        etag,
      ),
  };
}

/** A name may have characters that a key may not. */
function rowKey(region: string, name: string): string {
  return createHash("sha256")
    .update(JSON.stringify([region, name]))
    .digest("hex")
    .slice(0, 32);
}
