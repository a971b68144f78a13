import type { Clock } from "@sigil-local/clock";
import type { RpcInvocationResponse } from "./core-module.js";
import type { AppFunction } from "./functions.js";
import type { ServiceBusOptions } from "./host-configuration.js";
import type { Invoke } from "./invocation.js";
import type { Logger } from "./logging.js";
import type { ScheduleMonitor } from "./schedule-monitor.js";
import type { ServiceBusConnections } from "./service-bus-connections.js";
import type { ServiceBusFunction } from "./service-bus-function.js";
import { ServiceBusListener } from "./service-bus-trigger.js";
import { StartupError, describeError } from "./startup-error.js";
import { TimerListener } from "./timer-trigger.js";
import { continueTrace } from "./trace-context.js";

const BY_HAND = "This function was programmatically called via the host APIs.";

/** The triggers that are not HTTP, and the calls of their functions by hand. */
export interface Triggers {
  start(): void;
  /** Stops taking work; resolves when what is under way has ended. */
  stop(): Promise<void>;
  /** Undefined where `name` is no Service Bus or timer function. */
  runByHand(name: string, input: unknown): Promise<RpcInvocationResponse> | undefined;
}

export interface TriggersOptions {
  readonly functions: ReadonlyMap<string, AppFunction>;
  readonly connections: ServiceBusConnections;
  readonly serviceBus: ServiceBusOptions;
  readonly monitor: ScheduleMonitor;
  readonly invoke: Invoke;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The input of a Service Bus function that is run by hand: a body, and no message around it. */
function handInput(source: ServiceBusFunction, input: unknown): Parameters<Invoke>[1] {
  const data =
    input instanceof Uint8Array
      ? { bytes: input }
      : {
          string: typeof input === "string" ? input : JSON.stringify(input ?? null),
        };
  return {
    inputData: [{ name: source.bindingName, data }],
    triggerMetadata: {},
    traceContext: continueTrace(undefined, undefined),
    reason: BY_HAND,
  };
}

/** Prepares a listener for every function that is not disabled; a disabled timer can still be run by hand. */
export function createTriggers(options: TriggersOptions): Triggers {
  const { functions, connections, monitor, invoke, logger, clock } = options;
  const timers = new Map<string, TimerListener>();
  const started: { start(): void; stop(): Promise<void> }[] = [];
  for (const [name, { trigger, disabled }] of functions) {
    if (trigger.kind === "timer") {
      const timer = new TimerListener({
        timer: trigger.timer,
        monitor,
        invoke,
        logger,
        clock,
      });
      timers.set(name, timer);
      if (!disabled) started.push(timer);
    }
    if (trigger.kind === "serviceBus" && !disabled) {
      try {
        started.push(
          new ServiceBusListener({
            source: trigger.serviceBus,
            client: connections.client(trigger.serviceBus.connection),
            options: options.serviceBus,
            invoke,
            logger,
            clock,
          }),
        );
      } catch (error) {
        throw new StartupError(
          `function "${name}": its connection cannot be used: ${describeError(error)}`,
          { cause: error },
        );
      }
    }
  }

  const byHand = new Set<Promise<unknown>>();
  const run = (name: string, input: unknown): Promise<RpcInvocationResponse> | undefined => {
    const trigger = functions.get(name)?.trigger;
    if (trigger?.kind === "timer") return timers.get(name)?.runByHand(BY_HAND);
    if (trigger?.kind === "serviceBus")
      return invoke(trigger.serviceBus.registered, handInput(trigger.serviceBus, input));
    return undefined;
  };
  return {
    start() {
      for (const listener of started) listener.start();
    },
    async stop() {
      await Promise.allSettled([...started.map((listener) => listener.stop()), ...byHand]);
    },
    runByHand(name, input) {
      const running = run(name, input);
      if (running !== undefined) {
        const settled = running.catch(() => undefined).finally(() => byHand.delete(settled));
        byHand.add(settled);
      }
      return running;
    },
  };
}
