import { TableClient } from "@azure/data-tables";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createAgedRows } from "../../../../src/azure/tables/aged-rows.js";
import {
  CLAIMS_TABLE,
  createIdempotencyKeys,
} from "../../../../src/azure/tables/idempotency-keys.js";
import { createIndex } from "../../../../src/azure/tables/index-table.js";
import { createStateStore } from "../../../../src/azure/tables/state-store.js";
import type { TableStorage } from "../../../../src/azure/tables/table.js";
import { isRequestRow, NUMBERS_TABLE } from "../../../../src/azure/tables/version-numbers.js";
import { ServiceError } from "../../../../src/errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../../src/image-version/commands/promote.js";
import { placeOf, IMAGES_SCOPE, versionScope } from "../../../../src/listings.js";
import { emptyRecord } from "../../../../src/image-version/state/record.js";
import { KINDS } from "../../../../src/kinds.js";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { agedOperations, removeAged, type Ageing } from "../../../../src/operation/ageing.js";
import {
  createdAt,
  indexed,
  keptScope,
  operationScope,
} from "../../../../src/operation/catalog.js";
import type { Index, StateStore } from "../../../../src/operation/ports.js";
import { getOperation, listOperations } from "../../../../src/operation/queries.js";
import {
  operationIdOf,
  type OperationRecord,
  type TrackedRecord,
} from "../../../../src/operation/records.js";
import { keyOf } from "../../../../src/resource-id.js";
import { idOf, request, TRACEPARENT } from "../../../support/dependencies.js";
import { startOnLoopback } from "../../../support/on-loopback.js";
import { managedImageRequest, seedResource, seedVersionId } from "../../../support/requests.js";
import { at } from "../../../support/transitions.js";
import { naming } from "../../../support/naming.js";

const DAY = 86_400_000;
const KEEP_OPERATIONS = 396 * DAY;
const KEEP_KEYS = 30 * DAY;
const IMAGE = seedResource("galleries/MyGallery/images/MyImage");
/** Of the image definition, of the version, and that its last operation is kept. */
const ROWS_THAT_STAY = 3;

let storage: TableStorage & { readonly connectionString: string };
/** Table storage stamps its rows with the time of day. */
let nowMs: number;
let deps: {
  readonly store: StateStore<TrackedRecord>;
  readonly index: Index;
  readonly kinds: typeof KINDS;
  readonly now: () => Date;
};

async function start(): Promise<void> {
  const server = await startMemoryTables();
  onTestFinished(() => server.close());
  const { connectionString } = server;
  storage = { kind: "connectionString", connectionString };
  nowMs = Date.now();
  deps = dependenciesOf(storage, () => new Date(nowMs));
}

function dependenciesOf(storage: TableStorage, now: () => Date): typeof deps {
  return {
    store: createStateStore<TrackedRecord>(storage, KINDS),
    index: createIndex(storage),
    kinds: KINDS,
    now,
  };
}

/** What the product lets age, in its tables. */
function ageing(of: typeof deps, tables: TableStorage): readonly Ageing[] {
  return [
    {
      name: "operations",
      keepMs: KEEP_OPERATIONS,
      rows: agedOperations(of),
    },
    {
      name: "idempotencyKeys",
      keepMs: KEEP_KEYS,
      rows: createAgedRows(tables, CLAIMS_TABLE),
    },
    {
      name: "versionNumbers",
      keepMs: KEEP_KEYS,
      rows: createAgedRows(tables, NUMBERS_TABLE, isRequestRow),
    },
  ];
}

const run = (of: typeof deps = deps) => removeAged(of, ageing(of, storage));

/** Each row of a table as `partition/row`. */
async function rowsIn(table: string, tables = storage): Promise<string[]> {
  const client = TableClient.fromConnectionString(tables.connectionString, table, {
    allowInsecureConnection: true,
  });
  const rows: string[] = [];
  for await (const { partitionKey, rowKey } of client.listEntities())
    rows.push(`${partitionKey}/${rowKey}`);
  return rows;
}

const stateRows = () => rowsIn("SigilState");
const indexRows = () => rowsIn("SigilIndex");

const versionId = (name: string): string => seedVersionId(name);

