import { readFileSync } from "node:fs";
import type { GalleryPolicy } from "../authorization/gallery-policy.js";
import { parseGalleryPolicy } from "../authorization/gallery-policy-document.js";
import type { TelemetrySettings } from "../telemetry/settings.js";

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
  /** More than one where tokens of both versions of Entra ID are taken. */
  readonly tokenIssuers: readonly string[];
  readonly tokenAudience: readonly string[];
  /** Tenants whose tokens are taken; none: all that the issuers give. */
  readonly tokenTenants: readonly string[];
  /** True where a person's scope counts without an app role beside it. */
  readonly scopesAssignRoles: boolean;
  /** Undefined: whoever may write may write to every gallery. */
  readonly galleryPolicy: GalleryPolicy | undefined;
  /** Calls that one caller may make in a minute; 0: any number. */
  readonly rateLimitPerMinute: number;
  /** Origins of web pages whose scripts may call the API. */
  readonly corsOrigins: readonly string[];
  readonly resourceManagerEndpoint: string;
  readonly resourceManagerScope: string;
  readonly eventSource: string;
  readonly pollInitialMs: number;
  readonly pollMaxMs: number;
  readonly putTimeoutMs: number;
  readonly overdueMs: number;
  readonly stalledMs: number;
  /** What a look shows to have gone back counts once another shows it, so much later or more. */
  readonly confirmMs: number;
  /** For so long after a write, a look that shows nothing of it is taken for an older one. */
  readonly staleMs: number;
  /** After it has waited this long an operation is told to be stalled. */
  readonly operationStalledMs: number;
  readonly repairAttempts: number;
  readonly repairDelayMs: number;
  readonly maxDeliveryCount: number;
  /** Distinct resources of Azure that may be read for one request. */
  readonly maxReads: number;
  /** True where the cloud still asks for the feature Microsoft.Compute/SIGEncryption. */
  readonly requireSigEncryption: boolean;
  /** NCRONTAB, six fields. */
  readonly reconcileSchedule: string;
  /** NCRONTAB, six fields. */
  readonly retentionSchedule: string;
  /** NCRONTAB, six fields. */
  readonly deadLetterSchedule: string;
  /** How long after it was sent a dead letter is deleted. */
  readonly deadLetterRetentionMs: number;
  /** NCRONTAB, six fields. */
  readonly ageingSchedule: string;
  /** How long after its end an operation is kept. */
  readonly keepOperationsMs: number;
  readonly keepIdempotencyKeysMs: number;
  /** How long the original of a refused message is kept. */
  readonly keepRejectedMs: number;
  readonly telemetry: TelemetrySettings;
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
  const list = (value: string | undefined): string[] =>
    (value ?? "")
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  const requiredList = (name: string, what: string, item: string): string[] => {
    const value = required(name, what);
    const items = list(value);
    if (value !== "" && items.length === 0)
      mistakes.push(`${name} is "${value}": it must name ${item}.`);
    return items;
  };
  const listOf = (
    name: string,
    isRight: (item: string) => boolean,
    right: string,
  ): string[] => {
    const items = list(text(name));
    for (const item of items.filter((item) => !isRight(item)))
      mistakes.push(`${name} has "${item}": it must be ${right}.`);
    return items;
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
  const exporter = (name: string): "console" | "none" => {
    const value = text(name)?.toLowerCase() ?? "none";
    if (value === "console" || value === "none") return value;
    mistakes.push(`${name} is "${text(name)}": it must be console or none.`);
    return "none";
  };
  const days = (name: string, fallback: number): number =>
    integer(name, fallback, 1, 3_650) * 86_400_000;
  const seconds = (name: string, fallback: number): number =>
    Math.round(number(name, fallback, 0.05, 86_400) * 1_000);

  const resourceManagerEndpoint = url(
    "SIGIL_RESOURCE_MANAGER_ENDPOINT",
    text("SIGIL_RESOURCE_MANAGER_ENDPOINT") ?? "https://management.azure.com",
  ).replace(/\/+$/u, "");
  const tokenAudience = requiredList(
    "SIGIL_TOKEN_AUDIENCE",
    "the audience of access tokens, the API's application id or id URI; several with commas",
    "an audience",
  );
  const config: Config = {
    tables: tables(text, required),
    serviceBus: serviceBus(text, required),
    managedIdentityClientId: text("AZURE_CLIENT_ID"),
    // As they are: tokens of Entra ID's first version name an issuer that ends in a slash, and `iss` is compared exactly.
    tokenIssuers: requiredList(
      "SIGIL_TOKEN_ISSUER",
      "the issuer of access tokens, such as https://login.microsoftonline.com/{tenant}/v2.0; several with commas",
      "an issuer",
    ).map((issuer) => url("SIGIL_TOKEN_ISSUER", issuer)),
    tokenAudience,
    tokenTenants: listOf("SIGIL_TOKEN_TENANT", isGuid, "a tenant's id, a GUID"),
    galleryPolicy: galleryPolicy(
      environment["SIGIL_GALLERY_POLICY"]?.trim(),
      mistakes,
    ),
    scopesAssignRoles: boolean("SIGIL_SCOPES_ASSIGN_ROLES"),
    rateLimitPerMinute: integer(
      "SIGIL_RATE_LIMIT_PER_MINUTE",
      600,
      0,
      1_000_000,
    ),
    corsOrigins: listOf(
      "SIGIL_CORS_ORIGINS",
      isOrigin,
      "an origin such as https://portal.example, without a path or *",
    ),
    resourceManagerEndpoint,
    resourceManagerScope:
      text("SIGIL_RESOURCE_MANAGER_SCOPE") ??
      "https://management.azure.com/.default",
    eventSource: text("SIGIL_EVENT_SOURCE") ?? "urn:sigil",
    pollInitialMs: seconds("SIGIL_POLL_INITIAL_SECONDS", 15),
    pollMaxMs: seconds("SIGIL_POLL_MAX_SECONDS", 120),
    putTimeoutMs: seconds("SIGIL_CREATE_TIMEOUT_SECONDS", 60),
    overdueMs: seconds("SIGIL_OVERDUE_SECONDS", 120),
    stalledMs: seconds("SIGIL_STALLED_SECONDS", 7_200),
    confirmMs: seconds("SIGIL_CONFIRM_SECONDS", 120),
    staleMs: seconds("SIGIL_STALE_LOOK_SECONDS", 600),
    operationStalledMs: seconds("SIGIL_OPERATION_STALLED_SECONDS", 3_600),
    repairAttempts: integer("SIGIL_REPAIR_ATTEMPTS", 3, 0, 20),
    repairDelayMs: seconds("SIGIL_REPAIR_DELAY_SECONDS", 300),
    requireSigEncryption: boolean("SIGIL_REQUIRE_SIG_ENCRYPTION"),
    maxDeliveryCount: integer("SIGIL_MAX_DELIVERY_COUNT", 10, 1, 2_000),
    maxReads: integer("SIGIL_MAX_READS", 500, 50, 10_000),
    reconcileSchedule: text("SIGIL_RECONCILE_SCHEDULE") ?? "0 * * * * *",
    retentionSchedule: text("SIGIL_RETENTION_SCHEDULE") ?? "0 30 * * * *",
    deadLetterSchedule: text("SIGIL_DEAD_LETTER_SCHEDULE") ?? "0 */15 * * * *",
    deadLetterRetentionMs: days("SIGIL_DEAD_LETTER_DAYS", 30),
    ageingSchedule: text("SIGIL_AGEING_SCHEDULE") ?? "0 45 * * * *",
    keepOperationsMs: days("SIGIL_KEEP_OPERATIONS_DAYS", 396),
    keepIdempotencyKeysMs: days("SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS", 30),
    keepRejectedMs: days("SIGIL_KEEP_REJECTED_DAYS", 30),
    telemetry: {
      serviceName:
        text("OTEL_SERVICE_NAME") ?? text("WEBSITE_SITE_NAME") ?? "sigil",
      applicationInsights: applicationInsights(text, mistakes),
      traces: exporter("OTEL_TRACES_EXPORTER"),
      metrics: exporter("OTEL_METRICS_EXPORTER"),
      metricIntervalMs: integer(
        "OTEL_METRIC_EXPORT_INTERVAL",
        60_000,
        100,
        86_400_000,
      ),
    },
  };
  if (config.pollMaxMs < config.pollInitialMs) {
    mistakes.push(
      "SIGIL_POLL_MAX_SECONDS is less than SIGIL_POLL_INITIAL_SECONDS.",
    );
  }
  // A key must not lead to an operation that is gone.
  if (config.keepOperationsMs < config.keepIdempotencyKeysMs) {
    mistakes.push(
      "SIGIL_KEEP_OPERATIONS_DAYS is less than SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS.",
    );
  }
  if (mistakes.length > 0) {
    throw new ConfigurationError(
      `The configuration has mistakes:\n- ${mistakes.join("\n- ")}`,
    );
  }
  Object.freeze(config.telemetry.applicationInsights);
  Object.freeze(config.telemetry);
  Object.freeze(config.tables);
  Object.freeze(config.serviceBus);
  Object.freeze(config.tokenIssuers);
  Object.freeze(config.tokenAudience);
  Object.freeze(config.tokenTenants);
  Object.freeze(config.corsOrigins);
  return Object.freeze(config);
}

