/**
 * Timer triggers.
 *
 * Invariants
 * 1. A timer never overlaps itself: an occurrence that comes while its function runs is skipped, and a call by hand waits
 *    for the run before it.
 * 2. The next occurrence is computed from the clock after a run, so a slow function does not pile up occurrences.
 * 3. A run that was missed while no host was up happens once, at once, with isPastDue; where nothing was missed,
 *    runOnStartup decides.
 * 4. A failing function does not stop its schedule.
 */
import type { Clock } from "@sigil-local/clock";
import type { RegisteredFunction, RpcInvocationResponse } from "./core-module.js";
import type { Invoke } from "./invocation.js";
import type { Logger } from "./logging.js";
import type { ScheduleMonitor, ScheduleStatus } from "./schedule-monitor.js";
import type { Settings } from "./settings.js";
import { StartupError } from "./startup-error.js";
import { type TimerSchedule, parseSchedule } from "./timer-schedule.js";
import { continueTrace } from "./trace-context.js";

const MINUTE_MS = 60_000;

/** default(DateTime), which .NET gives as the last occurrence of a timer that has never run. */
const NEVER = "0001-01-01T00:00:00+00:00";

export interface TimerFunction {
  readonly registered: RegisteredFunction;
  readonly bindingName: string;
  /** As declared, `%settings%` expanded. */
  readonly expression: string;
  readonly schedule: TimerSchedule;
  readonly runOnStartup: boolean;
  readonly useMonitor: boolean;
}

/** Reads a timer trigger. Times are those of `WEBSITE_TIME_ZONE`, UTC without it. */
export function readTimerFunction(
  registered: RegisteredFunction,
  settings: Settings,
  nowMs: number,
): TimerFunction {
  const { name, bindings } = registered.metadata;
  const [bindingName, binding] =
    Object.entries(bindings).find(([, { type }]) => type.toLowerCase() === "timertrigger") ?? [];
  if (bindingName === undefined || binding === undefined)
    throw new TypeError(`${name} has no timer trigger`);
  const neededBy = `function "${name}"`;
  if (typeof binding["schedule"] !== "string")
    throw new StartupError(`${neededBy}: a timer trigger needs a schedule`);
  const expression = settings.expand(binding["schedule"], neededBy);
  const schedule = parseSchedule(expression, settings.get("WEBSITE_TIME_ZONE") ?? "UTC", neededBy);
  const first = schedule.next(nowMs);
  return {
    registered,
    bindingName,
    expression,
    schedule,
    runOnStartup: binding["runOnStartup"] === true,
    // "Schedules under a minute are not monitored": the extension turns useMonitor off for them.
    useMonitor: binding["useMonitor"] !== false && schedule.next(first) - first >= MINUTE_MS,
  };
}

export interface TimerListenerOptions {
  readonly timer: TimerFunction;
  readonly monitor: ScheduleMonitor;
  readonly invoke: Invoke;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Runs one timer's function on its schedule from `start` until `stop`. */
export class TimerListener {
  readonly #options: TimerListenerOptions;
  readonly #name: string;
  #status: ScheduleStatus;
  #cancel: () => void = () => undefined;
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: TimerListenerOptions) {
    this.#options = options;
    const { timer, clock } = options;
    this.#name = timer.registered.metadata.name;
    this.#status = {
      lastMs: undefined,
      nextMs: timer.schedule.next(clock.now()),
      lastUpdatedMs: undefined,
    };
  }

  /** Invariant 3. */
  start(): void {
    const { timer, monitor, clock } = this.#options;
    const known = timer.useMonitor ? monitor.read(this.#name) : undefined;
    const missed =
      known !== undefined &&
      clock.now() >
        (known.lastUpdatedMs === undefined
          ? known.nextMs
          : timer.schedule.next(known.lastUpdatedMs));
    if (known !== undefined)
      this.#status = missed ? known : { ...known, nextMs: timer.schedule.next(clock.now()) };
    else if (timer.useMonitor) monitor.write(this.#name, this.#status);
    if (missed) this.#fire("IsPastDue");
    else if (timer.runOnStartup) this.#fire("RunOnStartup");
    else this.#arm();
  }

  /** Ends the schedule; resolves when the run under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  /** Runs the function now, after the run under way if there is one. */
  runByHand(reason: string): Promise<RpcInvocationResponse> {
    return this.#run(reason, false);
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.at(this.#status.nextMs, () => this.#fire("Timer fired"));
  }

  #fire(cause: "IsPastDue" | "RunOnStartup" | "Timer fired"): void {
    const { timer, monitor, clock } = this.#options;
    const dueMs = Math.max(clock.now(), this.#status.nextMs);
    const invokedMs = cause === "Timer fired" ? dueMs : clock.now();
    void this.#run(`${cause} at ${new Date(clock.now()).toISOString()}`, cause === "IsPastDue")
      .catch(() => undefined) // Invariant 4: the invoker has logged it.
      .then(() => {
        // Invariants 1 and 2: the next occurrence lies after now, however long the run took.
        this.#status = {
          lastMs: invokedMs,
          nextMs: timer.schedule.next(Math.max(invokedMs, clock.now())),
          lastUpdatedMs: invokedMs,
        };
        if (timer.useMonitor) monitor.write(this.#name, this.#status);
        this.#arm();
      });
  }

  /** Invariant 1: one after another. */
  #run(reason: string, isPastDue: boolean): Promise<RpcInvocationResponse> {
    const { timer, invoke } = this.#options;
    const run = this.#running.then(() =>
      invoke(timer.registered, {
        inputData: [
          {
            name: timer.bindingName,
            data: { json: JSON.stringify(this.#timerInfo(isPastDue)) },
          },
        ],
        triggerMetadata: {},
        traceContext: continueTrace(undefined, undefined),
        reason,
      }),
    );
    this.#running = run.catch(() => undefined);
    return run;
  }

  /** TimerInfo as Newtonsoft writes it; ScheduleStatus is null where the schedule is not monitored. */
  #timerInfo(isPastDue: boolean): object {
    const { timer } = this.#options;
    const time = (ms: number | undefined): string =>
      ms === undefined ? NEVER : new Date(ms).toISOString().replace(/(?:\.000)?Z$/u, "+00:00");
    const { lastMs, nextMs, lastUpdatedMs } = this.#status;
    return {
      Schedule: { AdjustForDST: timer.schedule.adjustForDst },
      ScheduleStatus: timer.useMonitor
        ? {
            Last: time(lastMs),
            Next: time(nextMs),
            LastUpdated: time(lastUpdatedMs),
          }
        : null,
      IsPastDue: isPastDue,
    };
  }
}
