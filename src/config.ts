/** A setting that is missing or wrong; all of them are told at once. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** Everything that differs between one deployment and another. Immutable; durations in milliseconds. */
export interface Config {
  readonly tables:
    | { readonly kind: "connectionString"; readonly connectionString: string }
    | { readonly kind: "identity"; readonly serviceUri: string };
  readonly serviceBus:
    | { readonly kind: "connectionString"; readonly connectionString: string }
    | { readonly kind: "identity"; readonly fullyQualifiedNamespace: string };
  /** Client id of a user-assigned managed identity. */
  readonly managedIdentityClientId: string | undefined;
  readonly tokenIssuer: string;
  readonly tokenAudience: readonly string[];
  readonly resourceManagerEndpoint: string;
  readonly resourceManagerScope: string;
  readonly eventSource: string;
  readonly pollInitialMs: number;
  readonly pollMaxMs: number;
  readonly putTimeoutMs: number;
  readonly overdueMs: number;
  readonly maxDeliveryCount: number;
  /** True where the cloud still asks for the feature Microsoft.Compute/SIGEncryption. */
  readonly requireSigEncryption: boolean;
  /** NCRONTAB, six fields. */
  readonly reconcileSchedule: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings. Throws ConfigurationError that names every setting that is missing or wrong. */
export function readConfig(environment: Environment): Config {
  const mistakes: string[] = [];

  const text = (name: string): string | undefined =>
    environment[name]?.trim() || undefined;
  const required = (name: string, what: string): string => {
    const value = text(name);
    if (value === undefined) mistakes.push(`${name} is missing: ${what}.`);
    return value ?? "";
  };
  const url = (name: string, value: string): string => {
    if (
      value !== "" &&
      !(URL.canParse(value) && new URL(value).protocol === "https:")
    ) {
      mistakes.push(`${name} is "${value}": it must be an https address.`);
    }
    return value;
  };
  const number = (
    name: string,
    fallback: number,
    least: number,
    most: number,
  ): number => {
    const value = Number(text(name) ?? fallback);
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    mistakes.push(
      `${name} is "${text(name)}": it must be a number from ${least} to ${most}.`,
    );
    return fallback;
  };
  const boolean = (name: string): boolean => {
    const value = text(name)?.toLowerCase() ?? "false";
    if (value !== "true" && value !== "false")
      mistakes.push(`${name} is "${text(name)}": it must be true or false.`);
    return value === "true";
  };
  const integer = (
    name: string,
    fallback: number,
    least: number,
    most: number,
  ): number => {
    const value = number(name, fallback, least, most);
    if (!Number.isInteger(value))
      mistakes.push(`${name} is "${text(name)}": it must be a whole number.`);
    return value;
  };
  const seconds = (name: string, fallback: number): number =>
    Math.round(number(name, fallback, 0.05, 86_400) * 1_000);

  const resourceManagerEndpoint = url(
    "SIGIL_RESOURCE_MANAGER_ENDPOINT",
    text("SIGIL_RESOURCE_MANAGER_ENDPOINT") ?? "https://management.azure.com",
  ).replace(/\/+$/u, "");
  const tokenAudience = required(
    "SIGIL_TOKEN_AUDIENCE",
    "the audience of access tokens, the API's application id or id URI; several with commas",
  );
  const audiences = tokenAudience
    .split(",")
    .map((audience) => audience.trim())
    .filter((audience) => audience !== "");
  if (tokenAudience !== "" && audiences.length === 0) {
    mistakes.push(
      `SIGIL_TOKEN_AUDIENCE is "${tokenAudience}": it must name an audience.`,
    );
  }
  const config: Config = {
    tables: tables(text, required),
    serviceBus: serviceBus(text, required),
    managedIdentityClientId: text("AZURE_CLIENT_ID"),
    // As it is: tokens of Entra ID's first version name an issuer that ends in a slash, and `iss` is compared exactly.
    tokenIssuer: url(
      "SIGIL_TOKEN_ISSUER",
      required(
        "SIGIL_TOKEN_ISSUER",
        "the issuer of access tokens, such as https://login.microsoftonline.com/{tenant}/v2.0",
      ),
    ),
    tokenAudience: audiences,
    resourceManagerEndpoint,
    resourceManagerScope:
      text("SIGIL_RESOURCE_MANAGER_SCOPE") ??
      "https://management.azure.com/.default",
    eventSource: text("SIGIL_EVENT_SOURCE") ?? "urn:sigil",
    pollInitialMs: seconds("SIGIL_POLL_INITIAL_SECONDS", 15),
    pollMaxMs: seconds("SIGIL_POLL_MAX_SECONDS", 120),
    putTimeoutMs: seconds("SIGIL_CREATE_TIMEOUT_SECONDS", 60),
    overdueMs: seconds("SIGIL_OVERDUE_SECONDS", 120),
    requireSigEncryption: boolean("SIGIL_REQUIRE_SIG_ENCRYPTION"),
    maxDeliveryCount: integer("SIGIL_MAX_DELIVERY_COUNT", 10, 1, 2_000),
    reconcileSchedule: text("SIGIL_RECONCILE_SCHEDULE") ?? "0 * * * * *",
  };
  if (config.pollMaxMs < config.pollInitialMs) {
    mistakes.push(
      "SIGIL_POLL_MAX_SECONDS is less than SIGIL_POLL_INITIAL_SECONDS.",
    );
  }
  if (mistakes.length > 0) {
    throw new ConfigurationError(
      `The configuration has mistakes:\n- ${mistakes.join("\n- ")}`,
    );
  }
  Object.freeze(config.tables);
  Object.freeze(config.serviceBus);
  Object.freeze(config.tokenAudience);
  return Object.freeze(config);
}

/** `AzureWebJobsStorage` is the storage account that every function app has, in the forms that Azure Functions knows. */
function tables(
  text: (name: string) => string | undefined,
  required: (name: string, what: string) => string,
): Config["tables"] {
  const account = text("AzureWebJobsStorage__accountName");
  const serviceUri =
    text("AzureWebJobsStorage__tableServiceUri") ??
    (account === undefined
      ? undefined
      : `https://${account}.table.core.windows.net`);
  return serviceUri === undefined
    ? {
        kind: "connectionString",
        connectionString: required(
          "AzureWebJobsStorage",
          "a storage account's connection string (or AzureWebJobsStorage__accountName, to use the managed identity)",
        ),
      }
    : { kind: "identity", serviceUri };
}

function serviceBus(
  text: (name: string) => string | undefined,
  required: (name: string, what: string) => string,
): Config["serviceBus"] {
  const fullyQualifiedNamespace = text(
    "ServiceBusConnection__fullyQualifiedNamespace",
  );
  return fullyQualifiedNamespace === undefined
    ? {
        kind: "connectionString",
        connectionString: required(
          "ServiceBusConnection",
          "a namespace's connection string (or ServiceBusConnection__fullyQualifiedNamespace, to use the managed identity)",
        ),
      }
    : { kind: "identity", fullyQualifiedNamespace };
}
