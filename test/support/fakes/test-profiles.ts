import type { TestProfiles } from "../../../src/machine-test/profile-ports.js";
import type { TestProfile } from "../../../src/machine-test/profile.js";
import { createMemoryImageDocuments } from "./image-documents.js";

export function createMemoryTestProfiles(): TestProfiles {
  const documents = createMemoryImageDocuments<TestProfile>("test profile");
  return {
    ...documents,
    async read(imageId) {
      const stored = await documents.read(imageId);
      return stored && { profile: stored.document, etag: stored.etag };
    },
  };
}
