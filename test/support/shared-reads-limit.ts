/**
 * Many versions that replicate at once in one subscription, on virtual time: when the end of each region is known where all share
 * Azure's limits for reads. The pace, the pacer, the waits and Azure's limits are the product's and the simulator's own. Seeded.
 */
import { ManualClock } from "@sigil-local/clock";
import { RateLimits } from "@sigil-local/arm-simulator/parts/rate-limits";
import { ArmError } from "@sigil-local/arm-simulator/parts/arm-error";
import type { ArmCall, ArmResponse } from "../../src/azure/arm/errors.js";
import { createPacer } from "../../src/azure/arm/pacer.js";
import { ServiceError } from "../../src/errors.js";
import { createReplicating } from "../../src/image-version/queries/replicating.js";
import { budgetOf } from "../../src/image-version/state/budget.js";
import { beginPacing, paced, type Pacing } from "../../src/image-version/state/pace.js";
import type { RegionRecord } from "../../src/operation/records.js";
import { retryDelayMs } from "../../src/operation/waiting.js";
import type { ImageVersionId } from "../../src/resource-id.js";
import { idOf, PACE } from "./dependencies.js";
import { average, seeded, SHAPES, type Shape } from "./paced-replication.js";

export interface Burst {
  readonly versions: number;
  readonly shape: Shape;
  /** False: as if each were alone, and what waits its turn had been refused. */
  readonly answersLoad?: boolean;
}

/** Seconds from a region's end until it is known, and what it took. */
export interface Crowd {
  readonly mean: number;
  readonly p99: number;
  readonly worst: number;
  /** Of the last region, in the mean. */
  readonly version: number;
  readonly looks: number;
  readonly refused: number;
}

const INSTANCES = 2;
const REGIONS = 10;
const SECONDS = 2_700;
const BEGIN_WITHIN_MS = 60_000;
/** A call takes so long. */
const CALL_MS = 150;
const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const CALL: ArmCall = {
  what: "the read of a version",
  action: "Microsoft.Compute/galleries/images/versions/read",
  scope: `/subscriptions/${SUBSCRIPTION}/resourceGroups/g`,
};

interface Replicating {
  readonly id: ImageVersionId;
  readonly beganMs: number;
  readonly regions: readonly {
    readonly name: string;
    readonly end: number;
    readonly percent: (seconds: number) => number | undefined;
  }[];
  readonly known: Map<string, number>;
  pacing: Pacing;
  ticks: number;
  waitingSinceMs: number | undefined;
}

export async function crowd({ versions, shape, answersLoad = true }: Burst): Promise<Crowd> {
  const random = seeded(5);
  const clock = new ManualClock(Date.UTC(2026, 5, 1));
  const now = (): Date => new Date(clock.now());
  const limits = new RateLimits(clock, true);
  let sleptMs = 0;
  const instances = Array.from({ length: INSTANCES }, () => ({
    pacer: createPacer({
      now,
      sleep: (ms) => {
        sleptMs = ms;
        return Promise.resolve();
      },
    }),
    ...createReplicating(now),
  }));
  /** What is to be done, the next first. */
  const agenda: { readonly atMs: number; readonly run: () => void | Promise<void> }[] = [];
  const at = (atMs: number, run: () => void | Promise<void>): void => {
    agenda.splice(agenda.findLastIndex((one) => one.atMs <= atMs) + 1, 0, { atMs, run });
  };
  const all = Array.from({ length: versions }, (_, i): Replicating => {
    const beganMs = clock.now() + random() * BEGIN_WITHIN_MS;
    const last = SECONDS * (0.95 + 0.05 * random());
    const regions = Array.from({ length: REGIONS }, (__, region) => {
      const end = region === 0 ? last : last * (0.4 + 0.6 * random());
      return { name: `region${region}`, end, percent: SHAPES[shape](end, random) };
    });
    return {
      id: idOf(`${CALL.scope}/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.${i}`),
      beganMs,
      regions,
      known: new Map(),
      pacing: beginPacing(undefined, { now: new Date(beganMs), pace: PACE }),
      ticks: 0,
      waitingSinceMs: undefined,
    };
  });
  let [looks, refused] = [0, 0];

  const postpone = (version: Replicating, retryAfterMs: number, isTurn: boolean): void => {
    version.waitingSinceMs ??= clock.now();
    const waitedMs = clock.now() - version.waitingSinceMs;
    const waitMs =
      isTurn && answersLoad
        ? retryAfterMs
        : retryDelayMs(retryAfterMs, version.ticks, waitedMs, PACE);
    version.ticks += 1;
    at(clock.now() + waitMs, () => step(version));
  };

  async function step(version: Replicating): Promise<void> {
    const instance = instances[Math.floor(random() * INSTANCES)];
    if (instance === undefined) return;
    sleptMs = 0;
    try {
      await instance.pacer.turn(CALL);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return postpone(version, error.retryAfterMs ?? 0, error.isTurn);
    }
    at(clock.now() + sleptMs + CALL_MS, () => look(version, instance));
  }

  function look(version: Replicating, instance: (typeof instances)[number]): void {
    looks += 1;
    const answer = answerOf(limits);
    instance.pacer.answered(CALL, answer);
    if (answer.status === 429) {
      refused += 1;
      return postpone(version, Number(answer.headers.get("retry-after")) * 1_000, false);
    }
    version.ticks += 1;
    version.waitingSinceMs = undefined;
    const seconds = (clock.now() - version.beganMs) / 1_000;
    const shown = version.regions.map(({ name, end, percent }): RegionRecord => {
      if (seconds < end) {
        const progress = percent(seconds);
        const state = progress === undefined ? "Unknown" : "Replicating";
        return { name, state, progress: progress ?? 0, attempts: 1 };
      }
      if (!version.known.has(name)) version.known.set(name, seconds - end);
      return { name, state: "Completed", progress: 100, attempts: 1 };
    });
    const isDone = version.known.size === REGIONS;
    const budget = budgetOf(instance.replicatingIn(SUBSCRIPTION));
    instance.noteReplicating(version.id, !isDone);
    if (isDone) return;
    const context = { now: now(), pace: PACE };
    const next = paced(version.pacing, shown, context, answersLoad ? budget : undefined);
    version.pacing = next.pacing;
    at(clock.now() + next.waitMs, () => step(version));
  }

  for (const version of all) at(version.beganMs + PACE.pollInitialMs, () => step(version));
  for (let next = agenda.shift(); next !== undefined; next = agenda.shift()) {
    clock.advance(Math.max(0, next.atMs - clock.now()));
    await next.run();
  }
  const late = all.flatMap(({ known }) => [...known.values()]).sort((one, other) => one - other);
  return {
    mean: average(late),
    version: average(all.map(({ known }) => known.get("region0") ?? Infinity)),
    p99: late[Math.ceil(late.length * 0.99) - 1] ?? Infinity,
    worst: late.at(-1) ?? Infinity,
    looks: looks / versions,
    refused,
  };
}

function answerOf(limits: RateLimits): ArmResponse {
  try {
    const headers = limits.take(SUBSCRIPTION, "reads", "GetGalleryImageVersion");
    return { status: 200, headers: headersOf(headers), body: {} };
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    return { status: 429, headers: headersOf(error.headers), body: {} };
  }
}

function headersOf(headers: Readonly<Record<string, string>>): ArmResponse["headers"] {
  const all = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    get: (name) => all.get(name.toLowerCase()),
    [Symbol.iterator]: () => all.entries(),
  };
}