/** Accepts the next operation of a version, and ends it at once unless told otherwise. */
async function operate(
  name = "1.0.0",
  more: Partial<OperationRecord> = {},
  record: Partial<TrackedRecord> = {},
): Promise<OperationRecord> {
  const resourceId = versionId(name);
  const key = keyOf(resourceId);
  const last = await deps.store.read(key);
  const sequence = (last?.record.sequence ?? 0) + 1;
  const time = new Date(nowMs).toISOString();
  const operation: OperationRecord = {
    id: operationIdOf({ key, sequence }),
    kind: "PromoteImageVersion",
    status: "Succeeded",
    resourceId,
    fingerprint: "f",
    createdTime: time,
    lastUpdatedTime: time,
    endTime: time,
    requestedBy: {},
    traceparent: TRACEPARENT,
    regions: [],
    history: [],
    ...more,
  };
  await deps.store.commit(
    {
      ...emptyRecord(key, resourceId, time),
      state: "Succeeded",
      sequence,
      lastSequence: sequence,
      ...record,
    },
    operation,
    last,
  );
  await deps.index.put(indexed(operation, at(0)).put.filter(({ scope }) => scope !== "open"));
  return operation;
}

const readable = async (id: string) => (await deps.store.readOperation(id))?.operation;

describe("operations", () => {
  beforeEach(start);

  test("are kept for their time after they have ended, and go with every row that leads to them", async () => {
    const [first, second] = [await operate(), await operate()];
    const rows = await indexRows();
    nowMs += KEEP_OPERATIONS;
    expect(await run()).toMatchObject([{ removed: 0 }, {}, {}]);
    expect(await indexRows()).toEqual(rows);
    nowMs += 1;
    expect(await run()).toMatchObject([
      { removed: 1, kept: 1, unfinished: false, errors: [] },
      {},
      {},
    ]);
    expect(await readable(first.id)).toBeUndefined();
    expect(await readable(second.id)).toEqual(second);
    const key = keyOf(first.resourceId);
    // It has the latest operation, too.
    expect(await stateRows()).toEqual([`${key}/record`]);
    expect(await indexRows()).toEqual([
      `${IMAGES_SCOPE}/${keyOf(IMAGE)}`,
      `${keptScope(key)}/${second.id}`,
      expect.stringMatching(`^${versionScope(IMAGE)}/`),
    ]);
    await expect(getOperation(deps, first.id)).rejects.toMatchObject({
      code: "NotFound",
      message: naming([first.id, first.resourceId, second.id]),
    });
  });

  test("that were the latest go once another is, and has aged itself", async () => {
    const first = await operate();
    nowMs += KEEP_OPERATIONS + 1;
    await run();
    expect(await readable(first.id)).toEqual(first);
    const second = await operate();
    nowMs += KEEP_OPERATIONS + 1;
    await run();
    expect(await readable(first.id)).toBeUndefined();
    expect(await readable(second.id)).toEqual(second);
    expect(await stateRows()).toHaveLength(1);
    expect(await indexRows()).toHaveLength(ROWS_THAT_STAY);
  });

  test.each<[string, Partial<OperationRecord>, Partial<TrackedRecord>]>([
    ["have not ended", { status: "Running" }, { state: "Replicating" }],
    [
      "are still to be told",
      {},
      {
        outbox: [{ kind: "close", operationId: "x" }],
      },
    ],
  ])("that %s stay, however old", async (_, more, record) => {
    await operate();
    const { endTime: _end, ...open } = await operate("1.0.0", more, record);
    if (more.status === "Running") {
      const stored = await deps.store.read(keyOf(versionId("1.0.0")));
      if (stored === undefined) throw new Error("nothing is stored");
      await deps.store.commit(stored.record, open, stored);
    }
    nowMs += 10 * KEEP_OPERATIONS;
    await run();
    await run();
    expect(await readable(open.id)).toMatchObject({ id: open.id });
    const { value } = await listOperations(deps, {}, 10, undefined);
    expect(value.map(({ id }) => id)).toContain(open.id);
  });

  test("that ran for long are kept for their time after their end, not after their beginning", async () => {
    const createdTime = new Date(nowMs - 2 * KEEP_OPERATIONS).toISOString();
    const slow = await operate("1.0.0", { createdTime });
    await operate();
    await run();
    expect(await readable(slow.id)).toEqual(slow);
    nowMs += KEEP_OPERATIONS + 1;
    await run();
    expect(await readable(slow.id)).toBeUndefined();
  });

  test("of the last accepted number stay, though another is the current one", async () => {
    const first = await operate();
    const second = await operate();
    const third = await operate(
      "1.0.0",
      {},
      {
        sequence: 1,
        lastSequence: 3,
      },
    );
    // The third was queued and canceled: the first is still the current one.
    const key = keyOf(first.resourceId);
    const stored = await deps.store.read(key);
    expect(stored?.operation.id).toBe(first.id);
    nowMs += KEEP_OPERATIONS + 1;
    await run();
    expect(await Promise.all([first, second, third].map(({ id }) => readable(id)))).toEqual([
      first,
      undefined,
      third,
    ]);
  });

  test("of listings whose operation is gone are left out of the page", async () => {
    const first = await operate();
    const second = await operate();
    const stored = await deps.store.read(keyOf(first.resourceId));
    if (stored === undefined) throw new Error("nothing is stored");
    await deps.store.forget(stored, first.id);
    for (const filter of [{}, { status: "Succeeded" }] as const)
      expect((await listOperations(deps, filter, 10, undefined)).value).toEqual([second]);
  });

  test("cost a run the same, whatever stays", async () => {
    const calls = async (): Promise<number> => {
      let count = 0;
      await run(wrapped(() => void (count += 1)));
      return count;
    };
    await operate("1.0.0");
    nowMs += KEEP_OPERATIONS + 1;
    await run();
    const few = await calls();
    for (let i = 1; i <= 12; i += 1) await operate(`1.0.${i}`);
    nowMs += KEEP_OPERATIONS + 1;
    await run();
    // Thirteen versions with their latest operation, and twelve young operations.
    for (let i = 1; i <= 12; i += 1) await operate(`1.0.${i}`);
    expect(await calls()).toBe(few);
  });

  test("that are more than a page all go in one run", async () => {
    // What a run that has died after each removal would leave.
    const rows = Array.from({ length: 105 }, (_, i) => ({
      scope: operationScope({}),
      row: `${createdAt(nowMs)}-${10_000 + i}`,
      target: operationIdOf({ key: "0".repeat(32), sequence: i + 1 }),
    }));
    await deps.index.put(rows);
    nowMs += KEEP_OPERATIONS + 1;
    expect(await run()).toMatchObject([{ removed: 105, unfinished: false, errors: [] }, {}, {}]);
    expect(await indexRows()).toEqual([]);
  });
});

