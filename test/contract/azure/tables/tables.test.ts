import { TableClient } from "@azure/data-tables";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { createIdempotencyKeys } from "../../../../src/azure/tables/idempotency-keys.js";
import { createIndex } from "../../../../src/azure/tables/index-table.js";
import { createStateStore } from "../../../../src/azure/tables/state-store.js";
import { KINDS } from "../../../../src/kinds.js";
import { Table, type TableStorage } from "../../../../src/azure/tables/table.js";
import type { ServiceError } from "../../../../src/errors.js";
import { operationScope } from "../../../../src/operation/catalog.js";
import { checkStore } from "../../../../src/operation/health.js";
import { OLDEST_SCHEMA, SCHEMA } from "../../../../src/operation/records.js";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { newKey, operationOf, TIME, versionOf } from "../../../support/port-suites/records.js";
import { tablesSuite } from "../../../support/port-suites/tables.js";
import { naming } from "../../../support/naming.js";

const now = (): Date => new Date(TIME);

describe("tables in memory", () => {
  tablesSuite(startMemoryTables);
});

let server: Awaited<ReturnType<typeof startMemoryTables>>;
let storage: TableStorage;
beforeAll(async () => {
  server = await startMemoryTables();
  storage = {
    kind: "connectionString",
    connectionString: server.connectionString,
  };
});
afterAll(() => server.close());

test.each([
  ["keys of another type", Buffer.from('{"nextPartitionKey":1}').toString("base64")],
  [
    "a row of another type",
    Buffer.from('{"nextPartitionKey":"a","nextRowKey":1}').toString("base64"),
  ],
])("%s is refused as a continuation token", async (_, token) => {
  await expect(createIndex(storage).page(newKey(), 10, token)).rejects.toMatchObject({
    code: "InvalidRequest",
  });
});

test("a claim of release 0.1.0 is known by the operation that it names", async () => {
  const OLD = { resourceKey: "r", fingerprint: "old" };
  const key = newKey();
  const keys = createIdempotencyKeys(storage, now);
  await keys.claim(key, { ...OLD, operationId: "operation" });
  await expect(keys.claim(key, { ...OLD, fingerprint: "new" })).resolves.toEqual({
    ...OLD,
    operationId: "operation",
    legacy: true,
    claimedTime: TIME,
  });
});

test("table storage that is down is a retryable DependencyUnavailable, and served again when it is back", async () => {
  const down = await startMemoryTables();
  await down.close();
  const { port, connectionString } = down;
  const unreachable: TableStorage = {
    kind: "connectionString",
    connectionString,
  };
  const key = newKey();
  const store = createStateStore(unreachable, KINDS);
  const version = versionOf(key);
  const results = await Promise.allSettled([
    store.read(key),
    store.commit(version, operationOf(version), undefined),
    createIndex(unreachable).page(key, 1),
    createIndex(unreachable).remove([{ scope: key, row: "a" }]),
    createIdempotencyKeys(unreachable, now).claim(key, {
      resourceKey: "r",
      fingerprint: "f",
      operationId: "o",
    }),
  ]);
  for (const result of results)
    expect(result).toMatchObject({
      status: "rejected",
      reason: {
        code: "DependencyUnavailable",
        retryable: true,
        message: expect.any(String) as string,
      },
    });
  const back = await startMemoryTables({ port });
  onTestFinished(() => back.close());
  await expect(store.read(key)).resolves.toBeUndefined();
});

test("tables that an operator deletes while Sigil runs are made again, empty, by the next call", async () => {
  const deleted = await startMemoryTables();
  onTestFinished(() => deleted.close());
  const { connectionString } = deleted;
  const store = createStateStore({ kind: "connectionString", connectionString }, KINDS);
  const version = versionOf(newKey());
  const operation = operationOf(version);
  await store.commit(version, operation, undefined);
  for (const next of [version, versionOf(newKey())]) {
    await TableClient.fromConnectionString(connectionString, "SigilState", {
      allowInsecureConnection: true,
    }).deleteTable();
    // A write, or a read, may be the first to find it gone.
    if (next !== version) expect(await store.read(version.key)).toBeUndefined();
    const stored = await store.commit(next, operationOf(next), undefined);
    expect(await store.read(next.key)).toMatchObject({ record: next });
    expect(stored.record).toEqual(next);
  }
});