/** The policy itself, or after an @ the path of a file that holds it; what is wrong with it goes to `mistakes`. */
function galleryPolicy(
  setting: string | undefined,
  mistakes: string[],
): GalleryPolicy | undefined {
  if (setting === undefined) return undefined;
  if (setting === "") {
    mistakes.push(
      "SIGIL_GALLERY_POLICY is blank: give a policy, or remove the setting, which lets every writer write everywhere.",
    );
    return undefined;
  }
  let document = setting;
  if (setting.startsWith("@")) {
    try {
      document = readFileSync(setting.slice(1), "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      mistakes.push(
        `SIGIL_GALLERY_POLICY is "${setting}": the file cannot be read (${code}).`,
      );
      return undefined;
    }
  }
  const parsed = parseGalleryPolicy(document);
  if ("policy" in parsed) return parsed.policy;
  mistakes.push(
    ...parsed.mistakes.map((mistake) => `SIGIL_GALLERY_POLICY: ${mistake}`),
  );
  return undefined;
}

function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu.test(text);
}

/** As browsers write it in `Origin` (RFC 6454, 6.2), to be compared exactly. */
function isOrigin(text: string): boolean {
  return (
    URL.canParse(text) &&
    /^https?:$/u.test(new URL(text).protocol) &&
    new URL(text).origin === text
  );
}

/** As Azure Functions' host has them: with `Authorization=AAD` the connection string names the place and is no key. */
function applicationInsights(
  text: (name: string) => string | undefined,
  mistakes: string[],
): TelemetrySettings["applicationInsights"] {
  const connectionString = text("APPLICATIONINSIGHTS_CONNECTION_STRING");
  if (connectionString === undefined) return undefined;
  if (!/(?:^|;)\s*InstrumentationKey=[^;]/iu.test(connectionString))
    mistakes.push(
      "APPLICATIONINSIGHTS_CONNECTION_STRING has no InstrumentationKey: copy it from the resource's overview in the portal.",
    );
  const authentication = text("APPLICATIONINSIGHTS_AUTHENTICATION_STRING");
  return {
    connectionString,
    useIdentity: /(?:^|;)\s*Authorization=AAD\s*(?:;|$)/iu.test(
      authentication ?? "",
    ),
  };
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
