import type { IdempotencyClaim, IdempotencyKeys } from "../operation/ports.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./tables.js";

const ROW = "claim";

/** Claims in Table Storage: an insert decides who was first. */
export function createIdempotencyKeys(storage: TableStorage): IdempotencyKeys {
  const table = new Table(storage, "SigilIdempotencyKeys");
  return {
    async claim(key, value) {
      const inserted = await table.run(
        (client) =>
          client.createEntity({
            partitionKey: key,
            rowKey: ROW,
            ...toProperties(value),
          }),
        409,
      );
      if (inserted !== 409) return value;
      const entity = await table.run((client) =>
        client.getEntity<Record<string, unknown>>(key, ROW),
      );
      const { boundTo } = entity;
      const claimed = fromProperties<IdempotencyClaim>(entity);
      return {
        ...claimed,
        ...("operationId" in claimed && { legacy: true }),
        ...(typeof boundTo === "string" && { operationId: boundTo }),
      };
    },

    async bind(key, operationId) {
      await table.run((client) =>
        client.updateEntity(
          { partitionKey: key, rowKey: ROW, boundTo: operationId },
          "Merge",
        ),
      );
    },
  };
}
