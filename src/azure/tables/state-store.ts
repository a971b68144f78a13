import type { TableClient, TableEntity, TransactionAction } from "@azure/data-tables";
import { ServiceError } from "../../errors.js";
import type { Kinds, StateStore, Stored } from "../../operation/ports.js";
import {
  followedBy,
  OLDEST_SCHEMA,
  operationIdOf,
  recordKeyOf,
  SCHEMA,
  type OperationRecord,
  type TrackedRecord,
} from "../../operation/records.js";
import { fromProperties, toProperties } from "./document.js";
import { upgradeOperation, upgradeRegion } from "./upgrade.js";
import { Table, type TableStorage } from "./table.js";

const RECORD_ROW = "record";
/** The property of the record's row that holds the current operation. */
const CURRENT = "operation";

type Row = Readonly<Record<string, unknown>> & {
  readonly etag: string;
  readonly timestamp?: string;
};

/**
 * State in Table Storage: one partition for each resource. A row has the record with its current
 * operation, and each other operation has its own row. A commit is one request, and the ETag of the
 * record's row guards the whole partition. `R` is the type that the caller stores under its keys.
 * Keys come from resource ids, so no two kinds share one. Each kind upgrades what an earlier
 * release stored when it reads it; the next commit writes the upgraded record.
 */
export function createStateStore<R extends TrackedRecord>(
  storage: TableStorage,
  kinds: Kinds,
): StateStore<R> {
  const table = new Table(storage, "SigilState");

  async function row(key: string, rowKey: string): Promise<Row | undefined> {
    const entity = await table.run(
      (client) => client.getEntity<Record<string, unknown>>(key, rowKey),
      404,
    );
    return entity === 404 ? undefined : entity;
  }

  async function operationIn(
    entity: Row,
    key: string,
    id: string,
  ): Promise<OperationRecord | undefined> {
    const current = currentIn(entity);
    if (current?.id === id) return current;
    const own = await row(key, id);
    return own && upgradeOperation(fromProperties<OperationRecord>(own));
  }

  function recordIn(entity: Row): R {
    const stored = fromProperties<R>(entity);
    mustBeKnown(stored);
    const record = {
      ...stored,
      members: stored.members.map(upgradeOperation),
      regions: stored.regions.map(upgradeRegion),
    };
    const operation = currentIn(entity);
    if (record.schema === SCHEMA || operation === undefined) return record;
    const upgrade = kinds[operation.kind]?.upgrade;
    return { ...record, ...upgrade?.({ record, operation }), schema: SCHEMA };
  }

  async function storedIn(entity: Row, key: string): Promise<Stored<R>> {
    const record = recordIn(entity);
    const operation = await operationIn(entity, key, operationIdOf(record));
    // One commit writes both, and the current operation is never removed.
    if (operation === undefined) throw new TypeError(`the operation of record ${key} is missing`);
    const { etag, timestamp } = entity;
    return {
      record,
      operation,
      etag,
      ...(timestamp !== undefined && { writtenTime: timestamp }),
    };
  }

  return {
    async read(key) {
      const entity = await row(key, RECORD_ROW);
      return entity && storedIn(entity, key);
    },
    async readRecord(key) {
      const entity = await row(key, RECORD_ROW);
      return entity && recordIn(entity);
    },
    async readOperation(operationId) {
      const key = recordKeyOf(operationId);
      if (key === undefined) return undefined;
      const entity = await row(key, RECORD_ROW);
      const operation = entity && (await operationIn(entity, key, operationId));
      if (operation === undefined) return undefined;
      return followedBy(fromProperties<R>(entity ?? {}), operation);
    },
    async commit(record, operation, read, changedOperations = []) {
      const { key: partitionKey } = record;
      const entity = {
        partitionKey,
        rowKey: RECORD_ROW,
        ...toProperties(record),
        ...toProperties(operation, CURRENT),
      };
      const others = new Map(
        [...(read === undefined ? [] : [read.operation]), ...changedOperations].map((one) => [
          one.id,
          one,
        ]),
      );
      others.delete(operation.id);
      const etag = await table.run(
        (client) =>
          others.size === 0
            ? writeOne(client, entity, read?.etag)
            : writeAll(client, entity, read?.etag, [...others.values()]),
        409, // EntityAlreadyExists
        412, // UpdateConditionNotSatisfied
      );
      if (typeof etag !== "string") throw conflict(record.resourceId);
      return { record, operation, etag };
    },

    async forget({ record, etag }, operationId) {
      const { key, resourceId } = record;
      const result = await table.run(
        async (client) => {
          if (operationIdOf(record) === operationId)
            return client.deleteEntity(key, RECORD_ROW, { etag });
          return client.submitTransaction([
            // Change only the ETag, so whoever read the record before must read it again.
            ["update", { partitionKey: key, rowKey: RECORD_ROW }, "Merge", { etag }],
            ["delete", { partitionKey: key, rowKey: operationId }],
          ]);
        },
        404, // ResourceNotFound: removed meanwhile
        412, // UpdateConditionNotSatisfied
      );
      if (result === 412) throw conflict(resourceId);
    },
  };
}

/** The current operation; absent: schema 2 or 0.1.0 stored it in its own row. */
function currentIn(entity: Row): OperationRecord | undefined {
  return CURRENT in entity || `${CURRENT}0` in entity
    ? upgradeOperation(fromProperties<OperationRecord>(entity, CURRENT))
    : undefined;
}

type Entity = TableEntity<Record<string, string | Uint8Array>>;

async function writeOne(
  client: TableClient,
  entity: Entity,
  etag: string | undefined,
): Promise<string | undefined> {
  const { etag: written } =
    etag === undefined
      ? await client.createEntity(entity)
      : await client.updateEntity(entity, "Replace", { etag });
  return written;
}

async function writeAll(
  client: TableClient,
  entity: Entity,
  etag: string | undefined,
  operations: readonly OperationRecord[],
): Promise<string | undefined> {
  const { subResponses } = await client.submitTransaction([
    etag === undefined ? ["create", entity] : ["update", entity, "Replace", { etag }],
    ...operations.map((one): TransactionAction => [
      "upsert",
      {
        partitionKey: entity.partitionKey,
        rowKey: one.id,
        ...toProperties(one),
      },
      "Replace",
    ]),
  ]);
  return subResponses[0]?.etag;
}

function conflict(resourceId: string): ServiceError {
  return new ServiceError("StateConflict", `${resourceId} was changed by another writer.`, {
    retryAfterMs: 1_000,
  });
}

/**
 * Throws for records that this code may misread. A newer release continues with its own records.
 * Records from before 0.2.0 are not kept.
 */
function mustBeKnown({ schema = 0, resourceId }: Partial<TrackedRecord>): void {
  if (schema > SCHEMA)
    throw new ServiceError(
      "StateTooNew",
      `The state of ${resourceId} was stored by a newer release of Sigil (schema ${schema}; this one knows ${SCHEMA}). That release continues its work.`,
      { retryAfterMs: 60_000 },
    );
  if (schema < OLDEST_SCHEMA)
    throw new ServiceError(
      "StateTooOld",
      `The state of ${resourceId} was stored by an earlier release of Sigil (schema ${schema}), which this one cannot read: it reads ${OLDEST_SCHEMA} and later. Delete the tables SigilState and SigilIndex of the storage account: Azure keeps the versions, and the next request for each adopts it.`,
    );
}
