import { defineConfig } from "vitest/config";
import base from "../../vitest.config.js";
import { oneThread } from "./one-thread.js";

/** What mutants are tried against: tests of one process that open nothing. `npm run mutation` runs them very often. */
export default defineConfig({
  ...base,
  plugins: [
    {
      name: "one-thread",
      configureVitest({ project }) {
        // Stryker sets pool to "threads" last
        Object.assign(project.config, {
          pool: oneThread.name,
          poolRunner: oneThread,
        });
      },
    },
  ],
  test: {
    include: ["test/unit/{image-version,operation}/**/*.test.ts"],
    // Of the slow tier: thousands of simulated polls. Counts functions, and Stryker adds some to each file.
    exclude: ["**/pace-goals.test.ts", "**/quiet-poll.test.ts"],
    setupFiles: ["test/mutation/inactive.ts"],
    env: { SIGIL_LAWS_RUNS: "15" }, // enough to kill what examples do not
    testTimeout: 60_000, // a mutant that runs for ever is Stryker's to end
    isolate: false,
  },
});
