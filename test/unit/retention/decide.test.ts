import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareVersionNumbers } from "../../../src/version-numbers.js";
import { decide, deciding, type RetainedVersion } from "../../../src/retention/decide.js";
import type { RetentionRules } from "../../../src/retention/ports.js";
import { naming } from "../../support/naming.js";

const NOW = new Date("2026-06-01T00:00:00Z");

/** Promoted and ready in westus, unless said otherwise. */
function version(name: string, more: Partial<RetainedVersion> = {}): RetainedVersion {
  return {
    id: `/versions/${name}`,
    name,
    state: "Succeeded",
    createdTime: "2026-01-01T00:00:00Z",
    provisioningState: "Succeeded",
    latestIn: ["westus"],
    readyRegions: ["westus"],
    protected: false,
    isRollbackTarget: false,
    ...more,
  };
}

/** Each version's name and code; those that are deleted with a minus before. */
function codes(
  rules: RetentionRules,
  ...versions: readonly RetainedVersion[]
): Record<string, string> {
  return Object.fromEntries(
    decide(rules, versions, NOW).map(({ version: { name }, deletes, code }) => [
      name,
      `${deletes ? "-" : ""}${code}`,
    ]),
  );
}

const KEEP_1: RetentionRules = { keepNewestPromoted: 1 };
const PAST: RetentionRules = { deleteAfterEndOfLifeDays: 30 };
const LATEST = version("9.0.0");

test("what is protected is deleted by no rule", () => {
  const old = { protected: true, endOfLifeDate: "2026-01-01T00:00:00Z" };
  expect(codes({ ...KEEP_1, ...PAST }, version("1.0.0", old), LATEST)).toEqual({
    "1.0.0": "Protected",
    "9.0.0": "Latest",
  });
});

describe("keepNewestPromoted", () => {
  test("deletes what is promoted and not among the newest, lowest number first", () => {
    const decisions = decide(
      { keepNewestPromoted: 2 },
      ["1.0.10", "1.0.9", "1.0.2", "1.0.1"].map((name) => version(name)),
      NOW,
    );
    expect(decisions.map(({ version: { name } }) => name)).toEqual([
      "1.0.1",
      "1.0.2",
      "1.0.9",
      "1.0.10",
    ]);
    expect(decisions).toMatchObject([
      {
        deletes: true,
        code: "BeyondNewestPromoted",
        reason: naming(["2"]),
      },
      { deletes: true },
      {
        deletes: false,
        code: "AmongNewestPromoted",
        reason: naming(["2"]),
      },
      {
        deletes: false,
        code: "Latest",
        reason: expect.stringMatching(/./u) as unknown,
      },
    ]);
  });

  test("counts what is promoted in Azure alone: a version that is held back, failed or being made takes no place", () => {
    expect(
      codes(
        { keepNewestPromoted: 2 },
        version("1.0.0"),
        version("1.0.1"),
        version("1.0.2"),
        version("1.0.3", { latestIn: [] }),
        version("1.0.4", { state: "Failed" }),
        version("1.0.5", { state: "Replicating" }),
        version("1.0.6", { provisioningState: "Failed" }),
      ),
    ).toEqual({
      "1.0.0": "-BeyondNewestPromoted",
      "1.0.1": "AmongNewestPromoted",
      "1.0.2": "Latest",
      "1.0.3": "NoRuleApplies",
      "1.0.4": "NotSucceeded",
      "1.0.5": "OperationRunning",
      "1.0.6": "NotSucceeded",
    });
  });

  test("keeps everything where there is less than is to be kept", () => {
    expect(codes({ keepNewestPromoted: 5 }, version("1.0.0"), version("1.0.1"))).toEqual({
      "1.0.0": "AmongNewestPromoted",
      "1.0.1": "Latest",
    });
    expect(decide(KEEP_1, [], NOW)).toEqual([]);
  });
});

describe("deleteAfterEndOfLifeDays", () => {
  test.each([
    ["2026-05-02T00:00:00Z", 30, "-PastEndOfLife"],
    ["2026-05-02T00:00:00.001Z", 30, "BeforeEndOfLife"],
    ["2026-05-02", 30, "-PastEndOfLife"],
    ["2026-06-01", 0, "-PastEndOfLife"],
    ["2026-06-02", 0, "BeforeEndOfLife"],
  ])(
    "an end of life at %s with %i days of grace: %s",
    (endOfLifeDate, deleteAfterEndOfLifeDays, code) => {
      expect(
        codes({ deleteAfterEndOfLifeDays }, version("1.0.0", { endOfLifeDate }), LATEST),
      ).toEqual({ "1.0.0": code, "9.0.0": "Latest" });
    },
  );

  test("says the end of life and the grace time", () => {
    const [past, future] = decide(
      PAST,
      [
        version("1.0.0", { endOfLifeDate: "2026-01-01" }),
        version("1.0.1", { endOfLifeDate: "2026-05-31" }),
        LATEST,
      ],
      NOW,
    );
    expect(past?.reason).toEqual(naming(["2026-01-01", "30"]));
    expect(future?.reason).toEqual(naming(["2026-05-31", "30"]));
  });

  test("leaves a version without an end of life alone", () => {
    expect(codes(PAST, version("1.0.0"), LATEST)["1.0.0"]).toBe("NoRuleApplies");
  });
});

