import type {
  RetentionPolicies,
  RetentionPolicy,
} from "../../../src/retention/ports.js";
import { createMemoryImageDocuments } from "./image-documents.js";

export function createMemoryRetentionPolicies(): RetentionPolicies {
  const documents =
    createMemoryImageDocuments<RetentionPolicy>("retention policy");
  return {
    ...documents,
    async read(imageId) {
      const stored = await documents.read(imageId);
      return stored && { policy: stored.document, etag: stored.etag };
    },
    list: async () =>
      (await documents.list()).map(({ document: policy, etag }) => ({
        policy,
        etag,
      })),
  };
}
