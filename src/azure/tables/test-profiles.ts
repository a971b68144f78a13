import type { TestCounts, TestLimits } from "../../machine-test/ports.js";
import type { TestProfiles } from "../../machine-test/profile-ports.js";
import type { TestProfile } from "../../machine-test/profile.js";
import { createImageDocuments } from "./image-documents.js";
import type { TableStorage } from "./table.js";

/** How many tests and machines there are, in Table Storage. */
export function createTestCounts(storage: TableStorage): TestLimits["counts"] {
  return createImageDocuments<TestCounts>(
    storage,
    "SigilTestCounts",
    "counts",
    "count of tests",
  );
}

/** Test profiles in Table Storage. */
export function createTestProfiles(storage: TableStorage): TestProfiles {
  const documents = createImageDocuments<TestProfile>(
    storage,
    "SigilTestProfiles",
    "profile",
    "test profile",
  );
  return {
    ...documents,
    async read(imageId) {
      const stored = await documents.read(imageId);
      return stored && { profile: stored.document, etag: stored.etag };
    },
  };
}