describe("never deleted, whatever the rules:", () => {
  const ALL: RetentionRules = {
    keepNewestPromoted: 1,
    deleteAfterEndOfLifeDays: 0,
  };
  const dead = { endOfLifeDate: "2020-01-01" };

  test.each(["Accepted", "Creating", "Updating", "Replicating", "Deleting"])(
    "a version that an operation works on (%s; invariant 1)",
    (state) => {
      expect(
        codes(
          ALL,
          version("1.0.0", {
            ...dead,
            state: state as RetainedVersion["state"],
          }),
          LATEST,
        )["1.0.0"],
      ).toBe("OperationRunning");
    },
  );

  test.each([
    { state: "Failed" as const },
    { state: "Canceled" as const },
    { provisioningState: "Updating" },
    { provisioningState: "Unknown" },
  ])("a version that is not Succeeded on both sides: %o (invariant 1)", (more) => {
    expect(codes(ALL, version("1.0.0", { ...dead, ...more }), LATEST)["1.0.0"]).toBe(
      "NotSucceeded",
    );
  });

  test("the latest, past its end of life (invariant 2)", () => {
    expect(codes(ALL, version("1.0.0", dead), version("1.0.1", dead))).toEqual({
      "1.0.0": "-PastEndOfLife",
      "1.0.1": "Latest",
    });
  });

  test("the latest of a region that newer versions are not in, or are excluded from latest in (invariant 2)", () => {
    const east = {
      latestIn: ["westus", "eastus"],
      readyRegions: ["westus", "eastus"],
    };
    const decisions = decide(
      ALL,
      [
        version("1.0.0", east),
        version("1.0.1", east),
        version("1.0.2", {
          latestIn: ["westus"],
          readyRegions: ["westus", "eastus"],
        }),
        version("1.0.3"),
      ],
      NOW,
    );
    expect(decisions).toMatchObject([
      { deletes: true },
      { code: "LatestInRegion", reason: "The latest in eastus." },
      { deletes: true },
      { code: "Latest" },
    ]);
  });

  test("what serves a region in which no newer one is known to be ready (invariant 2)", () => {
    const both = ["westus", "eastus"];
    expect(
      codes(
        ALL,
        version("1.0.0", {
          latestIn: both,
          readyRegions: ["westus", "eastus"],
        }),
        version("1.0.1", {
          latestIn: both,
          readyRegions: ["westus", "eastus"],
        }),
        version("1.0.2", { latestIn: both }),
        version("1.0.3", { latestIn: both }),
      ),
    ).toEqual({
      "1.0.0": "-BeyondNewestPromoted",
      "1.0.1": "LatestInRegion",
      "1.0.2": "LatestInRegion",
      "1.0.3": "Latest",
    });
  });

  test("a version whose end of life is to come, beyond the newest too, with its grace time (invariant 3)", () => {
    const versions = [
      version("1.0.0", { endOfLifeDate: "2026-05-31" }),
      version("1.0.1", { endOfLifeDate: "2027-01-01" }),
      LATEST,
    ];
    expect(codes(KEEP_1, ...versions)).toMatchObject({
      "1.0.0": "-BeyondNewestPromoted",
      "1.0.1": "BeforeEndOfLife",
    });
    expect(codes({ ...KEEP_1, ...PAST }, ...versions)).toMatchObject({
      "1.0.0": "BeforeEndOfLife",
      "1.0.1": "BeforeEndOfLife",
    });
  });

  test("the newest promoted, past their end of life (invariant 4)", () => {
    expect(
      codes(
        { keepNewestPromoted: 2, deleteAfterEndOfLifeDays: 0 },
        version("1.0.0", dead),
        version("1.0.1", dead),
        version("1.0.2", dead),
      ),
    ).toEqual({
      "1.0.0": "-PastEndOfLife",
      "1.0.1": "AmongNewestPromoted",
      "1.0.2": "Latest",
    });
  });

  test("a repair of an old line, new by its publication (invariant 4)", () => {
    const published = (name: string, publishedDate: string): RetainedVersion =>
      version(name, { publishedDate });
    expect(
      codes(
        KEEP_1,
        published("1.0.0", "2026-01-01T00:00:00Z"),
        published("1.0.1", "2026-05-31T00:00:00Z"),
        published("2.0.0", "2026-02-01T00:00:00Z"),
        published("2.0.1", "2026-03-01T00:00:00Z"),
      ),
    ).toEqual({
      "1.0.0": "-BeyondNewestPromoted",
      "1.0.1": "AmongNewestPromoted",
      "2.0.0": "-BeyondNewestPromoted",
      "2.0.1": "Latest",
    });
  });

  test("a version that is held back, unless its end of life is past (invariant 5)", () => {
    const held = { latestIn: [] };
    const versions = [version("1.0.0", held), version("1.0.1", { ...held, ...dead }), LATEST];
    expect(codes(KEEP_1, ...versions)).toMatchObject({
      "1.0.0": "NoRuleApplies",
      "1.0.1": "NoRuleApplies",
    });
    expect(codes(ALL, ...versions)).toMatchObject({
      "1.0.0": "NoRuleApplies",
      "1.0.1": "-PastEndOfLife",
    });
  });

  test("a version with a date that cannot be read (invariant 6)", () => {
    expect(
      codes(
        ALL,
        version("1.0.0", { endOfLifeDate: "some day" }),
        version("1.0.1", { publishedDate: "?" }),
        LATEST,
      ),
    ).toEqual({
      "1.0.0": "BeforeEndOfLife",
      "1.0.1": "AmongNewestPromoted",
      "9.0.0": "Latest",
    });
  });
});

