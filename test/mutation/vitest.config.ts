import { defineConfig } from "vitest/config";

/** What mutants are tried against: tests of one process that open nothing. `npm run mutation` runs them very often. */
export default defineConfig({
  test: {
    include: ["test/unit/{image-version,operation}/**/*.test.ts"],
    env: { SIGIL_LAWS_RUNS: "15" }, // enough to kill what examples do not
    testTimeout: 10_000,
  },
});