/** Runs until nothing is left to be removed; how many operations of one resource the last run could not. */
async function remaining(): Promise<number> {
  for (let runs = 0; runs < 30; runs += 1) {
    const [operations] = await run();
    const { rows } = await deps.index.page(operationScope({}), 200);
    if (rows.length === 0) return 0;
    expect(operations?.errors).toEqual([]);
  }
  return (await deps.index.page(operationScope({}), 200)).rows.length;
}

/** Dependencies that tell of each call before it is made; what that throws is what the call answers. */
function wrapped(before: (call: string) => void | Promise<void>): typeof deps {
  const of = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          await before(String(name));
          return method(...args);
        };
      },
    });
  return { ...deps, store: of(deps.store), index: of(deps.index) };
}

describe("a removal", () => {
  beforeEach(start);

  async function threeOfWhichTwoAge(): Promise<void> {
    for (let i = 0; i < 3; i += 1) await operate();
    nowMs += KEEP_OPERATIONS + 1;
  }

  test("that dies at any call is finished by the next run", { timeout: 120_000 }, async () => {
    await threeOfWhichTwoAge();
    let calls = 0;
    for (let at = 1; ; at += 1) {
      calls = 0;
      let died = false;
      await run(
        wrapped(() => {
          calls += 1;
          if (calls < at) return;
          died = true;
          throw new ServiceError("DependencyUnavailable", "killed", {
            retryAfterMs: 1,
          });
        }),
      );
      if (!died) break;
      // It has made some way, and what is there is whole: no row without its operation but the one that leads on.
      for (const row of await indexRows())
        if (/^operations-/u.test(row)) {
          const id = row.split("-").slice(-2).join("-");
          expect(await readable(id), row).toBeDefined();
        }
      if (at % 3 === 0) {
        for (let i = 0; i < 2; i += 1) await operate();
        nowMs += KEEP_OPERATIONS + 1;
      }
    }
    expect(calls).toBeGreaterThan(0);
    expect(await remaining()).toBe(0);
    expect(await stateRows()).toHaveLength(1);
    expect(await indexRows()).toHaveLength(ROWS_THAT_STAY);
  });

  test("by two at once does no harm", async () => {
    await threeOfWhichTwoAge();
    await Promise.all([run(), run(), run()]);
    expect(await remaining()).toBe(0);
    expect(await stateRows()).toHaveLength(1);
    expect(await indexRows()).toHaveLength(ROWS_THAT_STAY);
    expect(await deps.store.read(keyOf(versionId("1.0.0")))).toBeDefined();
  });

  test("gives way to a writer that comes between, whose write is whole", async () => {
    const first = await operate();
    nowMs += 1;
    await operate();
    nowMs += KEEP_OPERATIONS + 1;
    let third: OperationRecord | undefined;
    const [operations] = await run(
      wrapped(async (call) => {
        if (call === "forget" && third === undefined) third = await operate();
      }),
    );
    expect(operations).toMatchObject({ removed: 0, errors: [] });
    expect(await readable(first.id)).toEqual(first);
    const key = keyOf(versionId("1.0.0"));
    expect((await deps.store.read(key))?.operation).toEqual(third);
    // Now the second is the latest no more.
    await run();
    expect(await stateRows()).toEqual([`${key}/record`]);
  });

  test("of one operation that cannot be read holds back no other", async () => {
    await operate("1.0.0", {}, { schema: 99 });
    await operate("1.0.1");
    const gone = await operate("1.0.2");
    await operate("1.0.2");
    nowMs += KEEP_OPERATIONS + 1;
    const [operations] = await run();
    expect(operations).toMatchObject({
      removed: 1,
      errors: [{ code: "StateTooNew" }],
    });
    expect(await readable(gone.id)).toBeUndefined();
  });

  test("ends early where the store throttles, and goes on at the next run", async () => {
    await threeOfWhichTwoAge();
    let calls = 0;
    const [operations] = await run(
      wrapped((call) => {
        calls += 1;
        if (call === "readOperation")
          throw new ServiceError("DependencyUnavailable", "throttled", {
            retryAfterMs: 1,
          });
      }),
    );
    expect(operations).toMatchObject({
      removed: 0,
      unfinished: true,
      errors: [{ code: "DependencyUnavailable" }],
    });
    // A read for each that was looked at at once, no more.
    expect(calls).toBeLessThan(20);
    await run();
    expect(await remaining()).toBe(0);
  });
});

