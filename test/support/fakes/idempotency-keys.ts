import type { IdempotencyClaim, IdempotencyKeys } from "../../../src/operation/ports.js";

export function createMemoryIdempotencyKeys(now: () => Date): IdempotencyKeys {
  const claims = new Map<string, IdempotencyClaim>();
  return {
    claim(key, value) {
      const known = claims.get(key);
      if (known !== undefined) return Promise.resolve({ ...known });
      const claim = { ...value, claimedTime: now().toISOString() };
      claims.set(key, claim);
      return Promise.resolve({ ...claim, isNew: true });
    },
    bind(key, operationId) {
      const claim = claims.get(key);
      if (claim !== undefined) claims.set(key, { operationId, ...claim });
      return Promise.resolve();
    },
  };
}
