import type {
  IdempotencyClaim,
  IdempotencyKeys,
} from "../../operation/ports.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./table.js";

export const CLAIMS_TABLE = "SigilIdempotencyKeys";
const ROW = "claim";

/** Claims in Table Storage: an insert decides who was first. They end with their age (aged-rows.ts). */
export function createIdempotencyKeys(
  storage: TableStorage,
  now: () => Date,
): IdempotencyKeys {
  const table = new Table(storage, CLAIMS_TABLE);
  return {
    async claim(key, value) {
      const writtenTime = now().toISOString();
      const inserted = await table.run(
        (client) =>
          client.createEntity({
            partitionKey: key,
            rowKey: ROW,
            writtenTime,
            ...toProperties(value),
          }),
        409,
      );
      if (inserted !== 409) return { ...value, claimedTime: writtenTime };
      const entity = await table.run((client) =>
        client.getEntity<Record<string, unknown>>(key, ROW),
      );
      const { boundTo, writtenTime: claimedTime } = entity;
      const claimed = fromProperties<IdempotencyClaim>(entity);
      return {
        ...claimed,
        ...("operationId" in claimed && { legacy: true }),
        ...(typeof boundTo === "string" && { operationId: boundTo }),
        ...(typeof claimedTime === "string" && { claimedTime }),
      };
    },

    async bind(key, operationId) {
      await table.run(
        (client) =>
          client.updateEntity(
            { partitionKey: key, rowKey: ROW, boundTo: operationId },
            "Merge",
          ),
        404, // The claim has ended since it was read.
      );
    },
  };
}
