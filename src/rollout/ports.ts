import type { Dependencies } from "../image-version/index.js";
import type { TestDependencies } from "../machine-test/ports.js";
import type { TestResults } from "../test-results/ports.js";

/** The ports for promoting tested versions. */
export interface RolloutDependencies {
  readonly imageVersions: Dependencies;
  readonly machineTests: TestDependencies;
  readonly results: Pick<TestResults, "list">;
}
