import type { TestCounts, TestLimits } from "../../../src/machine-test/ports.js";
import { createMemoryImageDocuments } from "./image-documents.js";

export function createTestLimits(machines = 100, testsPerDay = 200): TestLimits {
  return {
    machines,
    testsPerDay,
    counts: createMemoryImageDocuments<TestCounts>("count of tests"),
  };
}
