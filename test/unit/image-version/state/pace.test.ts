/** When a replicating version is polled next. That this is soon enough, and seldom enough, is in pace-goals.test.ts. */
import { describe, expect, test } from "vitest";
import {
  beginPacing,
  paced,
  windowOf,
  type Pacing,
} from "../../../../src/image-version/state/pace.js";
import { budgetOf } from "../../../../src/image-version/state/budget.js";
import type { RegionRecord } from "../../../../src/operation/records.js";
import { measure, pollsOf, SHAPES } from "../../../support/paced-replication.js";
import { at, time } from "../../../support/transitions.js";

const region = (progress: number, more: Partial<RegionRecord> = {}): RegionRecord => ({
  name: "westus",
  state: "Replicating",
  progress,
  attempts: 1,
  ...more,
});

const begun = beginPacing(undefined, at(0));

const seconds = (iso: string | undefined): number =>
  (Date.parse(iso ?? "") - Date.parse(time(0))) / 1_000;

describe("the window of an end", () => {
  test("is of all lines that pass whole percentages as they were seen", () => {
    // 10 percent in 100 seconds: 100 percent after 1,000. It may have been 10.9 then 20, or 10 then 20.9.
    const { earliest = 0, latest = 0 } =
      windowOf([
        [100, 10],
        [200, 20],
      ]) ?? {};
    expect(earliest).toBeCloseTo(10_100 / 11);
    expect(latest).toBeCloseTo(9_800 / 9);
  });

  test("gets narrower with each poll", () => {
    const seen = [100, 200, 500, 700, 950].map((at) => [at, Math.floor(at / 10.01)] as const);
    const widths = [2, 3, 4, 5].map((polls) => {
      const { earliest = 0, latest = 0, straight } = windowOf(seen.slice(0, polls)) ?? {};
      expect(straight).toBe(true);
      expect(earliest).toBeLessThanOrEqual(1_001);
      expect(latest).toBeGreaterThanOrEqual(1_001);
      return latest - earliest;
    });
    expect(widths).toEqual(widths.toSorted((one, other) => other - one));
    expect(widths.at(-1)).toBeLessThan(15);
  });

  test.each([
    ["without a poll", []],
    ["by one poll", [[100, 40]]],
    [
      "while it stands still",
      [
        [100, 40],
        [400, 40],
      ],
    ],
  ] as const)("is not known %s", (_, seen) => {
    expect(windowOf(seen)).toBeUndefined();
  });

  test("is wide where no line passes what was seen", () => {
    const wandering = windowOf([
      [100, 10],
      [200, 20],
      [300, 22],
      [400, 44],
    ]);
    expect(wandering?.straight).toBe(false);
    expect(wandering?.earliest).toBeLessThan(900);
    expect(wandering?.latest).toBeGreaterThan(1_000);
  });
});

describe("what is kept of polls", () => {
  const after = (...polls: readonly (readonly [seconds: number, RegionRecord])[]): Pacing =>
    polls.reduce((pacing, [when, one]) => paced(pacing, [one], at(when)).pacing, begun);

  test("is of each percent the first and the last poll", () => {
    const { seen } = after([10, region(1)], [20, region(1)], [30, region(1)], [40, region(2)]);
    expect(seen).toEqual({
      westus: [
        [10, 1],
        [30, 1],
        [40, 2],
      ],
    });
  });

  test("ends with its region, and begins anew with another copy of it", () => {
    const done = region(100, { state: "Completed", completedTime: time(20) });
    expect(after([10, region(50)], [20, done]).seen).toEqual({});
    expect(after([10, region(50)], [20, region(3)]).seen).toEqual({
      westus: [[20, 3]],
    });
  });

  test("is small: 30 regions that are polled for six hours", () => {
    let pacing = begun;
    for (let polls = 1; polls <= 119; polls += 1)
      ({ pacing } = paced(
        pacing,
        Array.from({ length: 30 }, (_, i) =>
          region(Math.floor((polls * (70 + i)) / 119), { name: `region${i}` }),
        ),
        at(polls * 180),
      ));
    expect(JSON.stringify(pacing).length).toBeLessThan(8_000);
  });

  test("gives polls back into the budget, and no more than it holds", () => {
    expect(begun.left).toBe(38);
    const { left } = after([10, region(1)], [20, region(1)], [30, region(1)]);
    expect(left).toBeCloseTo(35.07, 1);
    const spent: Pacing = { ...begun, left: 5 };
    expect(beginPacing(spent, at(270)).left).toBeCloseTo(6);
    expect(beginPacing(spent, at(86_400)).left).toBe(38);
  });
});

