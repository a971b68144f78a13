import { describe, expect, test } from "vitest";
import { claimKey } from "../../../src/operation/idempotency.js";
import { firstSequenceOf, nextSequence } from "../../../src/operation/sequence.js";
import {
  operationIdOf,
  recordKeyOf,
  sequenceOf,
  type OperationRecord,
  type TrackedRecord,
} from "../../../src/operation/records.js";
import { operationsBack } from "../../../src/rollout/last-operations.js";
import { createMemoryIdempotencyKeys } from "../../support/fakes/idempotency-keys.js";
import { createMemoryStore } from "../../support/fakes/state-store.js";
import { accepted, at, KEY } from "../../support/transitions.js";

const first = sequenceOf(accepted().operation.id);

/** A record whose operations came 10 s apart, all of them stored; and what was read of them. */
async function operations(count: number, requestKey?: string) {
  const store = createMemoryStore<TrackedRecord>();
  const reads: string[] = [];
  const { record, operation } = accepted();
  let stored: Awaited<ReturnType<typeof store.commit>> | undefined;
  let previous: TrackedRecord | undefined;
  for (let n = 0; n < count; n += 1) {
    const { now } = at(10 * n);
    const sequence = nextSequence(previous, now);
    previous = { ...record, sequence, lastSequence: sequence };
    const one: OperationRecord = {
      ...operation,
      id: operationIdOf(previous),
      createdTime: now.toISOString(),
      ...(n === 0 && requestKey !== undefined && { requestKey }),
    };
    stored = await store.commit(previous, one, stored);
  }
  return {
    record: previous ?? record,
    reads,
    store: {
      ...store,
      readOperation(id: string) {
        reads.push(id);
        return store.readOperation(id);
      },
    },
  };
}

describe("the number of an operation", () => {
  test("that is a record's first is given by the time, and is good as an id until 2057", () => {
    expect(nextSequence(undefined, new Date("2026-01-01T00:00:00Z"))).toBe(1);
    expect(nextSequence(undefined, new Date("2026-06-01T00:00:01.9Z"))).toBe(151 * 86_400 + 2);
    expect(nextSequence(undefined, new Date("2025-12-31T00:00:00Z"))).toBe(1);
    const sequence = nextSequence(undefined, new Date("2057-01-01T00:00:00Z"));
    expect(recordKeyOf(operationIdOf({ key: KEY, sequence }))).toBe(KEY);
  });

  test("of each later one is the next, however late it comes", async () => {
    const { record } = await operations(3);
    expect(record.lastSequence).toBe(first + 2);
    expect(firstSequenceOf(record)).toBe(first);
  });

  test("follows those of 0.2.0, which began at 1", () => {
    const old = { sequence: 3, createdTime: at(0).now.toISOString() };
    expect(nextSequence(old, at(10).now)).toBe(4);
    expect(firstSequenceOf(old)).toBe(1);
    expect(firstSequenceOf({ ...old, sequence: 2, lastSequence: 4 })).toBe(1);
  });
});

describe("whoever counts back over operations that came 10 s apart", () => {
  test("finds all of them, and reads nothing before the first", async () => {
    const { record, store, reads } = await operations(3);
    const found: number[] = [];
    for await (const { id } of operationsBack(store, record)) found.push(sequenceOf(id) - first);
    expect(found).toEqual([2, 1, 0]);
    expect(reads).toHaveLength(3);
  });

  test("finds the one of a key whose holder died before it noted that", async () => {
    const idempotencyKeys = createMemoryIdempotencyKeys(() => at(0).now);
    const claim = (store: Awaited<ReturnType<typeof operations>>["store"]) =>
      claimKey(
        { idempotencyKeys, store },
        { idempotencyKey: "k", requestedBy: { appId: "me" } },
        KEY,
        "fingerprint",
      );
    const { requestKey } = await claim((await operations(0)).store);
    const { store, reads } = await operations(3, requestKey);
    expect((await claim(store)).earlier?.id).toBe(operationIdOf({ key: KEY, sequence: first }));
    expect(reads).toHaveLength(3);
    // A key that has led to nothing costs no more.
    const other = await operations(3, "other");
    expect((await claim(other.store)).earlier).toBeUndefined();
    expect(other.reads).toHaveLength(3);
  });
});
