/**
 * How soon the end of a region and of a whole version is known, and by how many polls: on virtual time, beside az. The figures are the
 * same each time: what docs/explanation/performance.md says is held here. The goals are asserted in
 * test/unit/image-version/state/pace-goals.test.ts.
 */
import { afterAll, test } from "vitest";
import { measure, type Measured, type Shape, type Trial } from "../support/paced-replication.js";
import { crowd } from "../support/shared-reads-limit.js";
import { report, type Figure } from "./figures.js";

/** Ten regions, in 45 minutes, as the document says: region, 99 in 100, the last, version, az's region and version, polls. */
const DOCUMENTED = {
  linear: [3.9, 12, 19, 5.5, 15, 13, 25],
  wandering: [24.6, 74, 149, 10.1, 15, 13, 37],
  "stuck at 95 %": [29.4, 59, 60, 30, 15, 13, 43],
  unknown: [30.1, 59, 60, 33.2, 15, 13, 46],
} as const;
const RUNS = 400;

/** In six hours, where Azure tells progress to the end, and where not: region, version. */
const SIX_HOURS = {
  linear: [120, 33],
  "linear, queued first": [120, 33],
  wandering: [120, 33],
  drifting: [120, 33],
  "stuck at 95 %": [138, 142],
  unknown: [138, 142],
} as const satisfies Readonly<Record<Shape, readonly number[]>>;
const RUNS_OF_SIX_HOURS = 100;

/** So many at once in a subscription, steady progress: region, 99 in 100, the last, version, polls. */
const AT_ONCE = {
  200: [6.6, 21, 90, 5.3, 16],
  300: [10.9, 60, 146, 15.7, 15],
  400: [55.2, 331, 479, 114.3, 13],
} as const;

const figures: Figure[] = [];
afterAll(() => report("as docs/explanation/performance.md has it", figures));

/** As it is rounded there. */
function note(name: string, value: number, most: number, unit = "s"): void {
  const digits = Number.isInteger(most) ? 0 : 1;
  const rounded = Number(value.toFixed(digits));
  figures.push({ name, value: rounded, digits, unit, atMost: most });
}

test("polls of replicating versions", async () => {
  const of = (shape: Shape, minutes: number, runs: number): Measured =>
    measure({ shape, regions: 10, minutes }, runs);
  for (const [shape, most] of Object.entries(DOCUMENTED)) {
    const [region, p99, worst, version, azRegion, azVersion, polls] = most;
    const now = of(shape as Shape, 45, RUNS);
    note(`${shape}: region`, now.region, region);
    note("  99 in 100", now.late.p99, p99);
    note("  the last", now.late.worst, worst);
    note("  version", now.version, version);
    note("  region, az", now.az.region, azRegion);
    note("  version, az", now.az.version, azVersion);
    note("  polls", now.polls, polls, "");
  }
  for (const [shape, [region, version]] of Object.entries(SIX_HOURS)) {
    const now = of(shape as Shape, 360, RUNS_OF_SIX_HOURS);
    note(`six hours, ${shape}: region`, now.region, region);
    note("  version", now.version, version);
    note("  polls", now.mostPolls, 120, "");
  }
  const even: Trial = {
    shape: "linear",
    regions: 30,
    minutes: 45,
    ends: "even",
  };
  note("30 regions that end in even steps: region", measure(even, RUNS).region, 13.4);
  for (const [versions, [region, p99, worst, version, polls]] of Object.entries(AT_ONCE)) {
    const burst = { versions: Number(versions), shape: "linear" } as const;
    const now = await crowd(burst);
    note(`${versions} versions at once: region`, now.mean, region);
    note("  99 in 100", now.p99, p99);
    note("  the last", now.worst, worst);
    note("  version", now.version, version);
    note("  polls", now.looks, polls, "");
    note("  refused by Azure", now.refused, 0, "");
    const alone = await crowd({ ...burst, answersLoad: false });
    figures.push({ name: "  99 in 100, each paced as if alone", value: alone.p99, unit: "s" });
  }
});
