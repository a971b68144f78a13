import { ServiceError } from "../../../src/errors.js";
import { keyOf } from "../../../src/resource-id.js";
import type {
  RetentionPolicies,
  StoredPolicy,
} from "../../../src/retention/ports.js";

export function createMemoryRetentionPolicies(): RetentionPolicies {
  const policies = new Map<string, StoredPolicy>();
  let writes = 0;
  return {
    read: (imageId) => Promise.resolve(policies.get(keyOf(imageId))),
    put(policy, etag) {
      const key = keyOf(policy.imageId);
      if (policies.get(key)?.etag !== etag)
        return Promise.reject(
          new ServiceError(
            "StateConflict",
            `The retention policy of ${policy.imageId} was changed by another request.`,
            { retryAfterMs: 1_000 },
          ),
        );
      writes += 1;
      policies.set(key, { policy, etag: String(writes) });
      return Promise.resolve();
    },
    remove(imageId) {
      policies.delete(keyOf(imageId));
      return Promise.resolve();
    },
    list: () => Promise.resolve([...policies.values()]),
  };
}
