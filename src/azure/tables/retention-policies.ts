import { odata } from "@azure/data-tables";
import { ServiceError } from "../../errors.js";
import { keyOf } from "../../resource-id.js";
import type {
  RetentionPolicies,
  RetentionPolicy,
  StoredPolicy,
} from "../../retention/ports.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./table.js";

/** One for all: as many policies as image definitions, read together. */
const PARTITION = "policy";

type Entity = Record<string, unknown> & { readonly etag: string };

/** Policies in Table Storage: a row an image definition, guarded by its ETag. */
export function createRetentionPolicies(
  storage: TableStorage,
): RetentionPolicies {
  const table = new Table(storage, "SigilRetentionPolicies");
  return {
    async read(imageId) {
      const entity = await table.run(
        (client) => client.getEntity(PARTITION, keyOf(imageId)),
        404,
      );
      return entity === 404 ? undefined : stored(entity);
    },
    async put(policy, etag) {
      const entity = {
        partitionKey: PARTITION,
        rowKey: keyOf(policy.imageId),
        ...toProperties(policy),
      };
      const result = await table.run(
        (client) =>
          etag === undefined
            ? client.createEntity(entity)
            : client.updateEntity(entity, "Replace", { etag }),
        404, // ResourceNotFound: removed meanwhile
        409, // EntityAlreadyExists
        412, // UpdateConditionNotSatisfied
      );
      if (typeof result === "number")
        throw new ServiceError(
          "StateConflict",
          `The retention policy of ${policy.imageId} was changed by another request.`,
          { retryAfterMs: 1_000 },
        );
    },
    async remove(imageId) {
      await table.run(
        (client) => client.deleteEntity(PARTITION, keyOf(imageId)),
        404,
      );
    },
    list: () =>
      table.run<readonly StoredPolicy[]>(async (client) => {
        const policies: StoredPolicy[] = [];
        for await (const entity of client.listEntities<Entity>({
          queryOptions: { filter: odata`PartitionKey eq ${PARTITION}` },
        }))
          policies.push(stored(entity));
        return policies;
      }),
  };
}

function stored(entity: Entity): StoredPolicy {
  return { policy: fromProperties<RetentionPolicy>(entity), etag: entity.etag };
}
