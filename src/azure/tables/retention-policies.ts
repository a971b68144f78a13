import type {
  RetentionPolicies,
  RetentionPolicy,
  StoredPolicy,
} from "../../retention/ports.js";
import {
  createImageDocuments,
  type StoredDocument,
} from "./image-documents.js";
import type { TableStorage } from "./table.js";

/** Policies in Table Storage. */
export function createRetentionPolicies(
  storage: TableStorage,
): RetentionPolicies {
  const documents = createImageDocuments<RetentionPolicy>(
    storage,
    "SigilRetentionPolicies",
    "policy",
    "retention policy",
  );
  return {
    ...documents,
    async read(imageId) {
      const stored = await documents.read(imageId);
      return stored && toPolicy(stored);
    },
    list: async () => (await documents.list()).map(toPolicy),
  };
}

function toPolicy({
  document: policy,
  etag,
}: StoredDocument<RetentionPolicy>): StoredPolicy {
  return { policy, etag };
}
