import { resolve } from "node:path";
import { parseOptions, portOf, UsageError } from "@sigil-local/command-line";

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

export interface HostOptions {
  readonly help: boolean;
  /** Absolute. */
  readonly scriptRoot: string;
  /** Undefined: what local.settings.json says, or the default. */
  readonly port: number | undefined;
  readonly logFormat: "text" | "json";
  /** Absolute; undefined: timers' last runs are not kept. */
  readonly stateDirectory: string | undefined;
  readonly drainTimeoutMs: number;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: readonly string[]): HostOptions {
  const values = parseOptions(args, {
    "script-root": { type: "string", default: "." },
    port: { type: "string" },
    "log-format": { type: "string", default: "text" },
    "state-directory": { type: "string" },
    "drain-timeout": { type: "string", default: "30" },
    help: { type: "boolean", default: false },
  });
  const { help, port } = values;
  const logFormat = values["log-format"];
  if (logFormat !== "text" && logFormat !== "json")
    throw new UsageError(`--log-format must be text or json, not "${logFormat}".`);
  const stateDirectory = values["state-directory"];
  return {
    help,
    scriptRoot: resolve(values["script-root"]),
    port: port === undefined ? undefined : portOf("port", port),
    logFormat,
    stateDirectory: stateDirectory === undefined ? undefined : resolve(stateDirectory),
    drainTimeoutMs: secondsOf("drain-timeout", values["drain-timeout"]) * 1000,
  };
}

const DAY_SECONDS = 86_400;

function secondsOf(option: string, text: string): number {
  if (/^\d+$/u.test(text) && Number(text) <= DAY_SECONDS) return Number(text);
  throw new UsageError(
    `--${option} must be a number of seconds from 0 to ${DAY_SECONDS}, not "${text}".`,
  );
}
