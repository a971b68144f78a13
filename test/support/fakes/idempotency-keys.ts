import type {
  IdempotencyClaim,
  IdempotencyKeys,
} from "../../../src/operation/ports.js";

export function createMemoryIdempotencyKeys(now: () => Date): IdempotencyKeys {
  const claims = new Map<string, IdempotencyClaim>();
  return {
    claim(key, value) {
      const claim = claims.get(key) ?? {
        ...value,
        claimedTime: now().toISOString(),
      };
      claims.set(key, claim);
      return Promise.resolve({ ...claim });
    },
    bind(key, operationId) {
      const claim = claims.get(key);
      if (claim !== undefined) claims.set(key, { operationId, ...claim });
      return Promise.resolve();
    },
  };
}
