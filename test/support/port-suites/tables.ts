import { beforeAll, describe } from "vitest";
import { createIdempotencyKeys } from "../../../src/azure/tables/idempotency-keys.js";
import { createImageDocuments } from "../../../src/azure/tables/image-documents.js";
import { createIndex } from "../../../src/azure/tables/index-table.js";
import { createStateStore } from "../../../src/azure/tables/state-store.js";
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
  beforeAll(async () => {
    const server = await start();
    const { connectionString } = server;
    storage = { kind: "connectionString", connectionString };
    return () => server.close();
  });

  describe("the state store", () => {
    stateStoreSuite(() => createStateStore(storage));
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
