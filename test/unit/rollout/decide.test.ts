import { describe, expect, test } from "vitest";
import { decide, type Situation } from "../../../src/rollout/decide.js";
import type { Outcome, TestResult } from "../../../src/test-results/results.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const minutesAgo = (minutes: number): string =>
  new Date(NOW.getTime() - minutes * 60_000).toISOString();
const MACHINE = "sigil/machine";

const found = (
  region: string,
  result: Outcome,
  name = MACHINE,
): TestResult => ({
  name,
  region,
  result,
  time: minutesAgo(1),
  reportedBy: { name: "Sigil" },
});

const decided = (more: Partial<Situation> = {}) =>
  decide(
    {
      regions: ["westus", "eastus2"],
      names: [MACHINE],
      results: [],
      unready: [],
      tests: { begun: 0 },
      ...more,
    },
    NOW,
  );

const BOTH = [found("westus", "passed"), found("eastus2", "passed")];

describe("a version that is held back until its tests have passed", () => {
  test("is promoted once each test has passed in each region", () => {
    expect(decided({ results: BOTH })).toMatchObject({ kind: "promote" });
    expect(decided({ results: BOTH, names: [MACHINE, "boot"] })).toMatchObject({
      kind: "wait",
      message: "It waits for boot in westus, boot in eastus2.",
    });
    expect(
      decided({ results: [found("westus", "passed")], regions: ["westus"] }),
    ).toMatchObject({ kind: "promote" });
  });

  test("is not while an operation on it is under way, or a region is not ready", () => {
    expect(decided({ results: BOTH, operationId: "o-1" })).toMatchObject({
      kind: "wait",
      state: "Waiting",
      message: "Operation o-1 on the version is under way.",
    });
    expect(decided({ results: BOTH, unready: ["eastus2"] })).toMatchObject({
      kind: "wait",
      message: "The version is not usable in eastus2 yet.",
    });
  });

  test("is halted by one failure, whatever else is known", () => {
    expect(
      decided({
        results: [found("westus", "passed"), found("eastus2", "failed")],
        operationId: "o-1",
      }),
    ).toMatchObject({
      kind: "halt",
      state: "Halted",
      gate: { failed: [{ region: "eastus2" }] },
    });
  });

  test("is not promoted twice by a rule whose promotion has failed", () => {
    expect(decided({ results: BOTH, refusal: "A policy." })).toMatchObject({
      kind: "wait",
      state: "NeedsAttention",
      message: expect.stringContaining(
        "A policy. Promote it by hand.",
      ) as string,
    });
  });
});

describe("the test by machines", () => {
  test("begins where it has no result yet, in those regions", () => {
    expect(decided({ results: [found("westus", "passed")] })).toMatchObject({
      kind: "test",
      regions: ["eastus2"],
    });
    expect(decided({ names: ["boot"] })).toMatchObject({ kind: "wait" });
  });

  test("is waited for while one runs, whoever began it", () => {
    expect(decided({ tests: { begun: 0, runningId: "t-1" } })).toMatchObject({
      kind: "wait",
      message: expect.stringContaining(
        "Operation t-1 tests the version.",
      ) as string,
    });
  });

  test("that comes to no result begins again after half an hour, and then an hour; then a person is waited for", () => {
    const results = [
      found("westus", "passed"),
      found("eastus2", "inconclusive"),
    ];
    const after = (begun: number, minutes: number) =>
      decided({ results, tests: { begun, endTime: minutesAgo(minutes) } });
    expect(after(1, 29)).toMatchObject({
      kind: "wait",
      nextAttemptTime: "2026-06-01T12:01:00.000Z",
    });
    expect(after(1, 30)).toMatchObject({ kind: "test", regions: ["eastus2"] });
    expect(after(2, 59)).toMatchObject({ kind: "wait" });
    expect(after(2, 60)).toMatchObject({ kind: "test" });
    expect(after(3, 1_000)).toMatchObject({
      kind: "wait",
      state: "NeedsAttention",
      message: expect.stringContaining("no result 3 times") as string,
    });
  });

  test("that cannot be begun is for a person", () => {
    expect(
      decided({ tests: { begun: 0, hindrance: "No profile." } }),
    ).toMatchObject({
      kind: "wait",
      state: "NeedsAttention",
      message:
        "It waits for sigil/machine in westus, sigil/machine in eastus2. No profile.",
    });
  });
});
