/** Which operations are removed once they are old enough, with all that leads to them. */
import { beforeEach, describe, expect, test } from "vitest";
import { agedOperations, type AgedPage } from "../../../src/operation/ageing.js";
import {
  createdAt,
  indexed,
  keptRow,
  listingRows,
  operationScope,
} from "../../../src/operation/catalog.js";
import { operationIdOf, type OperationRecord } from "../../../src/operation/records.js";
import { ServiceError } from "../../../src/errors.js";
import { KINDS } from "../../../src/kinds.js";
import { keyOf } from "../../../src/resource-id.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";
import { createMemoryStore } from "../../support/fakes/state-store.js";
import { seedVersionId } from "../../support/requests.js";
import { at, succeeded } from "../../support/transitions.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../src/image-version/state/record.js";
import { CONFLICT } from "./ports.js";
import { naming } from "../../support/naming.js";

/** Operations end at 10 s; what has ended before that time is old. */
const BEFORE = at(1_000).now;
const ALL = operationScope({});

describe("operations that are old", () => {
  let store: ReturnType<typeof createMemoryStore<ImageVersionRecord>>;
  let index: ReturnType<typeof createMemoryIndex>;

  beforeEach(() => {
    store = createMemoryStore<ImageVersionRecord>();
    index = createMemoryIndex(() => at(0).now, 40);
  });

  const remove = (
    more: Partial<Parameters<typeof agedOperations>[0]> = {},
    cursor?: string,
  ): Promise<AgedPage> =>
    agedOperations({
      store,
      index,
      kinds: KINDS,
      now: () => BEFORE,
      ...more,
    }).removePage(BEFORE, cursor);

  /** A version whose record names operation `present`, with every operation up to that one stored and listed. */
  async function versionWith(
    name: string,
    {
      present = 1,
      outbox = [],
      hasEnded = true,
      of = () => ({}),
    }: {
      readonly present?: number;
      readonly outbox?: ImageVersionRecord["outbox"];
      readonly hasEnded?: boolean;
      readonly of?: (sequence: number) => Partial<OperationRecord>;
    } = {},
  ): Promise<readonly string[]> {
    const made: ImageVersionPair = succeeded();
    const resourceId = seedVersionId(name);
    const key = keyOf(resourceId);
    const { endTime, ...open } = made.operation;
    const operations = Array.from({ length: present }, (_, i) => ({
      ...open,
      ...(hasEnded && endTime !== undefined && { endTime }),
      id: operationIdOf({ key, sequence: i + 1 }),
      resourceId,
      ...of(i + 1),
    }));
    const last = operations.at(-1) ?? made.operation;
    await store.commit(
      {
        ...made.record,
        key,
        resourceId,
        sequence: present,
        lastSequence: present,
        outbox,
      },
      last,
      undefined,
      operations,
    );
    for (const operation of operations)
      await index.put(
        indexed(operation, { kinds: KINDS }).put.filter(({ scope }) => scope !== "open"),
      );
    return operations.map(({ id }) => id);
  }

  const stored = () =>
    store
      .operations()
      .map(({ id }) => id)
      .toSorted();
  const listed = (scope = ALL): readonly string[] => index.listed().get(scope) ?? [];
  /** Every listing that still has the operation. */
  const listingsOf = (id: string): readonly string[] =>
    [...index.listed()].flatMap(([scope, ids]) => (ids.includes(id) ? [scope] : []));

  test("go, with their rows in every listing, where the record names another", async () => {
    const [first = "", second = ""] = await versionWith("1.0.0", {
      present: 2,
    });
    expect(await remove()).toEqual({ removed: 1, kept: 1, errors: [] });
    expect(stored()).toEqual([second]);
    expect(listingsOf(first).filter((scope) => scope.startsWith("operations"))).toEqual([]);
    // Nothing is left to look at.
    expect(await remove()).toEqual({ removed: 0, kept: 0, errors: [] });
  });

  test("stay where the record names them, and leave the listings", async () => {
    const [id = ""] = await versionWith("1.0.0");
    expect(await remove()).toEqual({ removed: 0, kept: 1, errors: [] });
    expect(stored()).toEqual([id]);
    expect(listingsOf(id).filter((scope) => scope.startsWith("operations"))).toEqual([]);
    expect(listed(keptRow(id).scope)).toEqual([id]);
  });

  test("stay where the record names them as the one that was accepted last", async () => {
    const [first = "", second = ""] = await versionWith("1.0.0", {
      present: 2,
    });
    const before = await store.read(keyOf(seedVersionId("1.0.0")));
    if (before === undefined) throw new Error("nothing is stored");
    const { record } = before;
    const operation = (await store.readOperation(first))?.operation;
    if (operation === undefined) throw new Error("it is not stored");
    await store.commit({ ...record, sequence: 1 }, operation, before);
    expect(await remove()).toMatchObject({ removed: 0, kept: 2 });
    expect(stored()).toEqual([first, second]);
  });

  test("once another is named, go with whichever is removed next", async () => {
    const [first = "", second = "", third = ""] = await versionWith("1.0.0", {
      present: 3,
      // The last one is young.
      of: (sequence) => (sequence === 3 ? { endTime: at(2_000).now.toISOString() } : {}),
    });
    const operation = (await store.readOperation(first))?.operation;
    if (operation === undefined) throw new Error("it is not stored");
    // A run has kept the first for the record, and has died before it took its rows out of the listings.
    await index.put([keptRow(first)]);
    await index.remove(listingRows(operation, { kinds: KINDS }).filter((_, i) => i > 0));
    const { scope, row } =
      indexed(operation, { kinds: KINDS }).put.find((one) => one.scope === ALL) ??
      expect.fail("it has no row");
    await index.remove([{ scope, row }]);
    expect(await remove()).toEqual({ removed: 1, kept: 1, errors: [] });
    expect(stored()).toEqual([third]);
    expect(listed(keptRow(first).scope)).toEqual([]);
    for (const id of [first, second])
      expect(listingsOf(id).filter((one) => one.startsWith("operations"))).toEqual([]);
  });

  test("that were kept go, too, where the operation itself is gone already", async () => {
    const [first = ""] = await versionWith("1.0.0", { present: 2 });
    const key = keyOf(seedVersionId("1.0.0"));
    const gone = operationIdOf({ key, sequence: 7 });
    await index.put([{ ...keptRow(first), row: gone, target: gone }]);
    expect(await remove()).toMatchObject({ removed: 1, errors: [] });
    expect(listed(keptRow(first).scope)).not.toContain(gone);
  });

  test("what is still named among the kept stays", async () => {
    const [, second = ""] = await versionWith("1.0.0", { present: 2 });
    await index.put([keptRow(second)]);
    await remove();
    expect(stored()).toEqual([second]);
    expect(listed(keptRow(second).scope)).toEqual([second]);
  });

  test.each([
    ["that have ended later", { of: () => ({ endTime: BEFORE.toISOString() }) }],
    ["that have not ended", { hasEnded: false }],
  ])("are none %s", async (_, more) => {
    const ids = await versionWith("1.0.0", { present: 2, ...more });
    expect(await remove()).toEqual({ removed: 0, kept: 2, errors: [] });
    expect(stored()).toEqual(ids);
    expect(listed()).toHaveLength(2);
  });

  test("stay while something of the version is still to be told", async () => {
    const ids = await versionWith("1.0.0", {
      present: 2,
      outbox: [{ kind: "close", operationId: "x" }],
    });
    await index.put([keptRow(ids[0] ?? "")]);
    expect(await remove()).toEqual({ removed: 0, kept: 2, errors: [] });
    expect(stored()).toEqual(ids);
    expect(listed()).toHaveLength(2);
    expect(listed(keptRow(ids[0] ?? "").scope)).toHaveLength(1);
  });

  test("are looked at from the oldest that may be one", async () => {
    const [old = ""] = await versionWith("1.0.0", {
      of: () => ({ createdTime: at(999).now.toISOString() }),
    });
    await versionWith("1.0.1", {
      of: () => ({ createdTime: at(1_001).now.toISOString() }),
    });
    const asked: unknown[] = [];
    await remove({
      index: {
        ...index,
        page: (scope, top, token, after) => {
          if (scope === ALL) asked.push([top, token, after]);
          return index.page(scope, top, token, after);
        },
      },
    });
    expect(asked).toEqual([[40, undefined, createdAt(BEFORE.getTime())]]);
    // The young one was not looked at.
    expect(listed()).toHaveLength(1);
    expect(listed(keptRow(old).scope)).toEqual([old]);
  });

  test("of a run that has died, the rows that lead to nothing go", async () => {
    const key = keyOf(seedVersionId("1.0.0"));
    const target = operationIdOf({ key, sequence: 1 });
    await index.put([{ scope: ALL, row: `${createdAt(0)}-${target}`, target }]);
    expect(await remove()).toEqual({ removed: 1, kept: 0, errors: [] });
    expect(listed()).toEqual([]);
  });

  test("come in pages of forty", async () => {
    for (let i = 0; i < 41; i += 1) await versionWith(`1.0.${i}`);
    const page = await remove();
    expect(page).toMatchObject({
      kept: 40,
      next: expect.any(String) as string,
    });
    expect(await remove({}, page.next)).toEqual({
      removed: 0,
      kept: 1,
      errors: [],
    });
  });

  describe("where one cannot be removed", () => {
    const failing = (name: string, error: Error) => ({
      store: {
        ...store,
        read: (key: string) =>
          key === keyOf(seedVersionId(name)) ? Promise.reject(error) : store.read(key),
      },
    });

    test("the others are, and that is told", async () => {
      await versionWith("1.0.0", { present: 3 });
      await versionWith("1.0.1", { present: 3 });
      const error = new TypeError("it is broken");
      expect(await remove(failing("1.0.0", error))).toEqual({
        removed: 2,
        kept: 1,
        errors: [error, error, error],
      });
    });

    test("because another writes, the next run does it, and nothing is told", async () => {
      await versionWith("1.0.0", { present: 2 });
      expect(await remove(failing("1.0.0", CONFLICT))).toEqual({
        removed: 0,
        kept: 0,
        errors: [],
      });
      expect(await remove()).toMatchObject({ removed: 1 });
    });

    test("because the store cannot be reached, the page ends", async () => {
      const down = new ServiceError("DependencyUnavailable", "It is down.");
      await versionWith("1.0.0", { present: 3 });
      let reads = 0;
      await expect(
        remove({
          store: {
            ...store,
            read: () => {
              reads += 1;
              return Promise.reject(down);
            },
          },
        }),
      ).rejects.toBe(down);
      // Nothing more is tried of that version, nor of another.
      expect(reads).toBe(1);
    });

    test("an operation without its record is told", async () => {
      const [first = ""] = await versionWith("1.0.0");
      expect(
        await remove({
          store: { ...store, read: () => Promise.resolve(undefined) },
        }),
      ).toEqual({
        removed: 0,
        kept: 0,
        errors: [expect.objectContaining({ message: naming([first]) })],
      });
    });
  });

  test("of one version are removed one after the other: they meet at its record", async () => {
    await versionWith("1.0.0", { present: 10 });
    await versionWith("1.0.1", { present: 10 });
    expect(await remove()).toEqual({ removed: 18, kept: 2, errors: [] });
  });
});
