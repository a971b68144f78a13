/** The timer functions, one row each. A row runs its part and logs the result and the failures. */
import type { InvocationContext, TimerHandler } from "@azure/functions";
import type { Config } from "./config/config.js";
import { runDrift } from "./drift/run-drift.js";
import { traceparentOf } from "./events/traceparent.js";
import type { Dependencies } from "./image-version/index.js";
import { runKeyGuardian } from "./key-guardian/run-key-guardian.js";
import { sweepLeftovers, type SweepDependencies } from "./leftovers/sweep.js";
import { lookAfterDeadLetters } from "./messaging/dead-letters.js";
import { removeAged } from "./operation/ageing.js";
import { reconcile } from "./operation/reconcile.js";
import type { RetentionDependencies } from "./retention/ports.js";
import { runRetention } from "./retention/run-retention.js";
import type { RolloutDependencies } from "./rollout/ports.js";
import { runRollouts } from "./rollout/roll-out.js";
import { createLog, withLog, type Log } from "./telemetry/log.js";
import type { Metrics } from "./telemetry/metrics.js";

interface TimerParts {
  readonly operations: Parameters<typeof reconcile>[0];
  readonly ageing: Parameters<typeof removeAged>[1];
  readonly imageVersions: Dependencies;
  readonly leftovers: SweepDependencies;
  readonly rollout: RolloutDependencies;
  readonly retention: RetentionDependencies;
  readonly deadLetters: Parameters<typeof lookAfterDeadLetters>[0];
  readonly metrics: Metrics;
  readonly now: () => Date;
}

type Run = (parts: TimerParts, log: Log, traceparent: string) => Promise<void>;

/** By the name of its schedule in the configuration. */
const RUNS = {
  ageing: removeExpired,
  deadLetter: checkDeadLetters,
  drift: checkForOthersChanges,
  keyGuardian: checkKeys,
  async reconcile(parts, log, traceparent) {
    await resumeLost(parts, log);
    await sweep(parts, log, traceparent);
    await promoteTested(parts, log, traceparent);
  },
  retention: applyRetention,
} satisfies Readonly<Record<string, Run>>;

type TimerName = keyof typeof RUNS;

interface Timer {
  /** NCRONTAB. */
  readonly schedule: string;
  readonly handler: TimerHandler;
}

/** Undefined: it is off. */
export type Timers = {
  readonly [Name in TimerName]: undefined extends Config[`${Name}Schedule`]
    ? Timer | undefined
    : Timer;
};

export function createTimers(parts: TimerParts, config: Config): Timers {
  return Object.fromEntries(
    Object.entries(RUNS).map(([name, run]) => {
      const schedule = config[`${name as TimerName}Schedule`];
      const handler = (_timer: unknown, context: InvocationContext): Promise<void> => {
        const log = createLog(context, {});
        const traceparent = traceparentOf(context.traceContext?.traceParent);
        return withLog(log, () => run(parts, log, traceparent));
      };
      return [name, schedule === undefined ? undefined : { schedule, handler }];
    }),
  ) as unknown as Timers;
}

async function resumeLost({ operations, metrics, now }: TimerParts, log: Log): Promise<void> {
  const { errors, oldestOpenTime, ...counts } = await reconcile(operations);
  metrics.oldestOpen(secondsSince(oldestOpenTime, now()));
  log.info("reconciled", { ...counts, oldestOpenTime });
  for (const { operationId, error } of errors)
    log.error("an operation could not be reconciled", error, { operationId });
}

async function sweep({ leftovers }: TimerParts, log: Log, traceparent: string): Promise<void> {
  const { deleted, left, errors } = await sweepLeftovers(leftovers, traceparent);
  for (const resourceId of deleted)
    log.warn("deleted what an operation left behind", { resourceId });
  for (const { id: resourceId, reason } of left)
    log.warn(`did not delete what an operation left behind: ${reason}`, { resourceId });
  for (const error of errors) log.error("a resource group could not be searched", error);
}

async function promoteTested(
  { rollout }: TimerParts,
  log: Log,
  traceparent: string,
): Promise<void> {
  const { errors, versions } = await runRollouts(rollout, traceparent);
  if (versions > 0) log.info("excluded versions from latest until their tests pass", { versions });
  for (const { resourceId, error } of errors)
    log.error("could not read a version's tests", error, { resourceId });
}

async function applyRetention(
  { retention }: TimerParts,
  log: Log,
  traceparent: string,
): Promise<void> {
  const { errors, policies, deletions, unfinished, isBehind } = await runRetention(
    retention,
    traceparent,
  );
  log.info("retention has run", {
    policies,
    deletions: deletions.join(" "),
    unfinished: String(unfinished),
  });
  if (isBehind) log.warn("retention is behind: two runs in a row did not judge every policy");
  for (const error of errors) log.error("retention could not process a policy or a version", error);
}

async function checkKeys(
  { imageVersions }: TimerParts,
  log: Log,
  traceparent: string,
): Promise<void> {
  const { keyGuardian } = imageVersions;
  if (keyGuardian === undefined) return;
  const { errors, told, unfinished, ...run } = await runKeyGuardian(
    { ...imageVersions, ...keyGuardian },
    traceparent,
  );
  log.info("keys were checked", {
    ...run,
    told: told.join(", "),
    unfinished: String(unfinished),
  });
  for (const { resourceId, error } of errors)
    log.error("keys could not be checked", error, { resourceId });
}

async function checkForOthersChanges({ imageVersions }: TimerParts, log: Log): Promise<void> {
  const { errors, unfinished, ...run } = await runDrift(imageVersions);
  log.info("checked for changes outside Sigil", { ...run, unfinished: String(unfinished) });
  for (const { resourceId, error } of errors)
    log.error("could not check for changes outside Sigil", error, { resourceId });
}

async function checkDeadLetters(
  { deadLetters, metrics, now }: TimerParts,
  log: Log,
  traceparent: string,
): Promise<void> {
  const { looks, ended, errors } = await lookAfterDeadLetters(deadLetters, traceparent);
  for (const { queue, count, oldestTime } of looks) {
    metrics.deadLetters(queue, count, secondsSince(oldestTime, now()));
    if (count > 0)
      log.warn("there are dead letters", { queue, count, oldestTime, ended: ended[queue] ?? 0 });
  }
  for (const error of errors) log.error("a dead-letter queue could not be checked", error);
}

async function removeExpired({ operations, ageing }: TimerParts, log: Log): Promise<void> {
  for (const { errors, unfinished, ...run } of await removeAged(operations, ageing)) {
    log.info("expired records were removed", { ...run, unfinished: String(unfinished) });
    for (const error of errors)
      log.error("an expired record could not be removed", error, { name: run.name });
  }
}

/** 0 if there is no time. `time` is RFC 3339. */
function secondsSince(time: string | undefined, now: Date): number {
  return time === undefined ? 0 : (now.getTime() - Date.parse(time)) / 1_000;
}
