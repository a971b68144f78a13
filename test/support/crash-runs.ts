/** Operations whose process fails on the way, each driven until its operation has ended all the same. */
import { expect } from "vitest";
import type { Dependencies } from "../../src/image-version/ports.js";
import type { ManualClock } from "@sigil-local/clock";
import { OPEN_SCOPE } from "../../src/operation/catalog.js";
import { reconcile } from "../../src/operation/reconcile.js";
import { recordKeyOf } from "../../src/operation/records.js";
import { hasEnded } from "../../src/operation/kinds.js";
import type { StepMessage } from "../../src/operation/steps.js";
import type { TestDependencies } from "../../src/machine-test/ports.js";
import type { PreparationDependencies } from "../../src/subscription/ports.js";
import type { Crash } from "./crashes.js";
import { failingDependencies, type FailingDependencies } from "./failing-dependencies.js";

/** A host's timer looks for lost work once a minute. */
const RECONCILE_MS = 60_000;
const TICK_MS = 15_000;
const MOST_TICKS = 1_000;
const MOST_REQUESTS = 20;
const MOST_DELIVERIES = 10;

type AnyDependencies = Dependencies | PreparationDependencies | TestDependencies;

/** What is done with one resource, by a process of its own. */
export interface CrashRun<D extends AnyDependencies = Dependencies> extends Crash {
  readonly name: string;
  /** Of the resource's record. */
  readonly key: string;
  /** Of other resources that the run's operation has operations on. */
  readonly otherKeys?: readonly string[];
  readonly process: FailingDependencies<D>;
}

/** What runs share: the queues, and the clock. */
export interface CrashWorld<D extends AnyDependencies, M extends StepMessage> {
  readonly deps: D;
  readonly clock: Pick<ManualClock, "advance">;
  takeDue(): Promise<readonly M[]>;
  handle(message: M, deps?: D): Promise<void>;
}

/** A run of a process that has not begun. */
export function crashRun<D extends AnyDependencies>(
  deps: D,
  key: string,
  { failure, redelivered }: Crash,
): CrashRun<D> {
  return {
    name: `${JSON.stringify(failure)}, messages ${redelivered ? "redelivered" : "lost"}`,
    key,
    process: failingDependencies(deps, key, failure),
    failure,
    redelivered,
  };
}

/** A caller sends a request until it has an answer. */
export async function send<D extends AnyDependencies, T>(
  { name, process }: CrashRun<D>,
  ask: (deps: D) => Promise<T>,
): Promise<T> {
  let cause: unknown;
  for (let tries = 0; tries < MOST_REQUESTS; tries += 1) {
    try {
      return await ask(process.deps);
    } catch (error) {
      process.restart();
      cause = error;
    }
  }
  throw new Error(`${name}: the request is not accepted`, { cause });
}

/** The same of a caller who, where messages are lost too, gives up once the request is stored. */
export async function sendOrLeave<D extends AnyDependencies>(
  { deps: { store } }: { readonly deps: D },
  run: CrashRun<D>,
  ask: (deps: D) => Promise<unknown>,
): Promise<void> {
  await send(run, async (deps) => {
    try {
      await ask(deps);
    } catch (error) {
      run.process.restart();
      const stored = await store.read(run.key);
      if (run.redelivered || stored === undefined) throw error;
    }
  });
}

/** Handles every message that is due, and those that they cause. */
export async function work<D extends AnyDependencies, M extends StepMessage>(
  world: CrashWorld<D, M>,
  runs: readonly CrashRun<D>[],
): Promise<void> {
  const byKey = new Map(
    runs.flatMap((run) => [run.key, ...(run.otherKeys ?? [])].map((key) => [key, run] as const)),
  );
  for (;;) {
    const due = await world.takeDue();
    if (due.length === 0) return;
    await Promise.all(
      due.map(async (message) => {
        const run = byKey.get(recordKeyOf(message.operationId) ?? "");
        if (run !== undefined) await handle(world, run, message);
      }),
    );
  }
}

/**
 * Drives all runs at once, by one clock, until their operations have ended: messages as they are due, and each run's
 * reconciler every minute.
 */
export async function drive<D extends AnyDependencies, M extends StepMessage>(
  world: CrashWorld<D, M>,
  runs: readonly CrashRun<D>[],
): Promise<void> {
  let open = runs;
  for (let ticks = 0; open.length > 0; ticks += 1) {
    expect(ticks, open[0]?.name).toBeLessThan(MOST_TICKS);
    await work(world, runs);
    if ((ticks * TICK_MS) % RECONCILE_MS === 0) {
      await Promise.all(
        open.map(async ({ process }) => {
          await reconcile(process.deps).catch(() => undefined);
          process.restart();
        }),
      );
      const ended = await Promise.all(open.map((run) => isDone(world.deps, run)));
      open = open.filter((_, i) => ended[i] === false);
    }
    world.clock.advance(TICK_MS);
  }
}

async function handle<D extends AnyDependencies, M extends StepMessage>(
  world: CrashWorld<D, M>,
  { name, process, redelivered }: CrashRun<D>,
  message: M,
): Promise<void> {
  let cause: unknown;
  for (let delivery = 1; delivery <= MOST_DELIVERIES; delivery += 1) {
    try {
      await world.handle(message, process.deps);
      return;
    } catch (error) {
      process.restart();
      if (!redelivered) return;
      cause = error;
    }
  }
  throw new Error(`${name}: a message can never be processed`, { cause });
}

/** Final, and out of the reconciler's sight: a row goes when all else is told. */
async function isDone(
  deps: AnyDependencies,
  { name, key }: CrashRun<AnyDependencies>,
): Promise<boolean> {
  const stored = await deps.store.read(key);
  if (stored === undefined) throw new Error(`${name}: nothing is stored`);
  if (!hasEnded(deps, stored)) return false;
  return (await deps.index.page(`${OPEN_SCOPE}-${key}`, 1)).rows.length === 0;
}
