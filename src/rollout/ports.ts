import type { Dependencies } from "../image-version/index.js";
import type { TestDependencies } from "../machine-test/ports.js";
import type { TestResults } from "../test-results/ports.js";

/** What the promotion of tested versions needs. */
export interface RolloutDependencies {
  readonly imageVersions: Dependencies;
  readonly machineTests: TestDependencies;
  readonly results: Pick<TestResults, "list">;
}
