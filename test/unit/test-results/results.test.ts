import { expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import {
  azureResults,
  gateOf,
  type Outcome,
  type TestResult,
} from "../../../src/test-results/results.js";

const result = (region: string, name: string, outcome: Outcome): TestResult => ({
  name,
  region,
  result: outcome,
  time: "2026-01-01T00:00:00.000Z",
  reportedBy: {},
});

const REGIONS = ["westus", "eastus"];

test("a gate is open once each test has passed in each region", () => {
  const passed = [
    result("westus", "boot", "passed"),
    result("westus", "load", "passed"),
    result("eastus", "boot", "passed"),
    result("eastus", "load", "passed"),
    // Of no interest to it.
    result("northeurope", "boot", "failed"),
    result("westus", "other", "failed"),
  ];
  expect(gateOf(passed, { regions: REGIONS, names: ["boot", "load"] })).toEqual({
    state: "passed",
    failed: [],
    missing: [],
  });
  expect(gateOf([], { regions: REGIONS, names: [] }).state).toBe("passed");
  expect(gateOf([], { regions: [], names: ["boot"] }).state).toBe("passed");
});

test("it waits for what has no result, or one that says nothing, and says for what", () => {
  expect(
    gateOf([result("westus", "boot", "inconclusive"), result("eastus", "load", "passed")], {
      regions: REGIONS,
      names: ["boot", "load"],
    }),
  ).toEqual({
    state: "waiting",
    failed: [],
    missing: [
      { region: "westus", name: "boot", result: "inconclusive" },
      { region: "westus", name: "load" },
      { region: "eastus", name: "boot" },
    ],
  });
});

test("one failure closes it, whatever else is missing", () => {
  const failed = result("eastus", "boot", "failed");
  expect(gateOf([failed], { regions: REGIONS, names: ["boot"] })).toEqual({
    state: "failed",
    failed: [failed],
    missing: [{ region: "westus", name: "boot" }],
  });
});

test("what Azure has validated is a result in each of the version's regions", () => {
  const version = (validationsProfile: unknown): ImageVersionRequest =>
    ({
      location: "westus",
      properties: {
        publishingProfile: {
          targetRegions: [{ name: "West US" }, { name: "East US" }],
        },
        validationsProfile,
      },
    }) as unknown as ImageVersionRequest;
  const published = "2026-01-01T00:00:00Z";
  expect(azureResults(version(undefined), published)).toEqual([]);
  expect(azureResults(version(null), published)).toEqual([]);
  const results = azureResults(
    version({
      executedValidations: [
        {
          type: "TrustedLaunchBoot",
          status: "Succeeded",
          executionTime: "2026-01-01T02:00:00Z",
        },
        { type: "Other", status: "Unknown" },
      ],
    }),
    published,
  );
  expect(
    results.map(({ name, region, result: found, time }) => [name, region, found, time].join(" ")),
  ).toEqual([
    "azure/TrustedLaunchBoot westus passed 2026-01-01T02:00:00Z",
    "azure/TrustedLaunchBoot eastus passed 2026-01-01T02:00:00Z",
    `azure/Other westus inconclusive ${published}`,
    `azure/Other eastus inconclusive ${published}`,
  ]);
  expect(gateOf(results, { regions: REGIONS, names: ["azure/TrustedLaunchBoot"] }).state).toBe(
    "passed",
  );
});
