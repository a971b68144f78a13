/**
 * Replications of many shapes on virtual time, polled as src/image-version/state/pace.ts says. Seeded: the same figures each
 * time. test/unit/image-version/state/pace-goals.test.ts holds the goals, test/bench/pace.bench.ts what the documents say.
 */
import { beginPacing, paced } from "../../src/image-version/state/pace.js";
import type { RegionRecord } from "../../src/operation/records.js";
import { PACE } from "./dependencies.js";

type Random = () => number;

/** Percent after so many seconds of a region that ends after `end`; undefined: Azure says Unknown. */
type Progress = (seconds: number) => number | undefined;

const STEP_SECONDS = 30;

export const SHAPES = {
  linear: (end: number): Progress => whole((seconds) => (seconds * 100) / end),
  /** As the local ARM simulator has it. */
  "linear, queued first": (end: number): Progress => {
    const begin = end / 10;
    const percent = whole((seconds) => ((seconds - begin) * 100) / (end - begin));
    return (seconds) => (seconds < begin ? undefined : percent(seconds));
  },
  /** Each half minute a step between none and twice the mean one. */
  wandering: (end: number, random: Random): Progress => walk(end, () => random()),
  /** The speed drifts: in a quarter of an hour it is often halved or doubled. */
  drifting: (end: number, random: Random): Progress => {
    let drift = 0;
    return walk(end, () => {
      drift = drift * 0.97 + 0.15 * gauss(random);
      return Math.exp(drift);
    });
  },
  "stuck at 95 %": (end: number, random: Random): Progress => {
    const stuck = end * (0.3 + 0.6 * random());
    return (seconds) => Math.min(95, Math.floor((seconds * 95) / stuck));
  },
  unknown: (): Progress => () => undefined,
};

export type Shape = keyof typeof SHAPES;

export interface Trial {
  readonly shape: Shape;
  readonly regions: number;
  readonly minutes: number;
  /** How the ends of the regions lie in the last 60 % of the time. */
  readonly ends?: "random" | "even";
}

export interface Delays {
  /** Seconds from a region's end until it is known, in the mean. */
  readonly region: number;
  /** The same of the last region. */
  readonly version: number;
  readonly polls: number;
}

export interface Measured extends Delays {
  /** Seconds from a region's end until it is known: of 99 in 100 regions, and of the last one. */
  readonly late: { readonly p99: number; readonly worst: number };
  /** Of any run. */
  readonly mostPolls: number;
  readonly mostIn45Minutes: number;
  /** Polled each 30 seconds, as az does. */
  readonly az: Delays;
}

/** Means of so many runs. */
export function measure(trial: Trial, runs: number): Measured {
  const all = Array.from({ length: runs }, (_, i) => play(trial, i + 1));
  const mean = (of: (run: Run) => Delays): Delays => ({
    region: average(all.map((run) => of(run).region)),
    version: average(all.map((run) => of(run).version)),
    polls: average(all.map((run) => of(run).polls)),
  });
  const late = all.flatMap((run) => run.late).sort((a, b) => a - b);
  return {
    ...mean(({ paced: one }) => one),
    late: {
      p99: late[Math.ceil(late.length * 0.99) - 1] ?? Infinity,
      worst: late.at(-1) ?? Infinity,
    },
    mostPolls: Math.max(...all.map(({ times }) => times.length)),
    mostIn45Minutes: Math.max(...all.map(({ times }) => mostIn(times, 2_700))),
    az: mean(({ az }) => az),
  };
}

interface Run {
  readonly times: readonly number[];
  /** Of each region. */
  readonly late: readonly number[];
  readonly paced: Delays;
  readonly az: Delays;
}

function play({ shape, regions, minutes, ends }: Trial, seed: number): Run {
  const random = seeded(seed);
  // Not always in step with whoever polls by a clock.
  const last = minutes * 60 * (0.95 + 0.05 * random());
  const all = Array.from({ length: regions }, (_, i) => {
    const share = i + 1 === regions ? 1 : ends === "even" ? (i + 1) / regions : random();
    const end = last * (0.4 + 0.6 * share);
    return { name: `region${i}`, end, percent: SHAPES[shape](end, random) };
  });
  const times = pollsOf((seconds) =>
    all.map(({ name, end, percent }): RegionRecord => {
      const progress = percent(seconds);
      const state =
        seconds >= end ? "Completed" : progress === undefined ? "Unknown" : "Replicating";
      return { name, state, progress: progress ?? 0, attempts: 1 };
    }),
  );
  const lateBy = (polls: readonly number[]): readonly number[] =>
    all.map(({ end }) => (polls.find((time) => time >= end) ?? Infinity) - end);
  const delays = (polls: readonly number[]): Delays => {
    const late = lateBy(polls);
    return {
      region: average(late),
      version: late.at(-1) ?? Infinity,
      polls: polls.findIndex((time) => time >= last) + 1,
    };
  };
  const until = last + 120;
  const az = Array.from({ length: until / 30 }, (_, i) => (i + 1) * 30);
  return {
    times,
    late: lateBy(times),
    paced: delays(times),
    az: delays(az),
  };
}

/** When a version is polled, in seconds after ARM has accepted it. */
export function pollsOf(
  regionsAt: (seconds: number) => readonly RegionRecord[],
  budget?: number,
): readonly number[] {
  const START = Date.UTC(2026, 0, 1);
  let pacing = beginPacing(undefined, { now: new Date(START), pace: PACE });
  let now = START + PACE.pollInitialMs;
  const times: number[] = [];
  for (;;) {
    const seconds = (now - START) / 1_000;
    times.push(seconds);
    const regions = regionsAt(seconds);
    if (regions.every(({ state }) => state === "Completed")) return times;
    const next = paced(pacing, regions, { now: new Date(now), pace: PACE }, budget);
    ({ pacing } = next);
    now += Math.round(next.waitMs);
  }
}

function mostIn(times: readonly number[], seconds: number): number {
  return Math.max(
    ...times.map((from) => times.filter((time) => time >= from && time <= from + seconds).length),
  );
}

/** Azure tells whole percent, and 100 only of what is Completed. */
function whole(percent: (seconds: number) => number): Progress {
  return (seconds) => Math.max(0, Math.min(99, Math.floor(percent(seconds))));
}

/** Steps of random size, so that the end is reached at `end`. */
function walk(end: number, size: Random): Progress {
  const reached = [0];
  for (let i = 0; i * STEP_SECONDS < end; i += 1) reached.push((reached.at(-1) ?? 0) + size());
  const at = (seconds: number): number => {
    const i = Math.floor(seconds / STEP_SECONDS);
    const from = reached[i] ?? 0;
    const to = reached[i + 1] ?? from;
    return from + (to - from) * (seconds / STEP_SECONDS - i);
  };
  return whole((seconds) => (at(seconds) * 100) / at(end));
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function gauss(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed * 7_919;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
