/** Table Storage as the ports see it: what is stored is text, as it is there, and nobody shares an object. */
import { ServiceError } from "../../src/errors.js";
import type { ImageVersionRecord } from "../../src/image-version/state/record.js";
import type {
  IdempotencyClaim,
  Index,
  StateStore,
} from "../../src/operation/ports.js";
import {
  operationIdOf,
  type OperationRecord,
} from "../../src/operation/records.js";

export interface MemoryStore extends StateStore<ImageVersionRecord> {
  /** Every operation that was ever stored. */
  operations(): readonly OperationRecord[];
  records(): readonly ImageVersionRecord[];
}

export function createStore(): MemoryStore {
  const records = new Map<string, { text: string; etag: string }>();
  const operations = new Map<string, string>();
  let commits = 0;
  const operationOf = (id: string): OperationRecord | undefined => {
    const text = operations.get(id);
    return text === undefined
      ? undefined
      : (JSON.parse(text) as OperationRecord);
  };
  return {
    read(key) {
      const found = records.get(key);
      if (found === undefined) return Promise.resolve(undefined);
      const record = JSON.parse(found.text) as ImageVersionRecord;
      const operation = operationOf(operationIdOf(record));
      if (operation === undefined)
        throw new TypeError(`the operation of record ${key} is missing`);
      return Promise.resolve({ record, operation, etag: found.etag });
    },
    readOperation: (id) => Promise.resolve(operationOf(id)),
    commit(record, operation, etag, beside = []) {
      if (records.get(record.key)?.etag !== etag)
        return Promise.reject(
          new ServiceError("StateConflict", "Another writer came first.", {
            retryAfterMs: 1_000,
          }),
        );
      const written = [operation, ...beside];
      commits += 1;
      const stored = { record, operation, etag: String(commits) };
      records.set(record.key, {
        text: JSON.stringify(record),
        etag: stored.etag,
      });
      for (const each of written) operations.set(each.id, JSON.stringify(each));
      return Promise.resolve(stored);
    },
    forget(stored, id) {
      if (records.get(stored.record.key)?.etag !== stored.etag)
        return Promise.reject(
          new ServiceError("StateConflict", "Another writer came first.", {
            retryAfterMs: 1_000,
          }),
        );
      operations.delete(id);
      return Promise.resolve();
    },
    operations: () =>
      [...operations.values()].map(
        (text) => JSON.parse(text) as OperationRecord,
      ),
    records: () =>
      [...records.values()].map(
        ({ text }) => JSON.parse(text) as ImageVersionRecord,
      ),
  };
}

type IndexRow = Parameters<Index["put"]>[0][number];

export interface MemoryIndex extends Index {
  /** What each scope that has rows lists, in order. */
  listed(): ReadonlyMap<string, readonly string[]>;
}

export function createIndex(now: () => Date): MemoryIndex {
  const scopes = new Map<
    string,
    Map<string, IndexRow & { writtenTime: string }>
  >();
  const rowsOf = (scope: string): (IndexRow & { writtenTime: string })[] =>
    [...(scopes.get(scope)?.values() ?? [])].sort((a, b) =>
      a.row < b.row ? -1 : 1,
    );
  return {
    put(rows) {
      const writtenTime = now().toISOString();
      for (const row of rows) {
        const scope = scopes.get(row.scope) ?? new Map<string, never>();
        scopes.set(row.scope, scope);
        scope.set(row.row, { ...row, writtenTime });
      }
      return Promise.resolve();
    },
    remove(rows) {
      for (const { scope, row } of rows) scopes.get(scope)?.delete(row);
      return Promise.resolve();
    },
    page: (scope, top) =>
      Promise.resolve({ rows: rowsOf(scope).slice(0, top) }),
    listed: () =>
      new Map(
        [...scopes.keys()]
          .map((scope) => [scope, rowsOf(scope)] as const)
          .filter(([, rows]) => rows.length > 0)
          .map(([scope, rows]) => [scope, rows.map(({ target }) => target)]),
      ),
  };
}

export function createIdempotencyKeys() {
  const claims = new Map<string, IdempotencyClaim>();
  return {
    claim(key: string, value: IdempotencyClaim): Promise<IdempotencyClaim> {
      const claim = claims.get(key) ?? value;
      claims.set(key, claim);
      return Promise.resolve(claim);
    },
    bind(key: string, operationId: string): Promise<void> {
      const claim = claims.get(key);
      if (claim !== undefined && claim.operationId === undefined)
        claims.set(key, { ...claim, operationId });
      return Promise.resolve();
    },
  };
}
