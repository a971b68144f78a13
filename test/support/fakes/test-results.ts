import { keyOf } from "../../../src/resource-id.js";
import {
  factOf,
  type StoredTestResult,
  type TestResults,
} from "../../../src/test-results/ports.js";

export function createMemoryTestResults(): TestResults {
  const rows = new Map<string, StoredTestResult>();
  return {
    list: (versionId) =>
      Promise.resolve(
        [...rows.values()].filter((stored) => keyOf(stored.versionId) === keyOf(versionId)),
      ),
    add(result) {
      rows.set(`${keyOf(result.versionId)} ${factOf(result)}`, result);
      return Promise.resolve();
    },
  };
}
