import { defineConfig } from "vitest/config";

export default defineConfig({
  // A stand-in is read as its sources, not as what was last compiled of them. The other conditions are Vitest's own.
  ssr: {
    resolve: {
      conditions: ["sigil-source", "node", "development|production"],
    },
  },
  test: {
    include: [
      "{test/{unit,contract,e2e,fuzz,model},src/local/*/test}/**/*.test.ts",
    ],
    benchmark: { include: ["test/bench/**/*.bench.ts"] },
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/connections.ts"],
    pool: "forks",
    isolate: false, // no module keeps state; importing the SDKs anew for each file takes a minute of two cores
    maxWorkers: 2, // most of a test is waiting for another process
    env: { APPLICATION_INSIGHTS_NO_DIAGNOSTIC_CHANNEL: "true" }, // else Azurite's would be this process's OpenTelemetry
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
