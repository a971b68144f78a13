import type { EventPublisher } from "../operation/ports.js";
import type { ResourceManager } from "../image-version/index.js";
import type { TestResult } from "./results.js";

/** A result, and the life of the version that it is of: a version made again under its number has none of them. */
export interface StoredTestResult extends TestResult {
  readonly versionId: string;
  /** The version's publishedDate. */
  readonly life: string;
  /** When the work began by which it was found, where that is known: it is of the copy that was there then. RFC 3339. */
  readonly begunTime?: string;
}

/** The same again says nothing new. */
export function factOf(result: StoredTestResult): string {
  const { region, name, reportedBy, time, result: found, life } = result;
  const { policy, source, appId, objectId } = reportedBy;
  return JSON.stringify([
    ...[region, name, time, found, life],
    ...[policy, source, appId, objectId],
  ]);
}

export interface TestResults {
  /** All of a version, of whatever life. */
  list(versionId: string): Promise<readonly StoredTestResult[]>;
  /** Keeps it, beside all others. The same fact again (test, region, reporter, time, result) is kept once. */
  add(result: StoredTestResult): Promise<void>;
}

/** What test results need. */
export interface TestResultDependencies {
  readonly results: TestResults;
  readonly resourceManager: Pick<ResourceManager, "getImageVersion">;
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly now: () => Date;
  /** Told of each result before it is stored: whoever dies after that leaves it to the timer. */
  readonly beforeResult?: (versionId: string) => Promise<unknown>;
  /** Told of each result once it is stored: again where it is reported again. */
  readonly onResult?: (versionId: string, traceparent: string) => Promise<void>;
}
