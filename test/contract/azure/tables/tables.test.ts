import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { createIdempotencyKeys } from "../../../../src/azure/tables/idempotency-keys.js";
import { createStateStore } from "../../../../src/azure/tables/state-store.js";
import { createIndex } from "../../../../src/azure/tables/index-table.js";
import {
  Table,
  type TableStorage,
} from "../../../../src/azure/tables/table.js";
import {
  SCHEMA,
  type OperationRecord,
} from "../../../../src/operation/records.js";
import { migrated } from "../../../../src/image-version/state/migration.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { emptyRecord } from "../../../../src/image-version/state/accepting.js";
import { startTableStorage } from "@sigil-local/stack/table-storage";

let server: Awaited<ReturnType<typeof startTableStorage>>;
let storage: TableStorage;
beforeAll(async () => {
  server = await startTableStorage({});
  storage = {
    kind: "connectionString",
    connectionString: server.connectionString,
  };
});
afterAll(() => server.close());

const TIME = "2026-01-01T00:00:00.000Z";
const now = (): Date => new Date(TIME);
/** A key of its own for each test, so that they share one server. */
const newKey = (): string => randomBytes(16).toString("hex");

function versionOf(
  key: string,
  more: Partial<ImageVersionRecord> = {},
): ImageVersionRecord {
  return {
    ...emptyRecord(key, `/versions/${key}`, TIME),
    sequence: 1,
    lastSequence: 1,
    step: 1,
    ...more,
  };
}

function operationOf(
  { key, sequence, resourceId }: ImageVersionRecord,
  more: Partial<OperationRecord> = {},
): OperationRecord {
  return {
    id: `${key}-${sequence}`,
    kind: "CreateImageVersion",
    status: "NotStarted",
    resourceId,
    fingerprint: "f",
    createdTime: TIME,
    lastUpdatedTime: TIME,
    requestedBy: { appId: "build-system" },
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    regions: [],
    history: [],
    ...more,
  };
}

describe("the image version store", () => {
  const conflict = { code: "StateConflict", retryable: true };

  test("answers undefined for what is not there", async () => {
    const store = createStateStore(storage, migrated);
    const key = newKey();
    await expect(store.read(key)).resolves.toBeUndefined();
    await expect(store.readOperation(`${key}-1`)).resolves.toBeUndefined();
    await expect(store.readOperation("no id")).resolves.toBeUndefined();
  });

  test("reads what was committed, with the ETag that the commit answered", async () => {
    const store = createStateStore(storage, migrated);
    const version = versionOf(newKey());
    const operation = operationOf(version);
    const committed = await store.commit(version, operation, undefined);
    expect(committed).toEqual({
      record: version,
      operation,
      etag: expect.stringMatching(/./u) as string,
    });
    await expect(store.read(version.key)).resolves.toEqual(committed);
    await expect(store.readOperation(operation.id)).resolves.toEqual(operation);
  });

  test("keeps a document of any size, and nothing of one that it replaces", async () => {
    const store = createStateStore(storage, migrated);
    const small = versionOf(newKey());
    const large = versionOf(small.key, {
      resourceId: randomBytes(150 * 1024).toString("base64"),
    });
    const operation = operationOf(small);
    let etag: string | undefined;
    for (const version of [small, large, small, large]) {
      ({ etag } = await store.commit(version, operation, etag));
      await expect(store.read(small.key)).resolves.toEqual({
        record: version,
        operation,
        etag,
      });
    }
  });

  test("refuses to insert what is stored already, and writes neither row", async () => {
    const store = createStateStore(storage, migrated);
    const version = versionOf(newKey());
    const first = await store.commit(version, operationOf(version), undefined);
    const second = versionOf(version.key, { sequence: 2 });
    await expect(
      store.commit(second, operationOf(second), undefined),
    ).rejects.toMatchObject(conflict);
    await expect(store.read(version.key)).resolves.toEqual(first);
    await expect(
      store.readOperation(`${version.key}-2`),
    ).resolves.toBeUndefined();
  });

  test("refuses a stale ETag, and writes neither row", async () => {
    const store = createStateStore(storage, migrated);
    const version = versionOf(newKey());
    const operation = operationOf(version);
    const { etag } = await store.commit(version, operation, undefined);
    const next = versionOf(version.key, { step: 2 });
    const current = await store.commit(
      next,
      operationOf(next, { status: "Running" }),
      etag,
    );
    const late = versionOf(version.key, { step: 9, sequence: 2 });
    await expect(
      store.commit(late, operationOf(late), etag),
    ).rejects.toMatchObject(conflict);
    await expect(
      store.commit(next, operationOf(next, { status: "Failed" }), etag),
    ).rejects.toMatchObject(conflict);
    await expect(store.read(version.key)).resolves.toEqual(current);
    await expect(
      store.readOperation(`${version.key}-2`),
    ).resolves.toBeUndefined();
  });

  test("lets one of many writers win", async () => {
    const store = createStateStore(storage, migrated);
    const version = versionOf(newKey());
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, ticks) =>
        store.commit({ ...version, ticks }, operationOf(version), undefined),
      ),
    );
    const won = results.filter((result) => result.status === "fulfilled");
    expect(won).toHaveLength(1);
    await expect(store.read(version.key)).resolves.toEqual(won[0]?.value);
    for (const result of results)
      if (result.status === "rejected")
        expect(result.reason).toMatchObject(conflict);
  });

  test("keeps the operations of before", async () => {
    const store = createStateStore(storage, migrated);
    const version = versionOf(newKey());
    const first = operationOf(version, { status: "Failed" });
    const { etag } = await store.commit(version, first, undefined);
    const again = versionOf(version.key, { sequence: 2 });
    await store.commit(again, operationOf(again), etag);
    await expect(store.readOperation(first.id)).resolves.toEqual(first);
    await expect(store.read(version.key)).resolves.toMatchObject({
      operation: { id: `${version.key}-2` },
    });
  });
});

