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
import { type Clock, systemClock } from "@sigil-local/clock";
import { type LoadedApp, loadApp } from "./app-loader.js";
import type { Registry, RpcTypedData } from "./core-module.js";
import {
  type AppFunction,
  type FunctionDescription,
  describeFunction,
  readFunction,
} from "./functions.js";
import { readHostConfiguration } from "./host-configuration.js";
import { listenForHttp } from "./http-trigger.js";
import { type Invoke, createInvoker } from "./invocation.js";
import { type LogSink, type Logger, createLogger, writeLines } from "./logging.js";
import { createFileMonitor, createVolatileMonitor } from "./schedule-monitor.js";
import { ServiceBusConnections } from "./service-bus-connections.js";
import { type SendOutputs, createOutputs } from "./service-bus-output.js";
import { type Environment, Settings } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";
import { createTriggers } from "./triggers.js";

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

/** Runs the appStart hooks and settles what the app wants of its host; either failing stops the start. */
async function startApp(
  { registry, model }: LoadedApp,
  functionAppDirectory: string,
): Promise<void> {
  registry.finishStartup();
  try {
    await registry.runHooks("appStart", {
      hookData: registry.appOnlyHookData,
      appHookData: registry.appHookData,
      functionAppDirectory,
    });
  } catch (error) {
    throw new StartupError(`an appStart hook failed: ${describeError(error)}`, {
      cause: error,
    });
  }
  const capabilities = await model.getCapabilities?.({ ...workerCapabilities });
  if (capabilities?.["HttpUri"] !== undefined)
    throw new StartupError(
      "app.setup({ enableHttpStream: true }) is not supported by the local host",
    );
}

async function endApp(registry: Registry, logger: Logger): Promise<void> {
  try {
    await registry.runHooks("appTerminate", {
      hookData: registry.appOnlyHookData,
      appHookData: registry.appHookData,
    });
  } catch (error) {
    logger.log("error", "Host.Shutdown", `an appTerminate hook failed: ${describeError(error)}`);
  }
}

/** Resolves when `work` has, or after `limitMs`; true if it was in time. */
function within(work: Promise<unknown>, limitMs: number, clock: Clock): Promise<boolean> {
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
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const { scriptRoot, port = 0, drainTimeoutMs = 30_000 } = options;
  const clock = options.clock ?? systemClock;
  const environment = options.environment ?? process.env;
  const settings = new Settings(environment);
  const configuration = readHostConfiguration(scriptRoot, environment);
  const logger = createLogger(options.log ?? writeLines("text"), configuration.logLevels, () =>
    clock.now(),
  );
  const warn = (message: string): void => logger.log("warning", "Host.Startup", message);
  const app = await loadApp(scriptRoot, logger);
  const { registry } = app;
  await startApp(app, scriptRoot);

  // Invariant 1.
  const connections = new ServiceBusConnections(configuration.serviceBus);
  const outputs = new Map<string, SendOutputs>();
  const functions = new Map<string, AppFunction>();
  for (const [name, registered] of registry.functions) {
    const { metadata } = registered;
    functions.set(name, {
      trigger: readFunction(registered, configuration, settings, clock.now()),
      disabled: settings.isDisabled(name),
    });
    outputs.set(name, createOutputs(metadata, settings, connections));
    if (metadata.retryOptions !== undefined)
      warn(`function "${name}": its retry policy is ignored by the local host`);
  }
  if (configuration.serviceBus.prefetchCount > 0)
    warn("serviceBus.prefetchCount has no effect here: the JavaScript client does not prefetch");

  const { functionTimeoutMs } = configuration;
  const invoke = withOutputs(
    createInvoker({ ...app, logger, clock, functionTimeoutMs }),
    outputs,
    logger,
  );
  const triggers = createTriggers({
    functions,
    connections,
    serviceBus: configuration.serviceBus,
    monitor:
      options.stateDirectory === undefined
        ? createVolatileMonitor()
        : createFileMonitor(options.stateDirectory),
    invoke,
    logger,
    clock,
  });
  const descriptions = [...functions].map(([name, each]) => describeFunction(name, each));
  const http = await listenForHttp({
    // Invariant 2.
    functions: [...functions.values()].flatMap(({ trigger, disabled }) =>
      trigger.kind === "http" && !disabled ? [trigger.http] : [],
    ),
    invoke,
    logger,
    port,
    admin: {
      list: () => descriptions,
      start(name, input) {
        const known = [...functions.keys()].find(
          (each) => each.toLowerCase() === name.toLowerCase(),
        );
        const run = triggers.runByHand(known ?? name, input);
        run?.catch(() => undefined); // The invoker has logged it.
        return run !== undefined;
      },
    },
  });
  triggers.start();

  // Invariant 3.
  let drained: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    const inTime = await within(Promise.all([http.stop(), triggers.stop()]), drainTimeoutMs, clock);
    if (!inTime)
      logger.log(
        "warning",
        "Host.Shutdown",
        `invocations still run after ${drainTimeoutMs} ms and are left behind; their messages will be delivered again`,
      );
    await endApp(registry, logger);
    http.close();
    await connections.close();
  };

  return {
    port: http.port,
    functions: descriptions,
    async invoke(name, input) {
      const run = triggers.runByHand(name, input);
      if (run === undefined)
        throw new TypeError(`"${name}" is not a timer or Service Bus function of this app`);
      return returnValue((await run).returnValue);
    },
    drain: () => (drained ??= drain()),
  };
}
