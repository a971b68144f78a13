import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import type { StateStore, Stored } from "../../../src/operation/ports.js";
import type { OperationStatus } from "../../../src/operation/records.js";
import { newKey, operationOf, versionOf } from "./records.js";

/** What every StateStore does. */
export function stateStoreSuite(createStore: () => StateStore<ImageVersionRecord>): void {
  let store: StateStore<ImageVersionRecord>;
  /** By the store's clock: of each read, in order. */
  let writtenTimes: (string | undefined)[];
  beforeEach(() => {
    const created = createStore();
    writtenTimes = [];
    store = {
      ...created,
      async read(key) {
        const stored = await created.read(key);
        if (stored === undefined) return undefined;
        const { writtenTime, ...read } = stored;
        writtenTimes.push(writtenTime);
        return read;
      },
    };
  });

  const conflict = { code: "StateConflict", retryable: true };
  const operationBy = async (id: string) => (await store.readOperation(id))?.operation;

  test("answers undefined for what is not there", async () => {
    const key = newKey();
    await expect(store.read(key)).resolves.toBeUndefined();
    await expect(store.readRecord(key)).resolves.toBeUndefined();
    await expect(store.readOperation(`${key}-1`)).resolves.toBeUndefined();
    await expect(store.readOperation("no id")).resolves.toBeUndefined();
  });

  test("reads what was committed, with the ETag that the commit answered", async () => {
    const version = versionOf(newKey());
    const operation = operationOf(version);
    const committed = await store.commit(version, operation, undefined);
    expect(committed).toEqual({
      record: version,
      operation,
      etag: expect.stringMatching(/./u) as string,
    });
    await expect(store.read(version.key)).resolves.toEqual(committed);
    await expect(store.readRecord(version.key)).resolves.toEqual(version);
    await expect(store.readOperation(operation.id)).resolves.toEqual({
      operation,
      dueTime: version.dueTime,
    });
  });

  test("says of each operation when the next step of its record is due", async () => {
    const version = versionOf(newKey());
    const first = operationOf(version, { status: "Failed" });
    const before = await store.commit(version, first, undefined);
    const dueTime = "2026-01-01T00:04:30.000Z";
    const again = versionOf(version.key, { sequence: 2, dueTime });
    await store.commit(again, operationOf(again), before);
    for (const { id } of [first, operationOf(again)])
      await expect(store.readOperation(id)).resolves.toMatchObject({ dueTime });
  });

  test("says no time while a step waits for the answer to a request", async () => {
    const { key } = versionOf(newKey());
    const changes = {};
    for (const [answer, known] of [
      ["none", false],
      ["accepted", true],
    ] as const) {
      const sentTime = "2026-01-01T00:00:00Z";
      const version = versionOf(`${key.slice(0, -1)}${known ? "e" : "f"}`, {
        write: { changes, sentTime, sentFor: [], answer },
      });
      const operation = operationOf(version);
      await store.commit(version, operation, undefined);
      expect(await store.readOperation(operation.id)).toEqual({
        operation,
        ...(known && { dueTime: version.dueTime }),
      });
    }
  });

  test("says when what is read was written", async () => {
    const version = versionOf(newKey());
    const begunMs = Date.now();
    const stored = await store.commit(version, operationOf(version), undefined);
    await store.read(version.key);
    await store.commit({ ...version, ticks: 1 }, operationOf(version), stored);
    await store.read(version.key);
    const [first = 0, second = 0] = writtenTimes.map((time) => Date.parse(time ?? ""));
    expect(first).toBeGreaterThanOrEqual(begunMs);
    expect(second).toBeGreaterThanOrEqual(first);
    expect(second).toBeLessThanOrEqual(Date.now());
  });

  test("keeps a document of any size, and nothing of one that it replaces", async () => {
    const small = versionOf(newKey());
    const text = randomBytes(150 * 1024).toString("base64");
    const large = versionOf(small.key, { resourceId: text });
    const operation = operationOf(small);
    const long = operationOf(small, {
      history: [{ time: "t", state: "s", message: text }],
    });
    let stored: Stored<ImageVersionRecord> | undefined;
    for (const [version, current] of [
      [small, operation],
      [large, operation],
      [large, long],
      [small, long],
      [small, operation],
      [large, long],
    ] as const) {
      stored = await store.commit(version, current, stored);
      expect(stored).toMatchObject({ record: version, operation: current });
      await expect(store.read(small.key)).resolves.toEqual(stored);
      await expect(store.readRecord(small.key)).resolves.toEqual(version);
      await expect(operationBy(operation.id)).resolves.toEqual(current);
    }
  });

  test("refuses to insert what is stored already, and writes neither row", async () => {
    const version = versionOf(newKey());
    const first = await store.commit(version, operationOf(version), undefined);
    const second = versionOf(version.key, { sequence: 2 });
    await expect(store.commit(second, operationOf(second), undefined)).rejects.toMatchObject(
      conflict,
    );
    await expect(store.read(version.key)).resolves.toEqual(first);
    await expect(operationBy(`${version.key}-2`)).resolves.toBeUndefined();
  });

  test("refuses a stale ETag, and writes neither row", async () => {
    const version = versionOf(newKey());
    const operation = operationOf(version);
    const stale = await store.commit(version, operation, undefined);
    const next = versionOf(version.key, { step: 2 });
    const current = await store.commit(next, operationOf(next, { status: "Running" }), stale);
    const late = versionOf(version.key, { step: 9, sequence: 2 });
    await expect(store.commit(late, operationOf(late), stale)).rejects.toMatchObject(conflict);
    await expect(
      store.commit(next, operationOf(next, { status: "Failed" }), stale),
    ).rejects.toMatchObject(conflict);
    await expect(store.read(version.key)).resolves.toEqual(current);
    await expect(operationBy(`${version.key}-2`)).resolves.toBeUndefined();
  });

  test("lets one of many writers win", async () => {
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
      if (result.status === "rejected") expect(result.reason).toMatchObject(conflict);
  });

  test("keeps the operations of before", async () => {
    const version = versionOf(newKey());
    const first = operationOf(version, { status: "Failed" });
    const before = await store.commit(version, first, undefined);
    const again = versionOf(version.key, { sequence: 2 });
    const second = operationOf(again);
    await store.commit(again, second, before);
    await expect(operationBy(first.id)).resolves.toEqual(first);
    await expect(operationBy(second.id)).resolves.toEqual(second);
    await expect(store.read(version.key)).resolves.toMatchObject({
      operation: { id: second.id },
    });
  });

  test("keeps each operation as it was written last, current or not", async () => {
    const one = versionOf(newKey());
    const two = versionOf(one.key, { sequence: 2 });
    const is = (version: ImageVersionRecord, status: OperationStatus) =>
      operationOf(version, { status });
    const read = (version: ImageVersionRecord) => operationBy(operationOf(version).id);
    const begun = await store.commit(one, is(one, "Running"), undefined);
    const queued = await store.commit(one, is(one, "Running"), begun, [is(two, "NotStarted")]);
    expect(await read(two)).toEqual(is(two, "NotStarted"));
    const ended = await store.commit(two, is(two, "Running"), queued, [
      is(one, "Succeeded"),
      is(two, "NotStarted"),
    ]);
    expect(ended.operation).toEqual(is(two, "Running"));
    expect(await read(one)).toEqual(is(one, "Succeeded"));
    expect(await read(two)).toEqual(is(two, "Running"));
    const back = await store.commit(one, is(one, "Failed"), ended);
    expect(await read(one)).toEqual(is(one, "Failed"));
    expect(await read(two)).toEqual(is(two, "Running"));
    expect(await store.read(one.key)).toEqual(back);
  });

  describe("an operation that is forgotten", () => {
    /** A record whose second operation is the current one. */
    async function stored() {
      const version = versionOf(newKey());
      const first = operationOf(version, { status: "Failed" });
      const before = await store.commit(version, first, undefined);
      const again = versionOf(version.key, { sequence: 2, lastSequence: 2 });
      return {
        first,
        current: await store.commit(again, operationOf(again), before),
      };
    }

    test("is gone, and nothing else is changed", async () => {
      const { first, current } = await stored();
      await store.forget(current, first.id);
      await expect(operationBy(first.id)).resolves.toBeUndefined();
      const { etag, ...rest } = current;
      const read = await store.read(current.record.key);
      expect(read).toMatchObject(rest);
      expect(read?.etag).not.toBe(etag);
    });

    test("stays where another has written meanwhile", async () => {
      const { first, current } = await stored();
      await store.commit(current.record, current.operation, current);
      await expect(store.forget(current, first.id)).rejects.toMatchObject({
        code: "StateConflict",
      });
      await expect(operationBy(first.id)).resolves.toEqual(first);
    });

    test("takes the record along where it is the current one", async () => {
      const version = versionOf(newKey());
      const { id } = operationOf(version, { status: "Failed" });
      const first = await store.commit(version, operationOf(version), undefined);
      const last = await store.commit(version, operationOf(version), first);
      await expect(store.forget(first, id)).rejects.toMatchObject({ code: "StateConflict" });
      await store.forget(last, id);
      await expect(store.read(version.key)).resolves.toBeUndefined();
      await expect(operationBy(id)).resolves.toBeUndefined();
      await store.forget(last, id);
    });

    test("may be forgotten twice", async () => {
      const { first, current } = await stored();
      await store.forget(current, first.id);
      const again = await store.read(current.record.key);
      if (again === undefined) throw new Error("the record is gone");
      await store.forget(again, first.id);
      await expect(store.read(current.record.key)).resolves.toEqual(again);
    });
  });
}