describe("claims of idempotency keys", () => {
  beforeEach(start);

  const CLAIM = { resourceKey: "r", fingerprint: "f" };

  test("end after their time, and the key is as one that was never used", async () => {
    const keys = createIdempotencyKeys(storage, deps.now);
    await keys.claim("old", CLAIM);
    await keys.bind("old", "operation");
    nowMs += KEEP_KEYS + 1;
    await keys.claim("young", CLAIM);
    expect(await run()).toMatchObject([{}, { removed: 1, errors: [] }, {}]);
    expect(await rowsIn(CLAIMS_TABLE)).toEqual(["young/claim"]);
    expect(await keys.claim("old", CLAIM)).toEqual({
      ...CLAIM,
      claimedTime: new Date(nowMs).toISOString(),
      isNew: true,
    });
  });

  test("of earlier releases end by the time when they were last written", async () => {
    const client = TableClient.fromConnectionString(storage.connectionString, CLAIMS_TABLE, {
      allowInsecureConnection: true,
    });
    await client.createTable();
    await client.createEntity({
      partitionKey: "legacy",
      rowKey: "claim",
      document: JSON.stringify({ ...CLAIM, operationId: "o" }),
    });
    nowMs += KEEP_KEYS - DAY;
    await run();
    expect(await rowsIn(CLAIMS_TABLE)).toEqual(["legacy/claim"]);
    nowMs += 2 * DAY;
    await run();
    expect(await rowsIn(CLAIMS_TABLE)).toEqual([]);
  });

  test("are walked page by page, and the next run goes on where one has ended", async () => {
    const keys = createIdempotencyKeys(storage, deps.now);
    const names = Array.from({ length: 510 }, (_, i) => `k${10_000 + i}`);
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(names.slice(i, i + 50).map((name) => keys.claim(name, CLAIM)));
    const rows = createAgedRows(storage, CLAIMS_TABLE);
    const before = new Date(nowMs - DAY);
    const first = await rows.removePage(before);
    expect(first.removed).toBe(0);
    expect(first.next).toBeDefined();
    // All are old now: what the first page has passed stays for the next walk.
    const later = new Date(nowMs + DAY);
    expect(await rows.removePage(later, first.next)).toEqual({ removed: 10 });
    expect(await rowsIn(CLAIMS_TABLE)).toEqual(names.slice(0, 500).map((name) => `${name}/claim`));
  });
});

