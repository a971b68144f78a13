/**
 * A local stand-in for the Azure Functions host: loads a compiled Node.js v4 app and runs its HTTP, Service Bus and timer
 * triggers.
 *
 * Invariants
 * 1. Every function is read, its settings resolved, before the first trigger starts: an app that cannot run whole does
 *    not run at all.
 * 2. A disabled function is listed, and has no trigger.
 * 3. `drain` stops taking work, waits for what is under way at most `drainTimeoutMs`, runs the appTerminate hooks, and
 *    closes everything; called again it gives the same promise.
 */
import { type Clock, systemClock } from "../clock.js";
import { loadApp } from "./app-loader.js";
import type {
  Registry,
  RpcInvocationResponse,
  RpcTypedData,
} from "./core-module.js";
import {
  type FunctionDescription,
  type TriggerFunction,
  describeFunction,
  readFunction,
} from "./functions.js";
import { readHostConfiguration } from "./host-configuration.js";
import { listenForHttp } from "./http-trigger.js";
import { type Invoke, createInvoker } from "./invocation.js";
import {
  type LogSink,
  type Logger,
  createLogger,
  writeLines,
} from "./logging.js";
import {
  type ScheduleMonitor,
  createFileMonitor,
  createVolatileMonitor,
} from "./schedule-monitor.js";
import { ServiceBusConnections } from "./service-bus-connections.js";
import { type SendOutputs, createOutputs } from "./service-bus-output.js";
import {
  type ServiceBusFunction,
  ServiceBusListener,
} from "./service-bus-trigger.js";
import { type Environment, Settings } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";
import { TimerListener } from "./timer-trigger.js";
import { continueTrace } from "./trace-context.js";

/** What the worker tells its host it can do; the programming model adds its own. */
const workerCapabilities = {
  RawHttpBodyBytes: "true",
  RpcHttpTriggerMetadataRemoved: "true",
  RpcHttpBodyOnly: "true",
  IgnoreEmptyValuedRpcHttpHeaders: "true",
  UseNullableValueDictionaryForHttp: "true",
  WorkerStatus: "true",
  TypedDataCollection: "true",
  HandlesWorkerTerminateMessage: "true",
};

export interface FunctionsHostOptions {
  /** The folder of host.json and package.json. */
  readonly scriptRoot: string;
  /** Loopback port for HTTP; 0, the default, takes any free one. */
  readonly port?: number;
  /** Settings of the host and of bindings; the app reads its own from process.env. Default: process.env. */
  readonly environment?: Environment;
  readonly clock?: Clock;
  /** Default: lines on stdout and stderr. */
  readonly log?: LogSink;
  /** Keeps timers' last runs across restarts; without it no occurrence is ever past due. */
  readonly stateDirectory?: string;
  /** Default 30,000. */
  readonly drainTimeoutMs?: number;
  /** Always false: signals are the business of a process, and only main.ts is one. */
  readonly signalHandlers?: false;
}

export interface FunctionsHost {
  readonly port: number;
  readonly functions: readonly FunctionDescription[];
  /**
   * Runs a timer or Service Bus function by hand and gives its return value. `input` is the message's body (text as it
   * is, bytes, anything else as JSON); a timer takes none. Rejects as the handler does; TypeError for an HTTP function
   * or an unknown name.
   */
  invoke(name: string, input?: unknown): Promise<unknown>;
  /** Stops taking work, waits for what is under way, and closes. */
  drain(): Promise<void>;
}

function returnValue(data: RpcTypedData | null | undefined): unknown {
  if (data?.json !== undefined) return JSON.parse(data.json) as unknown;
  return data?.string ?? data?.bytes ?? data?.int ?? data?.double;
}

/** An output that cannot be sent fails the invocation, whose message is then abandoned. */
function withOutputs(
  invoke: Invoke,
  outputs: ReadonlyMap<string, SendOutputs>,
  logger: Logger,
): Invoke {
  return async (registered, input) => {
    const { name } = registered.metadata;
    const response = await invoke(registered, input);
    try {
      await outputs.get(name)?.(response);
    } catch (error) {
      logger.log(
        "error",
        `Function.${name}`,
        `an output could not be sent: ${describeError(error)}`,
      );
      throw error;
    }
    return response;
  };
}

/** The input of a Service Bus function that is run by hand: a body, and no message around it. */
function handInput(
  source: ServiceBusFunction,
  input: unknown,
): Parameters<Invoke>[1] {
  const data =
    input instanceof Uint8Array
      ? { bytes: input }
      : {
          string:
            typeof input === "string" ? input : JSON.stringify(input ?? null),
        };
  return {
    inputData: [{ name: source.bindingName, data }],
    triggerMetadata: {},
    traceContext: continueTrace(undefined, undefined),
    reason: "This function was programmatically called via the host APIs.",
  };
}

interface Triggers {
  readonly timers: ReadonlyMap<string, TimerListener>;
  readonly serviceBus: readonly ServiceBusListener[];
}

async function runTerminateHooks(
  registry: Registry,
  logger: Logger,
): Promise<void> {
  try {
    await registry.runHooks("appTerminate", {
      hookData: registry.appOnlyHookData,
      appHookData: registry.appHookData,
    });
  } catch (error) {
    logger.log(
      "error",
      "Host.Shutdown",
      `an appTerminate hook failed: ${describeError(error)}`,
    );
  }
}

/** Resolves when `work` has, or after `limitMs`; true if it was in time. */
function within(
  work: Promise<unknown>,
  limitMs: number,
  clock: Clock,
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.at(clock.now() + limitMs, () => resolve(false));
    void work
      .catch(() => undefined)
      .then(() => {
        cancel();
        resolve(true);
      });
  });
}

