/**
 * How soon the end of a region and of a whole version is known, and by how many polls: on virtual time, beside az and 0.1.0. The
 * figures are the same each time: what docs/explanation/performance.md says is held here. The goals are asserted in
 * test/unit/image-version/state/pace-goals.test.ts.
 */
import { afterAll, bench } from "vitest";
import {
  measure,
  SHAPES,
  type Delays,
  type Measured,
  type Shape,
  type Trial,
} from "../support/paced-replication.js";
import { report, type Figure } from "./figures.js";

/** By the minutes that a version takes. */
const RUNS: Readonly<Record<number, number>> = { 45: 400, 360: 100 };

const trials = [45, 360].flatMap((minutes) =>
  Object.keys(SHAPES).flatMap((shape) =>
    [1, 10, 30].map((regions): Trial => ({
      shape: shape as Shape,
      regions,
      minutes,
    })),
  ),
);
trials.push(
  { shape: "linear", regions: 30, minutes: 45, ends: "even" },
  { shape: "linear", regions: 30, minutes: 360, ends: "even" },
);

/** Ten regions, in 45 minutes, as the document says: region, 99 in 100, the last, version, polls. */
const DOCUMENTED = {
  linear: [3.9, 12, 19, 5.5, 25],
  wandering: [24.6, 74, 149, 10.1, 37],
  "stuck at 95 %": [29.4, 59, 60, 30, 43],
  unknown: [30.1, 59, 60, 33.2, 46],
} as const;

/** Where Azure tells progress to the end, and where not. */
const TOLD = [
  "linear",
  "linear, queued first",
  "wandering",
  "drifting",
] as const;
const UNTOLD = ["stuck at 95 %", "unknown"] as const;

const measured = new Map<string, Measured>();
const nameOf = ({ minutes, shape, regions, ends = "random" }: Trial): string =>
  `${minutes} min, ${shape}, ${regions} regions, ${ends} ends`;

/** As it is rounded there. */
function documented(
  name: string,
  value: number | undefined,
  most: number,
): Figure {
  const digits = Number.isInteger(most) ? 0 : 1;
  const rounded = Number((value ?? NaN).toFixed(digits));
  return { name, value: rounded, digits, unit: "s", atMost: most };
}

afterAll(() => {
  const of = (trial: Trial) => measured.get(nameOf(trial));
  const mostOf = (shapes: readonly Shape[], what: "region" | "version") =>
    Math.max(
      ...shapes.map(
        (shape) => of({ shape, regions: 10, minutes: 360 })?.[what] ?? NaN,
      ),
    );
  report("as docs/explanation/performance.md has it", [
    ...Object.entries(DOCUMENTED).flatMap(
      ([shape, [region, p99, worst, version, polls]]) => {
        const now = of({ shape: shape as Shape, regions: 10, minutes: 45 });
        const { unit: _, ...count } = documented("polls", now?.polls, polls);
        return [
          documented(`${shape}: region`, now?.region, region),
          documented("  99 in 100", now?.late.p99, p99),
          documented("  the last", now?.late.worst, worst),
          documented("  version", now?.version, version),
          { ...count, name: "  polls" },
        ];
      },
    ),
    documented("six hours: region", mostOf(TOLD, "region"), 120),
    documented("  version", mostOf(TOLD, "version"), 33),
    documented("  untold: region", mostOf(UNTOLD, "region"), 138),
    documented("  untold: version", mostOf(UNTOLD, "version"), 142),
    documented(
      "30 regions that end in even steps: region",
      of({ shape: "linear", regions: 30, minutes: 45, ends: "even" })?.region,
      13.4,
    ),
  ]);
});

bench(
  "polls of replicating versions",
  () => {
    const delays = ({ region, version }: Delays): string =>
      `${region.toFixed(0).padStart(4)}${version.toFixed(0).padStart(5)}`;
    const lines = trials.map((trial) => {
      const { shape, regions, minutes, ends = "random" } = trial;
      const now = measure(trial, RUNS[minutes] ?? 100);
      measured.set(nameOf(trial), now);
      return [
        `${minutes} min`.padStart(7),
        `${shape}${ends === "even" ? ", even ends" : ""}`.padEnd(22),
        String(regions).padStart(2),
        now.polls.toFixed(0).padStart(5),
        String(now.mostPolls).padStart(5),
        String(now.mostIn45Minutes).padStart(5),
        `${now.region.toFixed(1).padStart(6)}${now.version.toFixed(1).padStart(6)}`,
        `${now.late.p99.toFixed(0).padStart(4)}${now.late.worst.toFixed(0).padStart(5)}`,
        delays(now.az),
        delays(now.before),
        now.before.polls.toFixed(0).padStart(5),
      ].join("  ");
    });
    console.log(
      [
        "time, shape, regions, polls: mean, most, most in 45 min; mean delay of a region and the version: now; of 99 in 100 regions, of the last; az; 0.1.0; its polls",
        ...lines,
      ].join("\n"),
    );
  },
  { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 },
);