describe("an operation that is forgotten", () => {
  /** A record whose second operation is the current one. */
  async function stored() {
    const store = createStateStore(storage, migrated);
    const version = versionOf(newKey());
    const first = operationOf(version, { status: "Failed" });
    const { etag } = await store.commit(version, first, undefined);
    const again = versionOf(version.key, { sequence: 2, lastSequence: 2 });
    return {
      store,
      first,
      current: await store.commit(again, operationOf(again), etag),
    };
  }

  test("is gone, and nothing else is changed", async () => {
    const { store, first, current } = await stored();
    await store.forget(current, first.id);
    await expect(store.readOperation(first.id)).resolves.toBeUndefined();
    const { etag, ...rest } = current;
    const read = await store.read(current.record.key);
    expect(read).toMatchObject(rest);
    expect(read?.etag).not.toBe(etag);
  });

  test("stays where another has written meanwhile", async () => {
    const { store, first, current } = await stored();
    await store.commit(current.record, current.operation, current.etag);
    await expect(store.forget(current, first.id)).rejects.toMatchObject({
      code: "StateConflict",
    });
    await expect(store.readOperation(first.id)).resolves.toEqual(first);
  });

  test("may be forgotten twice", async () => {
    const { store, first, current } = await stored();
    await store.forget(current, first.id);
    const again = await store.read(current.record.key);
    if (again === undefined) throw new Error("the record is gone");
    await store.forget(again, first.id);
    await expect(store.read(current.record.key)).resolves.toEqual(again);
  });
});

