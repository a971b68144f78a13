import { odata } from "@azure/data-tables";
import { ServiceError } from "../../errors.js";
import type { ImageDocuments, StoredDocument } from "../../image-documents.js";
import { keyOf } from "../../resource-id.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./table.js";

type Entity = Record<string, unknown> & { readonly etag: string };

/**
 * Documents in Table Storage, one row each, guarded by its ETag. All share one `partition`: there
 * are as many as image definitions, and they are read together. Errors name them by `what`.
 */
export function createImageDocuments<T extends { readonly imageId: string }>(
  storage: TableStorage,
  name: string,
  partition: string,
  what: string,
): ImageDocuments<T> {
  const table = new Table(storage, name);
  const stored = (entity: Entity): StoredDocument<T> => ({
    document: fromProperties<T>(entity),
    etag: entity.etag,
  });
  return {
    async read(imageId) {
      const entity = await table.run((client) => client.getEntity(partition, keyOf(imageId)), 404);
      return entity === 404 ? undefined : stored(entity);
    },
    async put(document, etag) {
      const written = await table.putIfUnchanged(
        {
          partitionKey: partition,
          rowKey: keyOf(document.imageId),
          ...toProperties(document),
        },
        etag,
      );
      if (!written)
        throw new ServiceError(
          "StateConflict",
          `The ${what} of ${document.imageId} was changed by another request. Read it again, then repeat yours.`,
          { retryAfterMs: 1_000 },
        );
    },
    async remove(imageId) {
      await table.run((client) => client.deleteEntity(partition, keyOf(imageId)), 404);
    },
    list: () =>
      table.run<readonly StoredDocument<T>[]>(async (client) => {
        const documents: StoredDocument<T>[] = [];
        for await (const entity of client.listEntities<Entity>({
          queryOptions: { filter: odata`PartitionKey eq ${partition}` },
        }))
          documents.push(stored(entity));
        return documents;
      }),
  };
}