/** The tables, at the address of a server that does with each request what `answer` says. */
async function silent(
  answer: (url: string, method?: string) => number | undefined,
): Promise<TableStorage & { received(requests: number): Promise<void> }> {
  let count = 0;
  const http = createServer((request, response) => {
    count += 1;
    const status = answer(request.url ?? "", request.method);
    if (status === 200)
      response.writeHead(200, { "Content-Type": "application/json" }).end('{"value":[]}');
    else if (status !== undefined) response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const { port } = http.address() as AddressInfo;
  return {
    kind: "connectionString",
    connectionString: server.connectionString.replace(`:${server.port}/`, `:${port}/`),
    async received(requests) {
      while (count < requests) await once(http, "request");
    },
  };
}

describe("a store that takes the connection and never answers", () => {
  const FIRST_MS = 10_000;
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"],
    });
    return () => void vi.useRealTimers();
  });

  test.each<[string, isReached: boolean, afterMs: number, requests: number]>([
    ["that was never reached", false, FIRST_MS, 1],
    // Transactions do not go through the client's pipeline.
    ["that has answered once", true, 1_400, 6],
  ])(
    "%s is DependencyUnavailable after the timeout, whatever is asked of it",
    async (_, isReached, afterMs, requests) => {
      let answers = isReached;
      const storage = await silent((url) => {
        if (!answers) return undefined;
        return url.includes("/Tables") ? 204 : 404;
      });
      const table = new Table(storage, "Silent");
      if (isReached) await table.run((client) => client.getEntity("p", "r"), 404);
      answers = false;
      const row = { partitionKey: "p", rowKey: "r" };
      let ended = 0;
      const calls = [
        table.run((client) => client.getEntity("p", "r"), 404),
        table.run((client) => client.upsertEntity(row)),
        table.run((client) => client.submitTransaction([["upsert", row]]), 412),
        table.run((client) => client.listEntities().byPage().next()),
      ].map((call) => call.finally(() => (ended += 1)));
      const results = Promise.allSettled(calls);
      await storage.received(requests);
      await vi.advanceTimersByTimeAsync(afterMs - 1);
      expect(ended).toBe(0);
      await vi.advanceTimersByTimeAsync(1);
      for (const result of await results)
        expect(result).toMatchObject({
          status: "rejected",
          reason: {
            code: "DependencyUnavailable",
            retryable: true,
            message: expect.any(String) as string,
          },
        });
    },
  );

  test("and answers others meanwhile is busy: it is given up when it answers nobody, or after ten seconds", async () => {
    let answersOthers = true;
    const storage = await silent((url) => {
      if (url.includes("/Tables")) return 204;
      return url.includes("other") && answersOthers ? 404 : undefined;
    });
    const table = new Table(storage, "Busy");
    const read = (row: string) => table.run((client) => client.getEntity("p", row), 404);
    const endOf = async (seconds: number): Promise<number> => {
      await read("other");
      let ended = false;
      const late = read("late").catch(() => (ended = true));
      for (let ms = 0; ; ms += 200) {
        if (ms % 1_000 === 0 && ms < seconds * 1_000) await read("other");
        answersOthers = ms < seconds * 1_000;
        if (ended) return (await late, ms);
        await vi.advanceTimersByTimeAsync(200);
      }
    };
    expect(await endOf(5)).toBe(4_000 + 200 + 1_400);
    answersOthers = true;
    expect(await endOf(60)).toBe(10_000);
  });

  test("is asked again at the next call, also for its table", async () => {
    let answers = false;
    const storage = await silent((url) => {
      if (!answers) return undefined;
      return url.includes("/Tables") ? 204 : 404;
    });
    const table = new Table(storage, "Silent");
    const read = () => table.run((client) => client.getEntity("p", "r"), 404);
    const refused = expect(read()).rejects.toMatchObject({
      code: "DependencyUnavailable",
    });
    await storage.received(1);
    await vi.advanceTimersByTimeAsync(FIRST_MS);
    await refused;
    answers = true;
    await expect(read()).resolves.toBe(404);
  });
});

test("a store that reads and refuses writes is not well", async () => {
  let refuses = true;
  const storage = await silent((url, method) => {
    if (url.includes("/Tables")) return 204;
    if (method === "GET") return url.includes("()") ? 200 : 404;
    return refuses ? 403 : 204;
  });
  const ports = {
    store: createStateStore(storage, KINDS),
    index: createIndex(storage),
  };
  await expect(checkStore(ports)).rejects.toMatchObject({
    code: "DependencyUnavailable",
    message: naming(["403"]),
  });
  refuses = false;
  await expect(checkStore(ports)).resolves.toBeUndefined();
});

