import { ServiceError } from "../../../src/errors.js";
import type { StateStore } from "../../../src/operation/ports.js";
import {
  followedBy,
  operationIdOf,
  recordKeyOf,
  type OperationRecord,
  type TrackedRecord,
} from "../../../src/operation/records.js";
import { noteOperation } from "../golden.js";

export interface MemoryStore<R extends TrackedRecord = TrackedRecord> extends StateStore<R> {
  /** Every operation that is stored. */
  operations(): readonly OperationRecord[];
  records(): readonly R[];
}

/** Keeps text, as Table Storage does: nobody changes what is stored but by a commit. `now`: its own clock, where it has one. */
export function createMemoryStore<R extends TrackedRecord = TrackedRecord>(
  now?: () => Date,
): MemoryStore<R> {
  const records = new Map<string, { text: string; etag: string; writtenTime?: string }>();
  const operations = new Map<string, string>();
  let writes = 0;
  const readOperation = (id: string): OperationRecord | undefined => {
    const text = operations.get(id);
    return text === undefined ? undefined : parse<OperationRecord>(text);
  };
  const newEtag = (): string => String((writes += 1));
  return {
    read(key) {
      const found = records.get(key);
      if (found === undefined) return Promise.resolve(undefined);
      const record = parse<R>(found.text);
      const operation = readOperation(operationIdOf(record));
      if (operation === undefined) throw new TypeError(`the operation of record ${key} is missing`);
      const { etag, writtenTime } = found;
      return Promise.resolve({
        record,
        operation,
        etag,
        ...(writtenTime !== undefined && { writtenTime }),
      });
    },
    readRecord(key) {
      const found = records.get(key);
      return Promise.resolve(found && parse<R>(found.text));
    },
    readOperation(id) {
      const operation = readOperation(id);
      const found = operation && records.get(recordKeyOf(id) ?? "");
      return Promise.resolve(found && followedBy(parse<R>(found.text), operation));
    },
    commit(record, operation, read, changedOperations = []) {
      if (records.get(record.key)?.etag !== read?.etag)
        return Promise.reject(conflict(record.resourceId));
      const stored = { record, operation, etag: newEtag() };
      records.set(record.key, {
        text: JSON.stringify(record),
        etag: stored.etag,
        ...(now && { writtenTime: now().toISOString() }),
      });
      for (const each of [...changedOperations, operation]) {
        operations.set(each.id, JSON.stringify(each));
        noteOperation(each);
      }
      return Promise.resolve(stored);
    },
    forget({ record, etag }, id) {
      const { key, resourceId } = record;
      const found = records.get(key);
      if (found === undefined) return Promise.resolve();
      if (found.etag !== etag) return Promise.reject(conflict(resourceId));
      if (operationIdOf(record) === id) records.delete(key);
      if (operations.delete(id)) found.etag = newEtag();
      return Promise.resolve();
    },
    operations: () => [...operations.values()].map((text) => parse<OperationRecord>(text)),
    records: () => [...records.values()].map(({ text }) => parse<R>(text)),
  };
}

function parse<T>(text: string): T {
  return JSON.parse(text) as T;
}

function conflict(resourceId: string): ServiceError {
  return new ServiceError("StateConflict", `${resourceId} was changed by another writer.`, {
    retryAfterMs: 1_000,
  });
}
