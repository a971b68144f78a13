import { describe, expect, test } from "vitest";
import { decide, type Situation } from "../../../src/rollout/decide.js";
import type { Outcome, TestResult } from "../../../src/test-results/results.js";
import { naming } from "../../support/naming.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const minutesAgo = (minutes: number): string =>
  new Date(NOW.getTime() - minutes * 60_000).toISOString();
const MACHINE = "sigil/machine";

const found = (region: string, result: Outcome, name = MACHINE): TestResult => ({
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
    expect(decided({ results: [found("westus", "passed")], regions: ["westus"] })).toMatchObject({
      kind: "promote",
    });
  });

  test("is not while an operation on it is under way, or a region is not ready", () => {
    expect(decided({ results: BOTH, operationId: "o-1" })).toMatchObject({
      kind: "wait",
      state: "Waiting",
      message: expect.stringMatching(/./u) as unknown,
    });
    expect(decided({ results: BOTH, unready: ["eastus2"] })).toMatchObject({
      kind: "wait",
      message: naming(["eastus2"]),
    });
    expect(decided({ results: BOTH, unready: ["eastus2"], lost: ["eastus2"] })).toMatchObject({
      kind: "wait",
      state: "NeedsAttention",
      message: naming(["eastus2"]),
    });
  });

  test("is halted by one failure, whatever else is known", () => {
    expect(
      decided({
        results: [found("westus", "passed"), found("eastus2", "failed")],
        unready: ["westus"],
      }),
    ).toMatchObject({
      kind: "halt",
      state: "Halted",
      gate: { failed: [{ region: "eastus2" }] },
    });
  });

  test("that has failed while it is promoted is looked at again when that is done", () => {
    expect(decided({ results: [found("westus", "failed")], operationId: "o-1" })).toMatchObject({
      kind: "wait",
      state: "Halted",
    });
  });

  test("is not promoted while its keys are broken", () => {
    expect(decided({ results: BOTH, brokenKeys: "KeyDisabled in westus." })).toMatchObject({
      kind: "wait",
      state: "NeedsAttention",
      message: naming(["KeyDisabled", "westus"]),
    });
  });

  test("is not promoted twice by a rule whose promotion has failed", () => {
    const refusal = { of: "promotion", message: "A policy." } as const;
    expect(decided({ results: BOTH, refusal })).toMatchObject({
      kind: "wait",
      state: "NeedsAttention",
      message: expect.stringContaining("A policy. Promote it by hand.") as string,
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
      message: expect.stringContaining("Operation t-1 tests the version.") as string,
    });
  });

  test("that comes to no result begins again after half an hour, and then an hour; then a person is waited for", () => {
    const results = [found("westus", "passed"), found("eastus2", "inconclusive")];
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
      message: expect.stringContaining("3 times") as string,
    });
  });

  test("that cannot be begun is for a person", () => {
    expect(decided({ tests: { begun: 0, hindrance: "No profile." } })).toMatchObject({
      kind: "wait",
      state: "NeedsAttention",
      message: "It waits for sigil/machine in westus, sigil/machine in eastus2. No profile.",
    });
  });
});

describe("in waves", () => {
  const gates = [
    { regions: ["westus"], names: ["boot"] },
    { regions: ["eastus2"], names: ["boot"] },
  ];
  const boot = (region: string, result: Outcome) => found(region, result, "boot");
  const second = (
    more: Partial<NonNullable<Situation["wave"]>> = {},
    rest: Partial<Situation> = {},
  ) =>
    decided({
      regions: ["eastus2"],
      names: ["boot"],
      results: [boot("westus", "passed"), boot("eastus2", "passed")],
      wave: { number: 2, gates, rollsBack: false, ...more },
      ...rest,
    });

  test("the next one is promoted once its own gate is open", () => {
    expect(second()).toMatchObject({ kind: "promote", wave: 2 });
    expect(second({}, { results: [boot("westus", "passed")] })).toMatchObject({
      kind: "wait",
      message: "It waits for boot in eastus2.",
    });
  });

  test("what failed in the regions of another halts, or takes it back once nothing is under way", () => {
    const results = [boot("westus", "failed"), boot("eastus2", "passed")];
    expect(second({}, { results })).toMatchObject({
      kind: "halt",
      message: naming(["westus"]),
    });
    const back = { rollsBack: true };
    expect(second(back, { results })).toMatchObject({
      kind: "rollBack",
      state: "Halted",
    });
    expect(second(back, { results, operationId: "o-1" })).toMatchObject({
      kind: "wait",
    });
    // A promotion that was refused or canceled leaves what has failed where it was.
    const refused = (of: "promotion" | "exclusion") =>
      second(back, { results, refusal: { of, message: "A policy." } });
    expect(refused("promotion")).toMatchObject({ kind: "rollBack" });
    expect(refused("exclusion")).toMatchObject({
      kind: "halt",
      state: "Halted",
      message: naming(["westus"]),
    });
  });

  test("a turn comes with time, or by hand", () => {
    const notBefore = new Date(NOW.getTime() + 60_000).toISOString();
    expect(second({ notBefore })).toMatchObject({
      kind: "wait",
      state: "Waiting",
      nextAttemptTime: notBefore,
    });
    expect(second({ notBefore: NOW.toISOString() })).toMatchObject({
      kind: "promote",
    });
    expect(second({ isManual: true })).toMatchObject({
      kind: "wait",
      state: "Waiting",
      message: naming(["eastus2"]),
    });
  });
});