test("a table that Azure is still deleting is DependencyUnavailable, and no conflict with another writer", async () => {
  const storage = await silent(() => 409); // TableBeingDeleted
  const table = new Table(storage, "Deleting");
  await expect(
    table.putIfUnchanged({ partitionKey: "p", rowKey: "r" }, undefined),
  ).rejects.toMatchObject({ code: "DependencyUnavailable" });
});

test("a store that refuses is asked twice, and no more: whoever waits is answered", async () => {
  let asked = 0;
  const refusing = await silent((url) => {
    if (url.includes("/Tables")) return 204;
    asked += 1;
    return 503;
  });
  const table = new Table(refusing, "Refusing");
  const read = table.run((client) => client.getEntity("p", "r"), 404);
  await expect(read).rejects.toMatchObject({ code: "DependencyUnavailable" });
  expect(asked).toBe(2);
});

test("a continuation token that Table Storage refuses is the caller's mistake", async () => {
  const refusing = await silent((url) => (url.includes("/Tables") ? 204 : 400));
  const index = createIndex(refusing);
  const token = Buffer.from('{"nextPartitionKey":"mine"}').toString("base64");
  await expect(index.page(newKey(), 10, token)).rejects.toMatchObject({
    code: "InvalidRequest",
    findings: [{ pointer: "/query/continuationToken" }],
  });
  // Without one it is ours.
  await expect(index.page(newKey(), 10)).rejects.toMatchObject({
    code: "DependencyUnavailable",
  });
});

describe("a record that a newer release has stored", () => {
  test("is not read, and stays as it is", async () => {
    const store = createStateStore(storage, KINDS);
    const version = versionOf(newKey(), { schema: SCHEMA + 1 });
    const operation = operationOf(version);
    const stored = await store.commit(version, operation, undefined);
    await expect(store.read(version.key)).rejects.toMatchObject({
      code: "StateTooNew",
      retryable: true,
      message: naming([version.resourceId, SCHEMA + 1, SCHEMA]),
    });
    await expect(store.readRecord(version.key)).rejects.toMatchObject({
      code: "StateTooNew",
    });
    // An operation may be read still.
    await expect(store.readOperation(operation.id)).resolves.toMatchObject({
      operation,
    });
    await expect(
      store.commit(versionOf(version.key, { step: 2 }), operationOf(version), stored),
    ).resolves.toMatchObject({ record: { step: 2 } });
  });
});

test("a store whose newest operation an earlier release has stored is not well; one of a newer release is", async () => {
  const dated = await startMemoryTables();
  onTestFinished(() => dated.close());
  const { connectionString } = dated;
  const tables: TableStorage = { kind: "connectionString", connectionString };
  const ports = {
    store: createStateStore(tables, KINDS),
    index: createIndex(tables),
  };
  for (const [schema, outcome] of [
    [SCHEMA + 1, "well"],
    [SCHEMA, "well"],
    [OLDEST_SCHEMA, "well"],
    [OLDEST_SCHEMA - 1, "StateTooOld"],
  ] as const) {
    const version = versionOf(newKey(), { schema });
    const operation = operationOf(version);
    await ports.store.commit(version, operation, undefined);
    const row = { scope: operationScope({}), row: `${schema}` };
    await ports.index.put([{ ...row, target: operation.id }]);
    const found = await checkStore(ports).then(
      () => "well",
      (error: unknown) => error as ServiceError,
    );
    if (outcome === "well") expect(found).toBe("well");
    else {
      expect(found).toMatchObject({ code: outcome });
      // Anybody may ask whether the service is ready.
      expect((found as ServiceError).message).not.toContain(version.resourceId);
    }
    await ports.index.remove([row]);
  }
});

test("a record that an earlier release has stored is not read, and the error says what to do", async () => {
  const store = createStateStore(storage, KINDS);
  for (const schema of [OLDEST_SCHEMA - 1, 0]) {
    const version = versionOf(newKey(), { schema });
    await store.commit(version, operationOf(version), undefined);
    await expect(store.read(version.key)).rejects.toMatchObject({
      code: "StateTooOld",
      message: expect.stringContaining(
        "Delete the tables SigilState and SigilIndex of the storage account",
      ) as string,
    });
  }
});
