import "./packages/node/run-again.mjs"; // Vitest, its workers, and all that tests start, run on it
import { defineConfig } from "vitest/config";
import { CostReporter } from "./test/support/cost-reporter.js";
import { Skips } from "./test/support/skips.js";

/**
 * What `npm test` leaves to `npm run test:slow`: what costs more CPU than what it protects is worth on each push. Each run writes
 * what its files cost to node_modules/.cache/sigil/test-costs.txt.
 */
const SLOW = [
  // Kills, months, thousands of calls, whatever a generator thinks of
  "test/contract/{image-version,subscription,machine-test}/{capture-crashes,crashes,removal-crashes,restore-crashes,rollback-crashes}.test.ts",
  "test/contract/key-guardian/crashes.test.ts",
  "test/contract/image-version/{long-waits,state-lost}.test.ts",
  "test/contract/azure/tables/ageing.test.ts",
  "test/contract/azure/service-bus/{dead-letters,messenger}.test.ts",
  "test/contract/authorization/policy-concurrency.test.ts",
  "test/contract/infrastructure/*.test.ts",
  "test/contract/image-version/{bursts,call-counts,capture-colleague,plan-bursts,resource-manager-faults,table-costs}.test.ts",
  "test/contract/image-version/truth/rollbacks.test.ts",
  "test/contract/image-version/drift/{crashes,many,telling}.test.ts",
  "test/contract/image-version/use-guard/{canceled,demoted,found-in-use,regions,waits}.test.ts",
  "test/contract/rollout/{changed-outside,crashes,people,results,summary,tested,wave-times}.test.ts",
  "test/contract/image-version/forecast.test.ts",
  "test/contract/key-guardian/opened.test.ts",
  "test/contract/retention/{runs,waiting-deletions}.test.ts",
  "test/contract/{batch,revocation}/crashes.test.ts",
  "test/fuzz/*.test.ts",
  "test/unit/image-version/state/pace-goals.test.ts",
  "test/unit/image-version/steps/quiet-poll.test.ts",
  // Every command with every hostile text, every shell, every pattern, every call on a rejected request
  "test/unit/cli/{any-line,completion,hostile-texts}.test.ts",
  "test/unit/patterns.test.ts",
  // What compares two documents, and what has its figures from months
  "test/unit/changes/openapi-changes.test.ts",
  "test/contract/money/budget.test.ts",
  "test/contract/messaging/rejected-requests.test.ts",
  // Whole programs; `npm test` has the whole app with its requests
  "test/e2e/{arm-sdk,cli,day-two,demo,deployment,documents,doors,drift,durability,guide,keys,machine-commands,machine-tests,messages,own-services,packages,permissions,plans,release,retention,rollout,same-version,secrets,smoke-test,stand-ins,start,telemetry,test-profiles,test-results,upgrade}.test.ts",
  // A browser, Azurite
  "test/e2e/page/*.test.ts",
  "test/azurite/*.test.ts",
];
/** Played in both, in `test:slow` for longer. */
const BOTH = [
  "test/model/**/*.test.ts",
  "test/contract/image-version/merging.test.ts",
  "test/unit/image-version/properties/laws.test.ts",
];
const { env } = process;

/** A stand-in is read as its sources, not as what was last compiled of them. The other conditions are Vitest's own. */
const CONDITIONS = ["sigil-source", "node", "development|production"];

/** How long a test may take. It waits for events and conditions, and sets no shorter limit. */
const LIMIT_MS = 60_000;

export default defineConfig({
  ssr: { resolve: { conditions: CONDITIONS } },
  environments: { __vitest__: { resolve: { conditions: CONDITIONS } } }, // of global setup
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          include: ["test/{unit,contract,e2e}/**/*.test.ts", ...BOTH],
          exclude: SLOW,
          setupFiles: ["test/support/golden-stories.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "slow",
          include: [...SLOW, ...BOTH],
          env: {
            SIGIL_MODEL_RUNS: env["SIGIL_MODEL_RUNS"] ?? "1000",
            SIGIL_CALLERS_RUNS: env["SIGIL_CALLERS_RUNS"] ?? "10",
            SIGIL_LAWS_RUNS: env["SIGIL_LAWS_RUNS"] ?? "500",
          },
        },
      },
      {
        extends: true,
        test: {
          name: "packages",
          include: ["packages/*/test/**/*.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "bench",
          include: ["test/bench/**/*.bench.ts", "test/e2e/page/*.bench.ts"],
          testTimeout: 20 * LIMIT_MS,
        },
      },
    ],
    silent: "passed-only",
    reporters: [
      "default",
      ...(process.env["GITHUB_ACTIONS"] === "true" ? ["github-actions"] : []),
      new Skips(),
      new CostReporter(),
    ],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: [
      "test/support/connections.ts",
      "test/support/cost.ts",
      "test/support/properties.ts",
    ],
    pool: "forks",
    execArgv: ["--max-semi-space-size=64"], // MB; with Node.js's own 16 an eighth of the CPU goes to collecting what is young
    isolate: false, // no module keeps state; importing the SDKs anew for each file takes a minute of two cores
    maxWorkers: 2, // most of a test is waiting for another process
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    teardownTimeout: LIMIT_MS,
    expect: { poll: { timeout: LIMIT_MS - 5_000 } }, // shorter than the test's, so that it says what it last saw
  },
});
