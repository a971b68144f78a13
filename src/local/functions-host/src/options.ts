import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeError } from "./startup-error.js";

export const DEFAULT_PORT = 7071;

export const USAGE = `Usage: functions-host [options]

Runs a compiled Azure Functions app (Node.js, programming model v4) on this machine.

  --script-root DIR      folder of host.json and package.json (default: the current one)
  --port N               HTTP port on 127.0.0.1; 0 takes any free one
                         (default: LocalHttpPort of local.settings.json, or ${DEFAULT_PORT})
  --log-format FORMAT    text or json (default: text)
  --state-directory DIR  keep timers' last runs here, so that a missed run is caught up after a restart
  --drain-timeout S      seconds to wait for running invocations when told to stop (default: 30)
  --help                 this text

Settings come from the environment, then from Values of local.settings.json.
SIGINT or SIGTERM stops it after the invocations under way; a second one stops it at once.

Exit codes: 0 stopped, 1 could not start or failed, 2 bad option.`;

/** A command line that cannot be obeyed; its message is for whoever typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: readonly string[]) {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
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

function number(text: string, option: string, highest: number): number {
  const value = Number(text);
  if (text === "" || !Number.isInteger(value) || value < 0 || value > highest)
    throw new UsageError(
      `${option} must be an integer from 0 to ${highest}, not "${text}"`,
    );
  return value;
}
