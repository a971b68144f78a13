import type { IdempotencyClaim, IdempotencyKeys } from "../../operation/ports.js";
import { fromProperties, toProperties } from "./document.js";
import { Table, type TableStorage } from "./table.js";

export const CLAIMS_TABLE = "SigilIdempotencyKeys";
const ROW = "claim";

/** Claims in Table Storage: the first insert wins. Claims expire (aged-rows.ts). */
export function createIdempotencyKeys(storage: TableStorage, now: () => Date): IdempotencyKeys {
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
      if (inserted !== 409) return { ...value, claimedTime: writtenTime, isNew: true };
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
      const claimed = await table.run(
        (client) => client.getEntity<{ boundTo?: string }>(key, ROW),
        404,
      );
      if (claimed === 404 || claimed.boundTo !== undefined) return;
      await table.run(
        (client) =>
          client.updateEntity({ partitionKey: key, rowKey: ROW, boundTo: operationId }, "Merge", {
            etag: claimed.etag,
          }),
        404, // The claim expired since it was read.
        412, // Another was first; or we were, and the SDK sent it again because the answer was lost.
      );
    },
  };
}
