import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { FunctionDescription } from "./functions.js";
import { type FunctionsHost, startFunctionsHost } from "./host.js";
import { writeLines } from "./logging.js";
import { readLocalSettings } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";

const DEFAULT_PORT = 7071;

const usage = `Runs a compiled Azure Functions app (Node.js, programming model v4) on this machine.

  node dist/src/local/functions-host/main.js [options]

  --script-root DIR      folder of host.json and package.json (default: the current one)
  --port N               HTTP port on 127.0.0.1; 0 takes any free one
                         (default: LocalHttpPort of local.settings.json, or ${DEFAULT_PORT})
  --log-format FORMAT    text or json (default: text)
  --state-directory DIR  keep timers' last runs here, so that a missed run is caught up after a restart
  --drain-timeout S      seconds to wait for running invocations when told to stop (default: 30)
  --help                 this text

Settings come from the environment, then from Values of local.settings.json.
SIGINT or SIGTERM stops it after the invocations under way; a second one stops it at once.
`;

class UsageError extends Error {}

function number(text: string, option: string, highest: number): number {
  const value = Number(text);
  if (text === "" || !Number.isInteger(value) || value < 0 || value > highest)
    throw new UsageError(
      `${option} must be an integer from 0 to ${highest}, not "${text}"`,
    );
  return value;
}

function readArguments() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        "script-root": { type: "string", default: "." },
        port: { type: "string" },
        "log-format": { type: "string", default: "text" },
        "state-directory": { type: "string" },
        "drain-timeout": { type: "string", default: "30" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(describeError(error));
  }
  const format = values["log-format"];
  if (format !== "text" && format !== "json")
    throw new UsageError(`--log-format must be text or json, not "${format}"`);
  const { port } = values;
  const stateDirectory = values["state-directory"];
  return {
    help: values.help,
    scriptRoot: resolve(values["script-root"]),
    port: port === undefined ? undefined : number(port, "--port", 65_535),
    format,
    stateDirectory:
      stateDirectory === undefined
        ? {}
        : { stateDirectory: resolve(stateDirectory) },
    drainTimeoutMs:
      number(values["drain-timeout"], "--drain-timeout", 86_400) * 1000,
  } as const;
}

function target(each: FunctionDescription): string {
  if (each.route !== undefined)
    return `[${each.methods?.join(",") ?? ""}] ${each.route}`;
  return each.entity ?? each.schedule ?? "";
}

function announce({ port, functions }: FunctionsHost): void {
  const width = Math.max(...functions.map(({ name }) => name.length));
  const lines = functions.map(
    (each) =>
      `  ${each.name.padEnd(width)}  ${each.trigger.padEnd(10)}  ${target(each)}${each.disabled ? "  (disabled)" : ""}`,
  );
  process.stdout.write(
    `listening on http://127.0.0.1:${port}\n${lines.join("\n")}\n`,
  );
  process.send?.({ type: "ready", port, functions });
}

function stopWhenTold(host: FunctionsHost): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    host.drain().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`error: ${describeError(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  // A parent that started this with an IPC channel and is gone cannot stop it any more.
  if (process.send !== undefined) process.once("disconnect", stop);
}

async function main(): Promise<void> {
  const { help, format, stateDirectory, ...options } = readArguments();
  if (help) {
    process.stdout.write(usage);
    return;
  }
  const local = readLocalSettings(options.scriptRoot);
  for (const [name, value] of Object.entries(local.values))
    process.env[name] ??= value;
  // As Core Tools sets it; libraries ask for it.
  process.env["AZURE_FUNCTIONS_ENVIRONMENT"] ??= "Development";
  const host = await startFunctionsHost({
    scriptRoot: options.scriptRoot,
    port: options.port ?? local.localHttpPort ?? DEFAULT_PORT,
    drainTimeoutMs: options.drainTimeoutMs,
    log: writeLines(format),
    ...stateDirectory,
  });
  stopWhenTold(host);
  announce(host);
}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message} (--help tells more)\n`);
    process.exit(2);
  }
  process.stderr.write(
    error instanceof StartupError
      ? `error: ${describeError(error)}\n`
      : `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}
