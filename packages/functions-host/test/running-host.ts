import { channel } from "node:diagnostics_channel";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { type FunctionsHost, type FunctionsHostOptions, startFunctionsHost } from "../src/host.js";
import type { LogEntry } from "../src/logging.js";

/** A call of a fixture's function or hook: the test answers with a value, a promise, or a function to run. */
export interface Call {
  readonly name: string;
  readonly input: unknown;
  readonly context: {
    readonly triggerMetadata?: Readonly<Record<string, unknown>>;
    readonly traceContext?: { readonly traceParent?: string };
    log(...args: unknown[]): void;
    debug(...args: unknown[]): void;
  };
  answer: unknown;
}

export interface RunningHost {
  readonly host: FunctionsHost;
  readonly log: LogEntry[];
  readonly clock: ManualClock;
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
}

/** Answers the calls of every fixture until the test ends. */
export function answerCalls(answer: (call: Call) => void): void {
  const calls = channel("functions-host.calls");
  const listener = (call: unknown): void => answer(call as Call);
  calls.subscribe(listener);
  onTestFinished(() => void calls.unsubscribe(listener));
}

/** Resolves with the first call of `name` that `accept` takes; every such call is answered by `answer`. */
export function nextCall(
  name: string,
  answer: (call: Call) => unknown = () => undefined,
  accept: (call: Call) => boolean = () => true,
): Promise<Call> {
  return new Promise((resolve) => {
    answerCalls((call) => {
      if (call.name !== name || !accept(call)) return;
      call.answer = answer(call);
      resolve(call);
    });
  });
}

/** A promise and the way to settle it. */
export function gate<T = void>(): {
  readonly opened: Promise<T>;
  readonly open: (value: T) => void;
} {
  let open: (value: T) => void = () => undefined;
  const opened = new Promise<T>((resolve) => (open = resolve));
  return { opened, open };
}

/** Starts a host on a fixture under a clock that stands still; it is drained when the test ends. */
export async function startHost(
  app: string,
  options: Partial<FunctionsHostOptions> & { clock?: ManualClock } = {},
): Promise<RunningHost> {
  const log: LogEntry[] = [];
  const clock = options.clock ?? new ManualClock();
  const host = await startFunctionsHost({
    scriptRoot: join(import.meta.dirname, "fixtures", app),
    log: (entry) => log.push(entry),
    ...options,
    clock,
    environment: {
      ReconcileSchedule: "0 */5 * * * *",
      "AzureWebJobs.disabled-one.Disabled": "true",
      ...options.environment,
    },
  });
  onTestFinished(() => host.drain());
  return {
    host,
    log,
    clock,
    fetch: (path, init) =>
      fetch(`http://127.0.0.1:${host.port}${path}`, {
        redirect: "manual",
        ...init,
      }),
  };
}
