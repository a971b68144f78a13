import { afterAll, beforeAll } from "vitest";
import { createRetentionPolicies } from "../../../../src/azure/tables/retention-policies.js";
import { startTableStorage } from "@sigil-local/stack/table-storage";
import { retentionPoliciesSuite } from "../../../support/port-suites/retention-policies.js";

let server: Awaited<ReturnType<typeof startTableStorage>>;
beforeAll(async () => {
  server = await startTableStorage({});
});
afterAll(() => server.close());

retentionPoliciesSuite(() =>
  createRetentionPolicies({
    kind: "connectionString",
    connectionString: server.connectionString,
  }),
);
