import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createAgedRows } from "../../../../src/azure/tables/aged-rows.js";

const READ = 'W/"as it was read"';

/** A table with one old row, which has that ETag when it is to be removed. */
async function rowsOf(etag: string) {
  const http = createServer((request, response) => {
    request.resume();
    response.setHeader("Content-Type", "application/json");
    switch (request.method) {
      case "GET":
        return response.end(
          JSON.stringify({
            value: [
              {
                "odata.etag": READ,
                PartitionKey: "p",
                RowKey: "r",
                writtenTime: "2025-01-01T00:00:00.000Z",
              },
            ],
          }),
        );
      case "DELETE": {
        const condition = request.headers["if-match"] ?? "*";
        response.statusCode = ["*", etag].includes(condition) ? 204 : 412;
        return response.end();
      }
      default:
        response.statusCode = 204; // The table is there.
        return response.end();
    }
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  return createAgedRows(
    {
      kind: "connectionString",
      connectionString: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:${port}/a;`,
    },
    "Aged",
  );
}

const BEFORE = new Date("2026-01-01T00:00:00.000Z");

test("an old row is removed", async () => {
  const rows = await rowsOf(READ);
  expect(await rows.removePage(BEFORE)).toEqual({ removed: 1 });
});

test("one that was written after it was read stays: its key is in use again", async () => {
  const rows = await rowsOf('W/"written since"');
  expect(await rows.removePage(BEFORE)).toEqual({ removed: 0 });
});
