import { ServiceError } from "../errors.js";
import type { ImageVersionStore, Stored } from "../image-version/ports.js";
import {
  operationIdOf,
  versionKeyOf,
  type ImageVersionRecord,
  type OperationRecord,
} from "../image-version/records.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./tables.js";

const VERSION_ROW = "version";

/**
 * Image versions in Table Storage: one partition a version, with the row of its state and a row for each of its
 * operations. A commit is one entity group transaction; the ETag of the version's row guards the whole partition.
 */
export function createImageVersionStore(
  storage: TableStorage,
): ImageVersionStore {
  const table = new Table(storage, "SigilImageVersions");

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
    const key = versionKeyOf(operationId);
    return key === undefined
      ? undefined
      : (await row<OperationRecord>(key, operationId))?.document;
  }

  async function read(key: string): Promise<Stored | undefined> {
    const version = await row<ImageVersionRecord>(key, VERSION_ROW);
    if (version === undefined) return undefined;
    const operation = await readOperation(operationIdOf(version.document));
    // Both are written in one transaction and never deleted.
    if (operation === undefined)
      throw new TypeError(`the operation of version ${key} is missing`);
    return { version: version.document, operation, etag: version.etag };
  }

  return {
    read,
    readOperation,
    async commit(version, operation, etag) {
      const versionEntity = {
        partitionKey: version.key,
        rowKey: VERSION_ROW,
        ...toProperties(version),
      };
      const operationEntity = {
        partitionKey: version.key,
        rowKey: operation.id,
        ...toProperties(operation),
      };
      const result = await table.run(
        (client) =>
          client.submitTransaction([
            etag === undefined
              ? ["create", versionEntity]
              : ["update", versionEntity, "Replace", { etag }],
            ["upsert", operationEntity, "Replace"],
          ]),
        409, // EntityAlreadyExists
        412, // UpdateConditionNotSatisfied
      );
      const newEtag =
        typeof result === "number" ? undefined : result.subResponses[0]?.etag;
      if (newEtag === undefined) {
        throw new ServiceError(
          "StateConflict",
          `Another writer has changed ${version.resourceId}.`,
          {
            retryAfterMs: 1_000,
          },
        );
      }
      return { version, operation, etag: newEtag };
    },
  };
}