describe("the index", () => {
  const rowsOf = (scope: string, ...rows: string[]) =>
    rows.map((row) => ({ scope, row, target: `target of ${row}` }));

  test("lists the rows of a scope in their order, and no others", async () => {
    const index = createIndex(storage);
    const scope = newKey();
    await index.put([
      ...rowsOf(scope, "c", "a", "b"),
      ...rowsOf(newKey(), "d"),
    ]);
    const { rows, ...rest } = await index.page(scope, 10);
    expect(rest).toEqual({});
    expect(rows.map(({ writtenTime: _, ...row }) => row)).toEqual(
      rowsOf(scope, "a", "b", "c"),
    );
    for (const { writtenTime } of rows)
      expect(new Date(writtenTime).getTime()).toBeGreaterThan(0);
  });

  test("an empty scope has one page, with nothing in it", async () => {
    const page = await createIndex(storage).page(newKey(), 10);
    expect(page).toEqual({ rows: [] });
  });

  test("pages go on where the last ended, each row once", async () => {
    const index = createIndex(storage);
    const scope = newKey();
    await index.put(rowsOf(scope, "e", "d", "c", "b", "a"));
    const pages: string[][] = [];
    let token: string | undefined;
    do {
      const page = await index.page(scope, 2, token);
      pages.push(page.rows.map(({ row }) => row));
      token = page.continuationToken;
    } while (token !== undefined);
    expect(pages).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  test("a token of another scope shows nothing of that scope", async () => {
    const index = createIndex(storage);
    const [scope, other] = [newKey(), newKey()];
    await index.put([...rowsOf(scope, "a"), ...rowsOf(other, "b", "c", "d")]);
    const { continuationToken } = await index.page(other, 1);
    expect(continuationToken).toBeDefined();
    const { rows } = await index.page(scope, 10, continuationToken);
    expect(rows.filter((row) => row.scope !== scope)).toEqual([]);
    expect(rows.map(({ target }) => target)).not.toContain("target of c");
  });

  test("a row put again is one row, with the last target", async () => {
    const index = createIndex(storage);
    const scope = newKey();
    await index.put(rowsOf(scope, "a"));
    await index.put([{ scope, row: "a", target: "another" }]);
    const { rows } = await index.page(scope, 10);
    expect(rows.map(({ row, target }) => [row, target])).toEqual([
      ["a", "another"],
    ]);
  });

  test("a row removed again stays removed", async () => {
    const index = createIndex(storage);
    const scope = newKey();
    await index.put(rowsOf(scope, "a", "b"));
    await index.remove([{ scope, row: "a" }]);
    await index.remove([
      { scope, row: "a" },
      { scope, row: "never" },
    ]);
    const { rows } = await index.page(scope, 10);
    expect(rows.map(({ row }) => row)).toEqual(["b"]);
  });

  test.each([
    ["text", "text"],
    ["nothing", ""],
    ["null in base64", Buffer.from("null").toString("base64")],
    ["an object in base64", Buffer.from('{"a":1}').toString("base64")],
    [
      "keys of another type",
      Buffer.from('{"nextPartitionKey":1}').toString("base64"),
    ],
    [
      "a row of another type",
      Buffer.from('{"nextPartitionKey":"a","nextRowKey":1}').toString("base64"),
    ],
  ])("%s is refused as a continuation token", async (_, token) => {
    await expect(
      createIndex(storage).page(newKey(), 10, token),
    ).rejects.toMatchObject({
      code: "InvalidRequest",
      retryable: false,
      findings: [
        { code: "InvalidFormat", pointer: "/query/continuationToken" },
      ],
    });
  });
});

describe("idempotency keys", () => {
  const claimOf = (fingerprint: string) => ({
    resourceKey: "r",
    fingerprint,
  });

  test("a claim is bound to the operation that it has led to", async () => {
    const key = newKey();
    const keys = createIdempotencyKeys(storage, now);
    await keys.claim(key, claimOf("1"));
    await keys.bind(key, "operation");
    await expect(keys.claim(key, claimOf("1"))).resolves.toEqual({
      ...claimOf("1"),
      operationId: "operation",
      claimedTime: TIME,
    });
  });

  test("a claim that has ended is bound to nothing", async () => {
    const key = newKey();
    await createIdempotencyKeys(storage, now).bind(key, "operation");
    const later = createIdempotencyKeys(storage, now);
    await expect(later.claim(key, claimOf("1"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
    });
  });

  test("a claim of release 0.1.0 is known by the operation that it names", async () => {
    const key = newKey();
    const keys = createIdempotencyKeys(storage, now);
    await keys.claim(key, { ...claimOf("old"), operationId: "operation" });
    await expect(keys.claim(key, claimOf("new"))).resolves.toEqual({
      ...claimOf("old"),
      operationId: "operation",
      legacy: true,
      claimedTime: TIME,
    });
  });

  test("the first claim is kept and answered ever after", async () => {
    const key = newKey();
    const first = createIdempotencyKeys(storage, now);
    await expect(first.claim(key, claimOf("1"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
    });
    await expect(first.claim(key, claimOf("2"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
    });
    const afterRestart = createIdempotencyKeys(storage, now);
    await expect(afterRestart.claim(key, claimOf("3"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
    });
  });

  test("of many claims at once all are answered the same", async () => {
    const keys = createIdempotencyKeys(storage, now);
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => keys.claim(key, claimOf(String(i)))),
    );
    expect(new Set(answers.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  test("keys do not meet", async () => {
    const keys = createIdempotencyKeys(storage, now);
    await keys.claim(newKey(), claimOf("1"));
    await expect(keys.claim(newKey(), claimOf("2"))).resolves.toEqual({
      ...claimOf("2"),
      claimedTime: TIME,
    });
  });
});

test("table storage that is down is a retryable DependencyUnavailable, and served again when it is back", async () => {
  const down = await startTableStorage({});
  await down.close();
  const { port, connectionString } = down;
  const unreachable: TableStorage = {
    kind: "connectionString",
    connectionString,
  };
  const key = newKey();
  const store = createStateStore(unreachable, migrated);
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
        message: "Table Storage did not answer as expected (no answer).",
      },
    });
  const back = await startTableStorage({ port });
  onTestFinished(() => back.close());
  await expect(store.read(key)).resolves.toBeUndefined();
});

/** The tables, at the address of a server that does with each request what `answer` says. */
async function silent(
  answer: (url: string) => number | undefined,
): Promise<TableStorage & { readonly asked: string[] }> {
  const asked: string[] = [];
  const http = createServer((request, response) => {
    const { url = "" } = request;
    asked.push(url);
    const status = answer(url);
    if (status !== undefined) response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const { port } = http.address() as AddressInfo;
  return {
    kind: "connectionString",
    connectionString: server.connectionString.replace(
      `:${server.port}/`,
      `:${port}/`,
    ),
    asked,
  };
}

describe("a store that takes the connection and never answers", () => {
  const TIMEOUT_MS = 100;

  test.each<[string, (url: string) => number | undefined]>([
    ["at all", () => undefined],
    // Transactions do not go through the client's pipeline.
    [
      "once the table is there",
      (url) => (url.includes("/Tables") ? 204 : undefined),
    ],
  ])(
    "%s is DependencyUnavailable after the timeout, whatever is asked of it",
    async (_, answer) => {
      const storage = await silent(answer);
      const table = new Table(storage, "Silent", TIMEOUT_MS);
      const row = { partitionKey: "p", rowKey: "r" };
      const began = performance.now();
      const results = await Promise.allSettled([
        table.run((client) => client.getEntity("p", "r"), 404),
        table.run((client) => client.upsertEntity(row)),
        table.run((client) => client.submitTransaction([["upsert", row]]), 412),
        table.run((client) => client.listEntities().byPage().next()),
      ]);
      expect(performance.now() - began).toBeLessThan(20 * TIMEOUT_MS);
      expect(storage.asked.length).toBeGreaterThan(0);
      for (const result of results)
        expect(result).toMatchObject({
          status: "rejected",
          reason: {
            code: "DependencyUnavailable",
            retryable: true,
            message: "Table Storage did not answer as expected (no answer).",
          },
        });
    },
  );

  test("is asked again at the next call, also for its table", async () => {
    let answers = false;
    const storage = await silent(() => (answers ? 404 : undefined));
    const table = new Table(storage, "Silent", TIMEOUT_MS);
    const read = () => table.run((client) => client.getEntity("p", "r"), 404);
    await expect(read()).rejects.toMatchObject({
      code: "DependencyUnavailable",
    });
    answers = true;
    await expect(read()).resolves.toBe(404);
  });
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
    const store = createStateStore(storage, migrated);
    const version = versionOf(newKey(), { schema: SCHEMA + 1 });
    const operation = operationOf(version);
    const { etag } = await store.commit(version, operation, undefined);
    await expect(store.read(version.key)).rejects.toMatchObject({
      code: "StateTooNew",
      retryable: true,
      message: `The state of ${version.resourceId} was stored by a newer release of Sigil (schema ${SCHEMA + 1}; this one knows ${SCHEMA}). That release goes on with it.`,
    });
    // An operation may be read still.
    await expect(store.readOperation(operation.id)).resolves.toEqual(operation);
    await expect(
      store.commit(
        versionOf(version.key, { step: 2 }),
        operationOf(version),
        etag,
      ),
    ).resolves.toMatchObject({ record: { step: 2 } });
  });
});
