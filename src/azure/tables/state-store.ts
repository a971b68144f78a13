import type { TransactionAction } from "@azure/data-tables";
import { ServiceError } from "../../errors.js";
import type { StateStore, Stored } from "../../operation/ports.js";
import {
  operationIdOf,
  recordKeyOf,
  SCHEMA,
  type OperationRecord,
  type TrackedRecord,
} from "../../operation/records.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./table.js";

const RECORD_ROW = "record";

/**
 * State in Table Storage: one partition a resource, with the row of its record and a row for each of its operations. A
 * commit is one entity group transaction; the ETag of the record's row guards the whole partition. `R` is what the
 * caller stores under the keys it asks for: keys are of resource ids, so no two kinds share one.
 */
export function createStateStore<R extends TrackedRecord>(
  storage: TableStorage,
  /** Makes today's record of one that an earlier release has stored. */
  migrate: (stored: unknown, kind: OperationRecord["kind"]) => R,
): StateStore<R> {
  const table = new Table(storage, "SigilState");

  async function row<T>(
    key: string,
    rowKey: string,
  ): Promise<{ document: T; etag: string } | undefined> {
    const entity = await table.run(
      (client) => client.getEntity<Record<string, unknown>>(key, rowKey),
      404,
    );
    return entity === 404
      ? undefined
      : { document: fromProperties<T>(entity), etag: entity.etag };
  }

  async function readOperation(
    operationId: string,
  ): Promise<OperationRecord | undefined> {
    const key = recordKeyOf(operationId);
    return key === undefined
      ? undefined
      : (await row<OperationRecord>(key, operationId))?.document;
  }

  async function read(key: string): Promise<Stored<R> | undefined> {
    const record = await row<R>(key, RECORD_ROW);
    if (record === undefined) return undefined;
    const operation = await readOperation(operationIdOf(record.document));
    // Both are written in one transaction; the current operation is never removed.
    if (operation === undefined)
      throw new TypeError(`the operation of record ${key} is missing`);
    mustBeKnown(record.document);
    return {
      record: migrate(record.document, operation.kind),
      operation,
      etag: record.etag,
    };
  }

  return {
    read,
    readOperation,
    async readRecord(key) {
      const record = (await row<R>(key, RECORD_ROW))?.document;
      if (record === undefined) return undefined;
      mustBeKnown(record);
      // That of an earlier release is migrated by the kind of its operation.
      return record.schema === SCHEMA ? record : (await read(key))?.record;
    },
    async commit(record, operation, etag, beside = []) {
      const recordEntity = {
        partitionKey: record.key,
        rowKey: RECORD_ROW,
        ...toProperties(record),
      };
      const operations = [
        operation,
        ...beside.filter(({ id }) => id !== operation.id),
      ];
      const result = await table.run(
        (client) =>
          client.submitTransaction([
            etag === undefined
              ? ["create", recordEntity]
              : ["update", recordEntity, "Replace", { etag }],
            ...operations.map((one): TransactionAction => [
              "upsert",
              {
                partitionKey: record.key,
                rowKey: one.id,
                ...toProperties(one),
              },
              "Replace",
            ]),
          ]),
        409, // EntityAlreadyExists
        412, // UpdateConditionNotSatisfied
      );
      const newEtag =
        typeof result === "number" ? undefined : result.subResponses[0]?.etag;
      if (newEtag === undefined) throw conflict(record.resourceId);
      return { record, operation, etag: newEtag };
    },

    async forget({ record: { key, resourceId }, etag }, operationId) {
      const result = await table.run(
        (client) =>
          client.submitTransaction([
            // Changes nothing but the ETag: whoever has read the record before reads it again.
            [
              "update",
              { partitionKey: key, rowKey: RECORD_ROW },
              "Merge",
              { etag },
            ],
            ["delete", { partitionKey: key, rowKey: operationId }],
          ]),
        404, // ResourceNotFound: removed meanwhile
        412, // UpdateConditionNotSatisfied
      );
      if (result === 412) throw conflict(resourceId);
    },
  };
}

function conflict(resourceId: string): ServiceError {
  return new ServiceError(
    "StateConflict",
    `${resourceId} was changed by another writer.`,
    { retryAfterMs: 1_000 },
  );
}

/** What a newer release has stored may mean what this code does not know: it is left for that release. */
function mustBeKnown({ schema, resourceId }: Partial<TrackedRecord>): void {
  if (schema !== undefined && schema > SCHEMA)
    throw new ServiceError(
      "StateTooNew",
      `The state of ${resourceId} was stored by a newer release of Sigil (schema ${schema}; this one knows ${SCHEMA}). That release continues its work.`,
      { retryAfterMs: 60_000 },
    );
}
