import type { TelemetrySettings } from "../telemetry/settings.js";
import { SETTINGS, type Setting, type Settings } from "./settings.js";

/** Settings are missing or wrong. The message lists all of them. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** The value of each setting; undefined only if it has no default and the app starts without it. */
type Values<Group extends Settings> = {
  readonly [Key in keyof Group]: Group[Key] extends
    { readonly default: string } | { readonly required: string }
    ? ReturnType<Group[Key]["parse"]>
    : ReturnType<Group[Key]["parse"]> | undefined;
};

/** Everything that differs between deployments. Immutable; durations in milliseconds. */
export interface Config extends Values<typeof SETTINGS.service> {
  readonly tables:
    | { readonly kind: "connectionString"; readonly connectionString: string }
    | { readonly kind: "identity"; readonly serviceUri: string };
  readonly serviceBus:
    | { readonly kind: "connectionString"; readonly connectionString: string }
    | { readonly kind: "identity"; readonly fullyQualifiedNamespace: string };
  readonly telemetry: TelemetrySettings;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings. Throws ConfigurationError that names every missing or wrong setting. */
export function readConfig(environment: Environment): Config {
  const mistakes: string[] = [];
  const read = <Group extends Settings>(group: Group): Values<Group> =>
    Object.fromEntries(
      Object.entries(group).map(([key, setting]) => [key, valueOf(setting, environment, mistakes)]),
    ) as Values<Group>;

  const config: Config = {
    tables: tables(read(SETTINGS.storage), mistakes),
    serviceBus: serviceBus(read(SETTINGS.serviceBus), mistakes),
    ...read(SETTINGS.service),
    telemetry: telemetry(read(SETTINGS.telemetry)),
  };
  if (config.pollMaxMs < config.pollInitialMs)
    mistakes.push("SIGIL_POLL_MAX_SECONDS is less than SIGIL_POLL_INITIAL_SECONDS.");
  // An idempotency key must not outlive its operation.
  if (config.keepOperationsMs < config.keepIdempotencyKeysMs)
    mistakes.push("SIGIL_KEEP_OPERATIONS_DAYS is less than SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS.");
  if (mistakes.length > 0)
    throw new ConfigurationError(`The configuration has errors:\n- ${mistakes.join("\n- ")}`);
  return frozen(config);
}

/** Undefined if the setting is missing or has neither value nor default. */
function valueOf(
  { name, parse, required, blank, ...setting }: Setting,
  environment: Environment,
  mistakes: string[],
): unknown {
  const given = environment[name]?.trim();
  if (given === "" && blank !== undefined) {
    mistakes.push(`${name} is blank: ${blank}.`);
    return undefined;
  }
  const text = given || setting.default;
  if (text !== undefined) return parse(text, name, mistakes);
  if (required !== undefined) mistakes.push(`${name} is missing: ${required}.`);
  return undefined;
}

function tables(storage: Values<typeof SETTINGS.storage>, mistakes: string[]): Config["tables"] {
  const { connectionString, accountName, tableServiceUri } = storage;
  const serviceUri =
    tableServiceUri ?? (accountName && `https://${accountName}.table.core.windows.net`);
  if (serviceUri !== undefined) return { kind: "identity", serviceUri };
  if (connectionString === undefined)
    mistakes.push(
      "AzureWebJobsStorage is missing: a storage account's connection string (or AzureWebJobsStorage__accountName, to use the managed identity).",
    );
  return {
    kind: "connectionString",
    connectionString: connectionString ?? "",
  };
}

function serviceBus(
  namespace: Values<typeof SETTINGS.serviceBus>,
  mistakes: string[],
): Config["serviceBus"] {
  const { connectionString, fullyQualifiedNamespace } = namespace;
  if (fullyQualifiedNamespace !== undefined) return { kind: "identity", fullyQualifiedNamespace };
  if (connectionString === undefined)
    mistakes.push(
      "ServiceBusConnection is missing: a namespace's connection string (or ServiceBusConnection__fullyQualifiedNamespace, to use the managed identity).",
    );
  return {
    kind: "connectionString",
    connectionString: connectionString ?? "",
  };
}

/** With `Authorization=AAD` the connection string only names the resource and is no secret. */
function telemetry({
  serviceName,
  siteName,
  connectionString,
  authentication = "",
  ...exporters
}: Values<typeof SETTINGS.telemetry>): TelemetrySettings {
  return {
    ...exporters,
    serviceName: serviceName ?? siteName ?? "sigil",
    applicationInsights:
      connectionString === undefined
        ? undefined
        : {
            connectionString,
            useIdentity: /(?:^|;)\s*Authorization=AAD\s*(?:;|$)/iu.test(authentication),
          },
  };
}

/** Freezes the value and everything in it. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
