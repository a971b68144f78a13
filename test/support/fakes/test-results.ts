import { keyOf } from "../../../src/resource-id.js";
import type {
  StoredTestResult,
  TestResults,
} from "../../../src/test-results/ports.js";

export function createMemoryTestResults(): TestResults {
  const rows = new Map<string, { stored: StoredTestResult; etag: string }>();
  let writes = 0;
  const key = (versionId: string, region: string, name: string): string =>
    JSON.stringify([keyOf(versionId), region, name]);
  return {
    list: (versionId) =>
      Promise.resolve(
        [...rows.values()]
          .map(({ stored }) => stored)
          .filter((stored) => keyOf(stored.versionId) === keyOf(versionId)),
      ),
    read: (versionId, region, name) =>
      Promise.resolve(rows.get(key(versionId, region, name))),
    put(result, etag) {
      const at = key(result.versionId, result.region, result.name);
      if (rows.get(at)?.etag !== etag) return Promise.resolve(false);
      writes += 1;
      rows.set(at, { stored: result, etag: String(writes) });
      return Promise.resolve(true);
    },
  };
}
