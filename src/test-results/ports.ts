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

/** One result for each version, region and name. */
export interface TestResults {
  /** All of a version, of whatever life. */
  list(versionId: string): Promise<readonly StoredTestResult[]>;
  read(
    versionId: string,
    region: string,
    name: string,
  ): Promise<
    { readonly stored: StoredTestResult; readonly etag: string } | undefined
  >;
  /** False where the stored one is no longer that of `etag` (`undefined`: where one is stored): nothing is written then. */
  put(result: StoredTestResult, etag: string | undefined): Promise<boolean>;
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
