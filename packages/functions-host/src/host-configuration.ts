import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type LogLevel, parseLogLevel } from "./logging.js";
import { type Environment, parseTimeSpan } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";

export interface ServiceBusOptions {
  readonly autoCompleteMessages: boolean;
  readonly maxConcurrentCalls: number;
  readonly maxAutoLockRenewalDurationMs: number;
  readonly prefetchCount: number;
  readonly retry: {
    readonly mode: "exponential" | "fixed";
    readonly maxRetries: number;
    readonly delayMs: number;
    readonly maxDelayMs: number;
    readonly tryTimeoutMs: number;
  };
}

/** What the host obeys of host.json; everything else there is the business of Azure. */
export interface HostConfiguration {
  readonly routePrefix: string;
  /** Undefined: unlimited. */
  readonly functionTimeoutMs: number | undefined;
  readonly logLevels: Readonly<Record<string, LogLevel>>;
  readonly serviceBus: ServiceBusOptions;
}

type Json = Readonly<Record<string, unknown>>;

const MINUTE_MS = 60_000;
const OVERRIDE_PREFIX = "azurefunctionsjobhost__";

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

function invalid(path: string, value: unknown, expected: string): StartupError {
  return new StartupError(`host.json: ${path} is ${JSON.stringify(value)}; expected ${expected}`);
}

function timeSpan(value: unknown, path: string, otherwiseMs: number): number {
  if (value === undefined) return otherwiseMs;
  const ms = typeof value === "string" ? parseTimeSpan(value) : undefined;
  if (ms === undefined) throw invalid(path, value, "a time span hh:mm:ss");
  return ms;
}

function count(value: unknown, path: string, lowest: number, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!Number.isInteger(value) || (value as number) < lowest)
    throw invalid(path, value, `an integer of ${lowest} or more`);
  return value as number;
}

/** Lays `AzureFunctionsJobHost__a__b=value` over host.json, as the official host does with its app settings. */
function override(file: Json, environment: Environment): Json {
  const merged = structuredClone(file) as Record<string, unknown>;
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || !name.toLowerCase().startsWith(OVERRIDE_PREFIX)) continue;
    const path = name.slice(OVERRIDE_PREFIX.length).split("__");
    const last = path.pop() ?? "";
    let node = merged;
    for (const part of path)
      node = node[part] = { ...object(node[part]) } as Record<string, unknown>;
    node[last] = /^(?:true|false|-?\d+)$/u.test(text) ? (JSON.parse(text) as unknown) : text;
  }
  return merged;
}

function serviceBusOptions(section: Json): ServiceBusOptions {
  const path = "extensions.serviceBus";
  const retry = object(section["clientRetryOptions"]);
  const autoComplete = section["autoCompleteMessages"] ?? true;
  if (typeof autoComplete !== "boolean")
    throw invalid(`${path}.autoCompleteMessages`, autoComplete, "a boolean");
  return {
    autoCompleteMessages: autoComplete,
    // The extension's own default: 16 times the processors.
    maxConcurrentCalls: count(
      section["maxConcurrentCalls"],
      `${path}.maxConcurrentCalls`,
      1,
      16 * availableParallelism(),
    ),
    maxAutoLockRenewalDurationMs: timeSpan(
      section["maxAutoLockRenewalDuration"],
      `${path}.maxAutoLockRenewalDuration`,
      5 * MINUTE_MS,
    ),
    prefetchCount: count(section["prefetchCount"], `${path}.prefetchCount`, 0, 0),
    retry: {
      mode:
        typeof retry["mode"] === "string" && retry["mode"].toLowerCase() === "fixed"
          ? "fixed"
          : "exponential",
      maxRetries: count(retry["maxRetries"], `${path}.clientRetryOptions.maxRetries`, 0, 3),
      delayMs: timeSpan(retry["delay"], `${path}.clientRetryOptions.delay`, 800),
      maxDelayMs: timeSpan(retry["maxDelay"], `${path}.clientRetryOptions.maxDelay`, MINUTE_MS),
      tryTimeoutMs: timeSpan(
        retry["tryTimeout"],
        `${path}.clientRetryOptions.tryTimeout`,
        MINUTE_MS,
      ),
    },
  };
}

/** Reads host.json, which must be there and say version 2.0, under the environment's overrides. */
export function readHostConfiguration(
  scriptRoot: string,
  environment: Environment,
): HostConfiguration {
  const path = join(scriptRoot, "host.json");
  if (!existsSync(path)) throw new StartupError(`there is no host.json in ${scriptRoot}`);
  let file: Json;
  try {
    file = object(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new StartupError(`cannot read ${path}: ${describeError(error)}`);
  }
  if (file["version"] !== "2.0") throw invalid("version", file["version"], `"2.0"`);
  const settings = override(file, environment);
  const extensions = object(settings["extensions"]);
  const prefix = object(extensions["http"])["routePrefix"] ?? "api";
  if (typeof prefix !== "string") throw invalid("extensions.http.routePrefix", prefix, "a string");
  const timeout = settings["functionTimeout"];
  const levels: Record<string, LogLevel> = {};
  for (const [category, text] of Object.entries(object(object(settings["logging"])["logLevel"]))) {
    const level = typeof text === "string" ? parseLogLevel(text) : undefined;
    if (level === undefined)
      throw invalid(
        `logging.logLevel.${category}`,
        text,
        "Trace, Debug, Information, Warning, Error, Critical or None",
      );
    levels[category] = level;
  }
  return {
    routePrefix: prefix.replaceAll(/^\/+|\/+$/gu, ""),
    // "-1" is unlimited; the default outside the Consumption plan is 30 minutes.
    functionTimeoutMs:
      String(timeout) === "-1" ? undefined : timeSpan(timeout, "functionTimeout", 30 * MINUTE_MS),
    logLevels: levels,
    serviceBus: serviceBusOptions(object(extensions["serviceBus"])),
  };
}
