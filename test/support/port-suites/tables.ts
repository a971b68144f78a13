import { TableClient, TableServiceClient, type RestError } from "@azure/data-tables";
import { beforeAll, describe, expect, test } from "vitest";
import { createIdempotencyKeys } from "../../../src/azure/tables/idempotency-keys.js";
import { createImageDocuments } from "../../../src/azure/tables/image-documents.js";
import { createIndex } from "../../../src/azure/tables/index-table.js";
import { createStateStore } from "../../../src/azure/tables/state-store.js";
import { KINDS } from "../../../src/kinds.js";
import type { TableStorage } from "../../../src/azure/tables/table.js";
import { createTestResults } from "../../../src/azure/tables/test-results.js";
import { createVersionNumbers } from "../../../src/azure/tables/version-numbers.js";
import type { TableStorage as RunningTables } from "@sigil-local/stack/memory-tables";
import { idempotencyKeysSuite } from "./idempotency-keys.js";
import { imageDocumentsSuite, type TestDocument } from "./image-documents.js";
import { indexSuite } from "./listing-index.js";
import { TIME } from "./records.js";
import { stateStoreSuite } from "./state-store.js";
import { testResultsSuite } from "./test-results.js";
import { versionNumbersSuite } from "./version-numbers.js";

const now = (): Date => new Date(TIME);

/** Every port whose adapter keeps rows in tables, on one table service. */
export function tablesSuite(start: () => Promise<RunningTables>): void {
  let storage: TableStorage;
  let connectionString: string;
  beforeAll(async () => {
    const server = await start();
    ({ connectionString } = server);
    storage = { kind: "connectionString", connectionString };
    return () => server.close();
  });

  describe("the tables themselves", () => {
    const OPTIONS = { allowInsecureConnection: true };
    const tableOf = (name: string): TableClient =>
      TableClient.fromConnectionString(connectionString, name, OPTIONS);
    const names = async (): Promise<string[]> => {
      const found: string[] = [];
      const service = TableServiceClient.fromConnectionString(connectionString, OPTIONS);
      for await (const { name = "" } of service.listTables()) found.push(name);
      return found;
    };
    const statusOf = (call: Promise<unknown>): Promise<unknown> =>
      call.then(
        () => "done",
        (error: unknown) => (error as RestError).statusCode,
      );
    const ROW = { partitionKey: "p", rowKey: "r" };

    test("one that is deleted is gone with its rows, and can be created again", async () => {
      const table = tableOf("Deleted");
      await table.createTable();
      await table.createEntity(ROW);
      await table.deleteTable();
      expect(await names()).not.toContain("Deleted");
      expect(await statusOf(table.createEntity(ROW))).toBe(404);
      await table.createTable();
      expect(await statusOf(table.getEntity("p", "r"))).toBe(404);
      expect(await statusOf(table.createEntity(ROW))).toBe("done");
    });

    // https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#table-names
    test.each(["ab", "1abc", "with-dash", "under_score", "a".repeat(64)])(
      "a name that Azure does not allow is refused: %s",
      async (name) => {
        expect(await statusOf(tableOf(name).createTable())).toBe(400);
      },
    );

    test.each(["abc", "A1b", "b".repeat(63)])(
      "a name that Azure allows is taken: %s",
      async (name) => {
        expect(await statusOf(tableOf(name).createTable())).toBe("done");
        expect(await names()).toContain(name);
      },
    );
  });

  describe("the state store", () => {
    stateStoreSuite(() => createStateStore(storage, KINDS));
  });
  describe("the index", () => {
    indexSuite(() => createIndex(storage));
  });
  describe("idempotency keys", () => {
    idempotencyKeysSuite(() => createIdempotencyKeys(storage, now));
  });
  describe("version numbers", () => {
    versionNumbersSuite(() => createVersionNumbers(storage, now));
  });
  describe("documents of image definitions", () => {
    imageDocumentsSuite(() =>
      createImageDocuments<TestDocument>(storage, "Documents", "one", "one"),
    );
  });
  describe("test results", () => {
    testResultsSuite(() => createTestResults(storage));
  });
}
