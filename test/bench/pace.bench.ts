/**
 * How soon the end of a region and of a whole version is known, and by how many polls: on virtual time, beside az and 0.1.0.
 * The goals are asserted in test/unit/image-version/state/pace.test.ts.
 */
import { bench } from "vitest";
import {
  measure,
  SHAPES,
  type Delays,
  type Shape,
  type Trial,
} from "../support/paced-replication.js";

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

bench(
  "polls of replicating versions",
  () => {
    const delays = ({ region, version }: Delays): string =>
      `${region.toFixed(0).padStart(4)}${version.toFixed(0).padStart(5)}`;
    const lines = trials.map((trial) => {
      const { shape, regions, minutes, ends = "random" } = trial;
      const now = measure(trial, RUNS[minutes] ?? 100);
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
