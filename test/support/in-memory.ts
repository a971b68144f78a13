/** The ports of state in memory: what a commit, a claim or a row leaves behind, without I/O. */
import { ServiceError } from "../../src/errors.js";
import type {
  IdempotencyClaim,
  IdempotencyKeys,
  Index,
  StateStore,
  Stored,
} from "../../src/operation/ports.js";
import {
  operationIdOf,
  recordKeyOf,
  type IndexRow,
  type OperationRecord,
  type TrackedRecord,
} from "../../src/operation/records.js";

/** A store of copies: nobody changes what is stored but by a commit. */
export function inMemoryStore<R extends TrackedRecord = TrackedRecord>(
  onWrite: () => void = () => undefined,
): StateStore<R> {
  const records = new Map<string, { readonly record: R; etag: string }>();
  const operations = new Map<string, OperationRecord>();
  const readOperation = (id: string): OperationRecord | undefined =>
    recordKeyOf(id) === undefined
      ? undefined
      : structuredClone(operations.get(id));
  return {
    read(key) {
      const found = records.get(key);
      const operation = found && readOperation(operationIdOf(found.record));
      return Promise.resolve(
        found && operation && { ...structuredClone(found), operation },
      );
    },
    readOperation: (id) => Promise.resolve(readOperation(id)),
    commit(record, operation, etag, beside = []) {
      if (records.get(record.key)?.etag !== etag)
        return Promise.reject(
          new ServiceError("StateConflict", "Another writer came first.", {
            retryAfterMs: 1_000,
          }),
        );
      onWrite();
      const stored: Stored<R> = structuredClone({
        record,
        operation,
        etag: String(Number(etag ?? 0) + 1),
      });
      records.set(record.key, { record: stored.record, etag: stored.etag });
      for (const one of [...structuredClone(beside), stored.operation])
        operations.set(one.id, one);
      return Promise.resolve(structuredClone(stored));
    },
    forget({ record: { key }, etag }, id) {
      if (records.get(key)?.etag !== etag)
        return Promise.reject(
          new ServiceError("StateConflict", "Another writer came first.", {
            retryAfterMs: 1_000,
          }),
        );
      operations.delete(id);
      return Promise.resolve();
    },
  };
}

/** `writtenTime` is that of each row. */
export function inMemoryIndex(
  writtenTime: string,
  onWrite: () => void = () => undefined,
): Index {
  const scopes = new Map<string, Map<string, IndexRow>>();
  return {
    put(rows) {
      onWrite();
      for (const row of rows)
        scopes.set(
          row.scope,
          (scopes.get(row.scope) ?? new Map<string, IndexRow>()).set(
            row.row,
            row,
          ),
        );
      return Promise.resolve();
    },
    remove(rows) {
      for (const { scope, row } of rows) scopes.get(scope)?.delete(row);
      return Promise.resolve();
    },
    page(scope, top) {
      const rows = [...(scopes.get(scope)?.values() ?? [])]
        .sort((a, b) => (a.row < b.row ? -1 : 1))
        .slice(0, top);
      return Promise.resolve({
        rows: rows.map((row) => ({ ...row, writtenTime })),
      });
    },
  };
}

export function inMemoryIdempotencyKeys(): IdempotencyKeys {
  const claims = new Map<string, IdempotencyClaim>();
  return {
    claim(key, value) {
      const claim = claims.get(key) ?? value;
      claims.set(key, claim);
      return Promise.resolve(claim);
    },
    bind(key, operationId) {
      const claim = claims.get(key);
      if (claim !== undefined && claim.operationId === undefined)
        claims.set(key, { ...claim, operationId });
      return Promise.resolve();
    },
  };
}