test(
  "while two years pass, the rows of every table stay bounded, and each version's state and latest operation readable",
  { timeout: 180_000 },
  async () => {
    const world = await startOnLoopback({ replicationMs: 60_000 });
    onTestFinished(() => world.close());
    storage = world.tables as typeof storage;
    deps = dependenciesOf(world.tables, world.deps.now);
    const [changing, resting] = [versionId("1.0.0"), versionId("1.0.1")];
    /** The latest operation of each. */
    const latest = new Map<string, string>();
    for (const id of [changing, resting]) {
      await request(world.deps, id, managedImageRequest());
      latest.set(id, (await world.finish(id)).id);
    }
    const counts: Record<string, number>[] = [];
    const changes: string[] = [];
    for (let month = 0; month < 24; month += 1) {
      world.clock.advance(30 * DAY + DAY / 2);
      const change = month % 2 === 0 ? demoteImageVersion : promoteImageVersion;
      const { id } = await change(world.deps, {
        id: idOf(changing),
        requestedBy: { appId: "build-system" },
        traceparent: TRACEPARENT,
        idempotencyKey: `month ${month}`,
      });
      expect(await world.finish(changing)).toMatchObject({
        id,
        status: "Succeeded",
      });
      latest.set(changing, id);
      changes.unshift(id);
      await world.deps.versionNumbers.allocate(IMAGE, {
        requestKey: `month ${month}`,
        above: "1.0.1",
        increment: "patch",
      });
      for (const { errors, unfinished } of await run()) {
        expect(errors).toEqual([]);
        expect(unfinished).toBe(false);
      }
      const tables = ["SigilState", "SigilIndex", CLAIMS_TABLE, NUMBERS_TABLE];
      const rows = await Promise.all(tables.map((table) => rowsIn(table)));
      counts.push(Object.fromEntries(tables.map((table, i) => [table, rows[i]?.length ?? 0])));
      for (const [version, operationId] of latest) {
        const stored = await deps.store.read(keyOf(version));
        expect(stored).toMatchObject({
          record: { state: "Succeeded" },
          operation: { id: operationId, status: "Succeeded" },
        });
        expect((await getOperation(deps, operationId)).operation).toEqual(stored?.operation);
      }
    }
    // Thirteen months on, as many go as come.
    const [steady, ...others] = counts.slice(14);
    for (const other of others) expect(other).toEqual(steady);
    expect(steady).toMatchObject({
      // Two records with their latest operations, and twelve that were one's before.
      SigilState: 2 + 12,
      // Of the present month, and the number that was given last.
      [CLAIMS_TABLE]: 1,
      [NUMBERS_TABLE]: 1 + 1,
    });
    const place = placeOf({ image: IMAGE }) ?? "";
    const { value } = await listOperations(deps, { place }, 100, undefined);
    expect(value.map(({ id }) => id)).toEqual(changes.slice(0, 13));
    await expect(getOperation(deps, changes[23] ?? "")).rejects.toMatchObject({
      code: "NotFound",
    });
  },
);
