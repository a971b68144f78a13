import type { EventPublisher } from "../operation/ports.js";
import type { ResourceManager } from "../image-version/index.js";
import type { TestResult } from "./results.js";

/**
 * A result with the life of its version. A version created again under the same number has none of
 * the earlier results.
 */
export interface StoredTestResult extends TestResult {
  readonly versionId: string;
  /** The version's publishedDate. */
  readonly life: string;
  /**
   * When the work that found it began, which tells the copy it belongs to; absent: unknown. RFC
   * 3339.
   */
  readonly begunTime?: string;
}

/** Equal for results that report the same fact. */
export function factOf(result: StoredTestResult): string {
  const { region, name, reportedBy, time, result: found, life } = result;
  const { policy, source, appId, objectId } = reportedBy;
  return JSON.stringify([
    ...[region, name, time, found, life],
    ...[policy, source, appId, objectId],
  ]);
}

export interface TestResults {
  /** All results of a version, from every life. */
  list(versionId: string): Promise<readonly StoredTestResult[]>;
  /**
   * Stores one more result. The same fact (test, region, reporter, time, result) is stored once.
   */
  add(result: StoredTestResult): Promise<void>;
}

export interface TestResultDependencies {
  readonly results: TestResults;
  readonly resourceManager: Pick<ResourceManager, "getImageVersion">;
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly now: () => Date;
  /** Called before each result is stored. If the process dies afterwards, the timer takes over. */
  readonly beforeResult?: (versionId: string) => Promise<unknown>;
  /** Called after each result is stored, and again if it is reported again. */
  readonly onResult?: (versionId: string, traceparent: string) => Promise<void>;
}