/** Loads the app and starts its triggers; rejects with a StartupError, one line, where that is impossible. */
export async function startFunctionsHost(
  options: FunctionsHostOptions,
): Promise<FunctionsHost> {
  const { scriptRoot, port = 0, drainTimeoutMs = 30_000 } = options;
  const clock = options.clock ?? systemClock;
  const environment = options.environment ?? process.env;
  const settings = new Settings(environment);
  const configuration = readHostConfiguration(scriptRoot, environment);
  const logger = createLogger(
    options.log ?? writeLines("text"),
    configuration.logLevels,
    () => clock.now(),
  );
  const { registry, model } = await loadApp(scriptRoot, logger);
  registry.finishStartup();
  await registry.runHooks("appStart", {
    hookData: registry.appOnlyHookData,
    appHookData: registry.appHookData,
    functionAppDirectory: scriptRoot,
  });
  const capabilities = await model.getCapabilities?.({ ...workerCapabilities });
  if (capabilities?.["HttpUri"] !== undefined)
    throw new StartupError(
      "app.setup({ enableHttpStream: true }) is not supported by the local host",
    );

  // Invariant 1.
  const connections = new ServiceBusConnections(configuration.serviceBus);
  const outputs = new Map<string, SendOutputs>();
  const all = new Map<string, TriggerFunction>();
  const disabled = new Set<string>();
  for (const [name, registered] of registry.functions) {
    all.set(
      name,
      readFunction(registered, configuration, settings, clock.now()),
    );
    outputs.set(
      name,
      createOutputs(registered.metadata, settings, connections),
    );
    if (settings.isDisabled(name)) disabled.add(name);
    if (registered.metadata.retryOptions !== undefined)
      logger.log(
        "warning",
        "Host.Startup",
        `function "${name}": its retry policy is ignored by the local host`,
      );
  }
  if (configuration.serviceBus.prefetchCount > 0)
    logger.log(
      "warning",
      "Host.Startup",
      "serviceBus.prefetchCount has no effect here: the JavaScript client does not prefetch",
    );

  const invoke = withOutputs(
    createInvoker({
      registry,
      model,
      logger,
      clock,
      functionTimeoutMs: configuration.functionTimeoutMs,
    }),
    outputs,
    logger,
  );
  const monitor: ScheduleMonitor =
    options.stateDirectory === undefined
      ? createVolatileMonitor()
      : createFileMonitor(options.stateDirectory);
  const triggers = createTriggers();

  function createTriggers(): Triggers {
    const timers = new Map<string, TimerListener>();
    const serviceBus: ServiceBusListener[] = [];
    for (const [name, each] of all) {
      if (each.kind === "timer")
        timers.set(
          name,
          new TimerListener({
            timer: each.timer,
            monitor,
            invoke,
            logger,
            clock,
          }),
        );
      if (each.kind === "serviceBus" && !disabled.has(name))
        serviceBus.push(
          new ServiceBusListener({
            source: each.serviceBus,
            client: connections.client(each.serviceBus.connection),
            options: configuration.serviceBus,
            invoke,
            logger,
            clock,
          }),
        );
    }
    return { timers, serviceBus };
  }

  const functions = [...all].map(([name, each]) =>
    describeFunction(name, each, disabled.has(name)),
  );

  const runByHand = (
    name: string,
    input: unknown,
  ): Promise<RpcInvocationResponse> | undefined => {
    const each = all.get(name);
    if (each?.kind === "timer")
      return triggers.timers
        .get(name)
        ?.runByHand(
          "This function was programmatically called via the host APIs.",
        );
    if (each?.kind === "serviceBus")
      return invoke(
        each.serviceBus.registered,
        handInput(each.serviceBus, input),
      );
    return undefined;
  };

  const byHand = new Set<Promise<unknown>>();
  const http = await listenForHttp({
    functions: [...all].flatMap(([name, each]) =>
      each.kind === "http" && !disabled.has(name) ? [each.http] : [],
    ),
    invoke,
    logger,
    port,
    admin: {
      list: () => functions,
      start(name, input) {
        const known = [...all.keys()].find(
          (each) => each.toLowerCase() === name.toLowerCase(),
        );
        const run = known === undefined ? undefined : runByHand(known, input);
        if (run === undefined) return false;
        const settled = run
          .catch(() => undefined)
          .finally(() => byHand.delete(settled));
        byHand.add(settled);
        return true;
      },
    },
  }).catch(async (error: unknown) => {
    await connections.close();
    throw error;
  });
  for (const listener of triggers.serviceBus) listener.start();
  for (const [name, timer] of triggers.timers)
    if (!disabled.has(name)) timer.start(); // Invariant 2.

  // Invariant 3.
  let drained: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    const settled = await within(
      Promise.all([
        http.stop(),
        ...triggers.serviceBus.map((listener) => listener.stop()),
        ...[...triggers.timers.values()].map((timer) => timer.stop()),
        ...byHand,
      ]),
      drainTimeoutMs,
      clock,
    );
    if (!settled)
      logger.log(
        "warning",
        "Host.Shutdown",
        `invocations still run after ${drainTimeoutMs} ms and are left behind; their messages will be delivered again`,
      );
    await runTerminateHooks(registry, logger);
    http.close();
    await connections.close();
  };

  return {
    port: http.port,
    functions,
    async invoke(name, input) {
      const run = runByHand(name, input);
      if (run === undefined)
        throw new TypeError(
          `"${name}" is not a timer or Service Bus function of this app`,
        );
      return returnValue((await run).returnValue);
    },
    drain: () => (drained ??= drain()),
  };
}