describe("the budget", () => {
  test.each([
    [0, 38],
    [1, 38],
    [80, 38],
    [81, 37],
    [100, 30],
    [200, 15],
    [300, 10],
    [375, 8],
    [5_000, 8],
  ])(
    "of each of %i versions that replicate in a subscription holds %i polls",
    (versions, polls) => {
      expect(budgetOf(versions)).toBe(polls);
    },
  );

  test("is what has come back where it is smaller than before", () => {
    const before: Pacing = { ...begun, left: 30 };
    const { left } = paced(before, [region(1)], at(10), 8).pacing;
    expect(left).toBe(7);
  });

  test("that is small still has polls for the last end", () => {
    for (const versions of [200, 300, 400]) {
      const budget = budgetOf(versions);
      const percent = SHAPES.linear(2_700);
      const other = SHAPES.linear(1_500);
      const polls = pollsOf(
        (now) => [
          region(percent(now) ?? 0, now >= 2_700 ? { state: "Completed" } : {}),
          region(other(now) ?? 0, { name: "eastus", ...(now >= 1_500 && { state: "Completed" }) }),
        ],
        budget,
      );
      expect(polls.length).toBeLessThanOrEqual(budget + 10);
      expect(polls.at(-1)).toBeLessThan(2_720);
      expect(polls.find((now) => now >= 1_500)).toBeLessThan(1_560);
    }
  });
});

describe("the next poll", () => {
  const pacingOf = (left: number, seen: Pacing["seen"], since = time(0)): Pacing => ({
    since,
    polledTime: time(0),
    left,
    seen,
  });

  test("waits for the budget where that is used up", () => {
    const { waitMs } = paced(
      { ...pacingOf(0.5, {}), polledTime: time(1_000) },
      [region(0, { state: "Unknown" })],
      at(1_000),
    );
    expect(waitMs).toBe(270_000);
  });

  test("comes when all regions are done as when they were begun, and then less and less often", () => {
    const done = region(100, { state: "Completed", completedTime: time(600) });
    const waits = [600, 660, 780, 6_000].map((now) => paced(begun, [done], at(now)).waitMs / 1_000);
    expect(waits).toEqual([15, 20, 60, 120]);
  });

  test("is stretched by the longest wait between polls", () => {
    const unknown = region(0, { state: "Unknown" });
    const wait = (pollMaxMs: number): number =>
      paced(begun, [unknown], at(600, { pollMaxMs })).waitMs;
    expect(wait(120_000)).toBe(60_000);
    expect(wait(240_000)).toBe(120_000);
    expect(wait(2_000)).toBe(1_000);
  });

  test("is shared by ends that are close together, where polls are few", () => {
    const seen = (end: number): Pacing["seen"][string] =>
      [100, 300, 500, 700, 850].map((when) => [when, Math.floor((when * 100) / end)] as const);
    const ends = { westus: 1_000, eastus: 1_030, eastus2: 1_100 };
    const regions = Object.entries(ends).map(([name, end]) =>
      region(Math.floor(95_000 / end), { name }),
    );
    const all = Object.fromEntries(Object.entries(ends).map(([name, end]) => [name, seen(end)]));
    const next = (left: number): number =>
      950 +
      paced({ ...pacingOf(left, all), polledTime: time(950) }, regions, at(950)).waitMs / 1_000;
    expect(next(24)).toBeLessThan(1_030);
    expect(next(21)).toBeGreaterThan(1_030);
    expect(next(21)).toBeLessThan(1_070);
  });
});

describe("the expected end", () => {
  test("is told once it is known to half of the time that is left", () => {
    let pacing = begun;
    const told = [15, 45, 105, 300, 600, 900, 990].map((now) => {
      const next = paced(pacing, [region(Math.floor(now / 10))], at(now));
      ({ pacing } = next);
      return next.expectedEnds["westus"];
    });
    expect(told[0]).toBeUndefined();
    for (const end of told.slice(3)) expect(Math.abs(seconds(end) - 1_000)).toBeLessThan(40);
    expect(Math.abs(seconds(told.at(-1)) - 1_000)).toBeLessThan(10);
  });

  test("is not told of a region that stands still", () => {
    let pacing = begun;
    let last: string | undefined;
    for (let now = 100; now <= 3_000; now += 100) {
      const next = paced(pacing, [region(Math.min(95, Math.floor(now / 10)))], at(now));
      ({ pacing } = next);
      last = next.expectedEnds["westus"];
    }
    expect(last).toBeUndefined();
  });
});

test("a region of 45 minutes is polled often at its end, and seldom before", () => {
  const percent = SHAPES.linear(2_700);
  const polls = pollsOf((now) => [
    region(percent(now) ?? 0, now >= 2_700 ? { state: "Completed" } : {}),
  ]);
  expect(polls.slice(0, 4)).toEqual([15, 45, 105, 375]);
  expect(polls.at(-1)).toBeLessThan(2_710);
  expect(polls.length).toBeLessThan(20);
});

test.each(Object.keys(SHAPES) as (keyof typeof SHAPES)[])(
  "30 regions are polled at most 50 times in 45 minutes: %s",
  (shape) => {
    const { mostPolls } = measure({ shape, regions: 30, minutes: 45 }, 2);
    expect(mostPolls).toBeLessThanOrEqual(50);
  },
);