test("why no rule applies is said", () => {
  const reasons = (rules: RetentionRules, more: Partial<RetainedVersion>) =>
    decide(rules, [version("1.0.0", more), LATEST], NOW)[0]?.reason;
  const said = [
    reasons(KEEP_1, { latestIn: [] }),
    reasons(KEEP_1, { latestIn: [], endOfLifeDate: "2020-01-01" }),
    reasons(PAST, {}),
  ];
  expect(new Set(said).size).toBe(3);
});

/** As Azure resolves the latest of a region: the highest number that is in it, ready there, and excluded nowhere. */
function latestIn(name: string, versions: readonly RetainedVersion[]): RetainedVersion | undefined {
  return versions
    .filter(
      (one) =>
        one.provisioningState === "Succeeded" &&
        one.readyRegions.includes(name) &&
        one.latestIn.includes(name),
    )
    .sort((a, b) => compareVersionNumbers(b.name, a.name))[0];
}

const NAMES = ["westus", "eastus", "eastus2"];
const regions = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    excludeFromLatest: fc.option(fc.boolean(), { nil: undefined }),
    ready: fc.boolean(),
  }),
  { selector: ({ name }) => name, minLength: 1 },
);
const day = fc
  .integer({ min: -90, max: 90 })
  .map((days) => new Date(NOW.getTime() + days * 86_400_000).toISOString());
const anyVersions = fc.uniqueArray(
  fc
    .record({
      minor: fc.nat(12),
      regions,
      excluded: fc.boolean(),
      isRollbackTarget: fc.boolean(),
      protected: fc.boolean(),
      publishedDate: day,
      endOfLifeDate: fc.option(day, { nil: undefined }),
      state: fc.constantFrom(
        "Succeeded" as const,
        "Succeeded" as const,
        "Updating" as const,
        "Failed" as const,
        "Canceled" as const,
      ),
      provisioningState: fc.constantFrom("Succeeded", "Succeeded", "Failed"),
    })
    .map(({ minor, regions: own, excluded, endOfLifeDate, ...more }) => ({
      ...version(`1.${minor}.0`, more),
      ...(endOfLifeDate !== undefined && { endOfLifeDate }),
      // A region's own flag goes before the version's.
      latestIn: own.flatMap(({ name, excludeFromLatest }) =>
        (excludeFromLatest ?? excluded) ? [] : [name],
      ),
      readyRegions: own.flatMap(({ name, ready }) => (ready ? [name] : [])),
    })),
  { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
);
const anyRules = fc.record(
  {
    keepNewestPromoted: fc.integer({ min: 1, max: 4 }),
    deleteAfterEndOfLifeDays: fc.nat(40),
  },
  { requiredKeys: [] },
);

test("whatever the policy and the versions, no region loses its latest, and none its last that is ready and promoted", () => {
  fc.assert(
    fc.property(anyRules, anyVersions, (policy, all) => {
      const decisions = decide(policy, all, NOW);
      const kept = decisions.flatMap(({ deletes, version: one }) => (deletes ? [] : [one]));
      for (const name of NAMES) expect(latestIn(name, kept)).toBe(latestIn(name, all));
      for (const { deletes, version: one } of decisions)
        expect(deletes && (one.isRollbackTarget || one.protected)).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

test("a deletion rests on nothing but what decides: whatever becomes of any other version, it stays", () => {
  let changed = 0;
  fc.assert(
    fc.property(anyRules, anyVersions, fc.nat(), (policy, some, which) => {
      const well = { state: "Succeeded", provisioningState: "Succeeded" } as const;
      const all = some.map((one) => ({ ...one, ...well }));
      const rests = deciding(policy, all);
      const deleted = (versions: readonly RetainedVersion[]): readonly string[] =>
        decide(policy, versions, NOW).flatMap(({ deletes, version: { name } }) =>
          deletes ? [name] : [],
        );
      for (const name of deleted(all)) {
        const others = all.filter((one) => one.name !== name && !rests.includes(one.name));
        const gone = others.filter((_, i) => (which >> i) % 2 === 1);
        changed += gone.length;
        const then = all.map((one) =>
          gone.includes(one) ? { ...one, state: "Failed" as const } : one,
        );
        expect(deleted(then)).toContain(name);
      }
    }),
    { numRuns: 10_000 },
  );
  expect(changed).toBeGreaterThan(500);
});
