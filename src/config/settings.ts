import { PRICES_SETTING } from "../machine-test/prices.js";
import {
  authority,
  boolean,
  captureGroups,
  days,
  galleryPolicy,
  httpsUrl,
  insightsConnectionString,
  integer,
  machinePrices,
  oneOf,
  origins,
  schedule,
  seconds,
  someOf,
  subscriptions,
  tenants,
  text,
  type Parse,
} from "./parse.js";

/** An app setting of the function app, which the process reads from its environment. */
export interface Setting {
  readonly name: string;
  readonly parse: Parse<unknown>;
  /** As an operator would write it; absent: the setting is undefined if not set. */
  readonly default?: string;
  /** What the app lacks without it; absent: the app starts without it. */
  readonly required?: string;
  /** The meaning of a missing setting, if it is not the written default. */
  readonly otherwise?: string;
  /** What to do about a blank value, if that differs from a missing one. */
  readonly blank?: string;
  /** For the reference page. */
  readonly meaning: string;
}

export type Settings = Readonly<Record<string, Setting>>;

/** The storage account that every function app has, in the forms that Azure Functions accepts. */
const STORAGE = {
  connectionString: {
    name: "AzureWebJobsStorage",
    parse: text,
    meaning: "Connection string of the storage account; needed if neither of the next two is set.",
  },
  accountName: {
    name: "AzureWebJobsStorage__accountName",
    parse: text,
    meaning: "Name of the storage account, used with the managed identity.",
  },
  tableServiceUri: {
    name: "AzureWebJobsStorage__tableServiceUri",
    parse: text,
    otherwise: "`https://{account}.table.core.windows.net`",
    meaning:
      "Address of the account's tables, used with the managed identity; sovereign clouds have others.",
  },
} as const satisfies Settings;

/** The Service Bus namespace, in the forms that Azure Functions accepts. */
const SERVICE_BUS = {
  connectionString: {
    name: "ServiceBusConnection",
    parse: text,
    meaning: "Connection string of the Service Bus namespace; needed if the next one is not set.",
  },
  fullyQualifiedNamespace: {
    name: "ServiceBusConnection__fullyQualifiedNamespace",
    parse: text,
    meaning: "Host name of the Service Bus namespace, used with the managed identity.",
  },
} as const satisfies Settings;

/** Settings of the service itself. */
const SERVICE = {
  managedIdentityClientId: {
    name: "AZURE_CLIENT_ID",
    parse: text,
    otherwise: "the system-assigned identity",
    meaning: "Client id of a user-assigned managed identity.",
  },
  // Kept unchanged: tokens of Entra ID's first version name an issuer that ends in a slash, and
  // `iss` is compared exactly.
  tokenIssuers: {
    name: "SIGIL_TOKEN_ISSUER",
    parse: someOf("an issuer", httpsUrl),
    required:
      "the issuer of access tokens, such as https://login.microsoftonline.com/{tenant}/v2.0; several with commas",
    meaning:
      "`iss` of access tokens, such as `https://login.microsoftonline.com/{tenant}/v2.0`; several with commas, if tokens of both versions of Entra ID are accepted.",
  },
  tokenAudience: {
    name: "SIGIL_TOKEN_AUDIENCE",
    parse: someOf("an audience", text),
    required:
      "the audience of access tokens, the API's application id or id URI; several with commas",
    meaning: "`aud` of access tokens; several with commas.",
  },
  tokenTenants: {
    name: "SIGIL_TOKEN_TENANT",
    parse: tenants,
    default: "",
    otherwise: "any tenant of the issuers",
    meaning: "`tid` of access tokens; several with commas.",
  },
  scopesAssignRoles: {
    name: "SIGIL_SCOPES_ASSIGN_ROLES",
    parse: boolean,
    default: "false",
    meaning: "`true` if the tenant assigns by scope: a person's scope then counts without a role.",
  },
  galleryPolicy: {
    name: "SIGIL_GALLERY_POLICY",
    parse: galleryPolicy,
    otherwise: "every writer may write to every gallery",
    blank: "set a policy, or remove the setting, which lets every writer write everywhere",
    meaning:
      "Which callers may write to which galleries: JSON, or `@` and a file's path; Sigil refuses everything that no rule allows.",
  },
  rateLimitPerMinute: {
    name: "SIGIL_RATE_LIMIT_PER_MINUTE",
    parse: integer(0, 1_000_000),
    default: "600",
    meaning:
      "Calls that one caller, or one address without a token, may make in a minute, on each instance; 0: any number.",
  },
  corsOrigins: {
    name: "SIGIL_CORS_ORIGINS",
    parse: origins,
    default: "",
    otherwise: "none",
    meaning: "Origins of web pages whose scripts may call the API; several with commas.",
  },
  uiClientId: {
    name: "SIGIL_UI_CLIENT_ID",
    parse: text,
    otherwise: "the page at /api/ui/ explains how to set up sign-in",
    meaning:
      "Client id for sign-in on the page at `/api/ui/`, with that address among its redirects; it may be the API's own application.",
  },
  uiAuthority: {
    name: "SIGIL_UI_AUTHORITY",
    parse: authority,
    otherwise: "the first of `SIGIL_TOKEN_ISSUER`",
    meaning:
      "Sign-in address of the page, if not the issuer's own; its discovery document must name the issuer.",
  },
  uiScope: {
    name: "SIGIL_UI_SCOPE",
    parse: text,
    otherwise: "`{first of SIGIL_TOKEN_AUDIENCE}/.default`",
    meaning: "Scopes that the page asks for; several with spaces.",
  },
  resourceManagerEndpoint: {
    name: "SIGIL_RESOURCE_MANAGER_ENDPOINT",
    parse: (...setting) => httpsUrl(...setting).replace(/\/+$/u, ""),
    default: "https://management.azure.com",
    meaning: "Azure Resource Manager; sovereign clouds have others.",
  },
  resourceManagerScope: {
    name: "SIGIL_RESOURCE_MANAGER_SCOPE",
    parse: text,
    default: "https://management.azure.com/.default",
    meaning: "Scope of the tokens for Azure Resource Manager.",
  },
  eventSource: {
    name: "SIGIL_EVENT_SOURCE",
    parse: text,
    default: "urn:sigil",
    meaning: "CloudEvents' `source`.",
  },
  pollInitialMs: {
    name: "SIGIL_POLL_INITIAL_SECONDS",
    parse: seconds,
    default: "15",
    meaning: "First wait between two polls of a running change in Azure; it doubles.",
  },
  pollMaxMs: {
    name: "SIGIL_POLL_MAX_SECONDS",
    parse: seconds,
    default: "120",
    meaning:
      "Longest wait between two polls, no less than the first; for a replicating version, polled by its progress, up to 4.5 times as long.",
  },
  putTimeoutMs: {
    name: "SIGIL_CREATE_TIMEOUT_SECONDS",
    parse: seconds,
    default: "60",
    meaning:
      "Sigil gives up a call to Azure Resource Manager after this time without an answer, and then reads the outcome of a PUT.",
  },
  overdueMs: {
    name: "SIGIL_OVERDUE_SECONDS",
    parse: seconds,
    default: "120",
    meaning: "How late a step may be before the reconciler sends it again.",
  },
  progressStep: {
    name: "SIGIL_PROGRESS_STEP_PERCENT",
    parse: integer(1, 100),
    default: "25",
    meaning:
      "An event reports a region's progress each so many percent, and at least every ten minutes of progress.",
  },
  stalledMs: {
    name: "SIGIL_STALLED_SECONDS",
    parse: seconds,
    default: "7200",
    meaning:
      "Sigil reports a region as stalled after this long without progress; with five or more earlier copies there, by how long those took.",
  },
  operationStalledMs: {
    name: "SIGIL_OPERATION_STALLED_SECONDS",
    parse: seconds,
    default: "3600",
    meaning: "Sigil reports an operation as stalled after waiting this long.",
  },
  confirmMs: {
    name: "SIGIL_CONFIRM_SECONDS",
    parse: seconds,
    default: "240",
    meaning:
      "A contradiction counts once another poll, at least this much later, shows it as well.",
  },
  staleMs: {
    name: "SIGIL_STALE_LOOK_SECONDS",
    parse: seconds,
    default: "600",
    meaning:
      "For this long after any change, a poll that shows the version differently may be outdated.",
  },
  repairAttempts: {
    name: "SIGIL_REPAIR_ATTEMPTS",
    parse: integer(0, 20),
    default: "3",
    meaning: "How often Sigil repairs a failed region by itself.",
  },
  repairDelayMs: {
    name: "SIGIL_REPAIR_DELAY_SECONDS",
    parse: seconds,
    default: "300",
    meaning: "Wait before the first repair; it doubles.",
  },
  requireSigEncryption: {
    name: "SIGIL_REQUIRE_SIG_ENCRYPTION",
    parse: boolean,
    default: "false",
    meaning: "`true` if the cloud still requires the feature Microsoft.Compute/SIGEncryption.",
  },
  testMachines: {
    name: "SIGIL_TEST_MACHINES",
    parse: boolean,
    default: "false",
    meaning:
      "`true` allows tests by machines: `POST …/test` then creates virtual machines, which cost money.",
  },
  testMachinesClientId: {
    name: "SIGIL_TEST_MACHINES_CLIENT_ID",
    parse: text,
    otherwise: "Sigil's own identity",
    meaning: "Client id of the user-assigned managed identity that creates test machines.",
  },
  maxTestMachines: {
    name: "SIGIL_MAX_TEST_MACHINES",
    parse: integer(20, 10_000),
    default: "100",
    meaning:
      "Test machines of the whole deployment at a time; a test that needs more is a 429, and one of a promotion rule waits.",
  },
  maxTestsPerDay: {
    name: "SIGIL_MAX_TESTS_PER_DAY",
    parse: integer(1, 100_000),
    default: "200",
    meaning: "Tests by machines that one caller may start in a day (UTC); one more is a 429.",
  },
  testMachinePrices: {
    name: PRICES_SETTING,
    parse: machinePrices,
    otherwise: "the cost of a test is unknown",
    meaning:
      'Hourly prices of test machines, for the dry run of a test: JSON such as `{"currency":"USD","hour":{"Standard_D2s_v5":0.1,"westeurope/Standard_D2s_v5":0.12}}`.',
  },
  captureGroups: {
    name: "SIGIL_CAPTURE_RESOURCE_GROUPS",
    parse: captureGroups,
    default: "",
    otherwise: "a request with `sigil.capture` is refused",
    meaning:
      "Ids of resource groups, one in each subscription with commas between them, where Sigil creates snapshots of a virtual machine's disks for a request with `sigil.capture`, and deletes them again. The template sets it from `captureResourceGroup` of `publications`, and grants the rights. Sigil does not look for leftovers in a group that is no longer named here.",
  },
  consumerSubscriptions: {
    name: "SIGIL_CONSUMER_SUBSCRIPTIONS",
    parse: subscriptions,
    default: "",
    otherwise: "only the gallery's own, and a version in use elsewhere may be deleted",
    meaning:
      "Subscriptions, in addition to the gallery's own, whose machines and scale sets may use its images; several with commas. Sigil checks them for users, and deletes no version needed there.",
  },
  useDelayMs: {
    name: "SIGIL_USE_DELAY_SECONDS",
    parse: (...setting) => integer(0, 86_400)(...setting) * 1_000,
    default: "900",
    meaning:
      "How long Azure Resource Graph may lag behind: a deletion waits this long, with the version excluded from latest, before it checks use again.",
  },
  maxDeliveryCount: {
    name: "SIGIL_MAX_DELIVERY_COUNT",
    parse: integer(1, 2_000),
    default: "10",
    meaning: "Must equal the queues' `maxDeliveryCount`.",
  },
  maxReads: {
    name: "SIGIL_MAX_READS",
    parse: integer(50, 10_000),
    default: "500",
    meaning:
      "Largest number of distinct Azure resources to read for one request; more are a 422 `TooManyReads`.",
  },
  reconcileSchedule: {
    name: "SIGIL_RECONCILE_SCHEDULE",
    parse: text,
    default: "0 */5 * * * *",
    meaning: "NCRONTAB, six fields; when the reconciler sends lost step messages again.",
  },
  deadLetterSchedule: {
    name: "SIGIL_DEAD_LETTER_SCHEDULE",
    parse: text,
    default: "0 */15 * * * *",
    meaning: "NCRONTAB, six fields; when dead-letter queues are checked.",
  },
  deadLetterRetentionMs: {
    name: "SIGIL_DEAD_LETTER_DAYS",
    parse: days,
    default: "30",
    meaning: "A dead letter is deleted this long after it was sent.",
  },
  retentionSchedule: {
    name: "SIGIL_RETENTION_SCHEDULE",
    parse: text,
    default: "0 30 * * * *",
    meaning: "NCRONTAB, six fields, UTC; when retention policies delete versions.",
  },
  keyGuardianSchedule: {
    name: "SIGIL_KEY_GUARDIAN_SCHEDULE",
    parse: schedule,
    default: "0 15 * * * *",
    meaning:
      "NCRONTAB, six fields; when Sigil checks the disk encryption sets of published versions, and their keys; `off`: never.",
  },
  keyExpiryMs: {
    name: "SIGIL_KEY_EXPIRY_DAYS",
    parse: days,
    default: "30",
    meaning: "A key that expires within this time is at risk.",
  },
  driftSchedule: {
    name: "SIGIL_DRIFT_SCHEDULE",
    parse: schedule,
    default: "0 10,40 * * * *",
    meaning:
      "NCRONTAB, six fields; when Sigil checks versions without a running operation for changes by others; `off`: never.",
  },
  ageingSchedule: {
    name: "SIGIL_AGEING_SCHEDULE",
    parse: text,
    default: "0 45 * * * *",
    meaning: "NCRONTAB, six fields; when expired records are removed.",
  },
  keepOperationsMs: {
    name: "SIGIL_KEEP_OPERATIONS_DAYS",
    parse: days,
    default: "396",
    meaning: "How long an operation is kept after its end; no less than idempotency keys.",
  },
  keepIdempotencyKeysMs: {
    name: "SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS",
    parse: days,
    default: "30",
    meaning: "How long an idempotency key is kept after its first use.",
  },
  keepRejectedMs: {
    name: "SIGIL_KEEP_REJECTED_DAYS",
    parse: days,
    default: "30",
    meaning: "How long the original of a rejected message is kept.",
  },
} as const satisfies Settings;

/** By the names of the Azure Functions host and OpenTelemetry. */
const TELEMETRY = {
  connectionString: {
    name: "APPLICATIONINSIGHTS_CONNECTION_STRING",
    parse: insightsConnectionString,
    otherwise: "none",
    meaning: "The endpoint for traces, metrics and logs.",
  },
  authentication: {
    name: "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    parse: text,
    otherwise: "by the connection string",
    meaning:
      "With `Authorization=AAD` they are sent with the managed identity of `AZURE_CLIENT_ID`.",
  },
  traces: {
    name: "OTEL_TRACES_EXPORTER",
    parse: oneOf("console", "none"),
    default: "none",
    meaning: "`console` prints traces, too.",
  },
  metrics: {
    name: "OTEL_METRICS_EXPORTER",
    parse: oneOf("console", "none"),
    default: "none",
    meaning: "`console` prints metrics, too.",
  },
  metricIntervalMs: {
    name: "OTEL_METRIC_EXPORT_INTERVAL",
    parse: integer(100, 86_400_000),
    default: "60000",
    meaning: "Milliseconds between two exports of metrics.",
  },
  serviceName: {
    name: "OTEL_SERVICE_NAME",
    parse: text,
    otherwise: "the function app's name, or `sigil`",
    meaning: "Role in Application Insights.",
  },
  siteName: {
    name: "WEBSITE_SITE_NAME",
    parse: text,
    otherwise: "set by Azure",
    meaning: "The function app's name.",
  },
} as const satisfies Settings;

/** Every setting that Sigil reads, by its name in the code. Mistakes are listed in this order. */
export const SETTINGS = {
  storage: STORAGE,
  serviceBus: SERVICE_BUS,
  service: SERVICE,
  telemetry: TELEMETRY,
} as const;

/**
 * Settings of a deployment that only the host reads, to connect its triggers to the same services.
 */
export const HOST_SETTINGS: readonly Pick<Setting, "name" | "meaning">[] = [
  {
    name: "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls",
    meaning: "Messages of a queue that an instance takes at a time, in place of host.json's.",
  },
  {
    name: "AzureWebJobsStorage__credential",
    meaning: "`managedidentity`, if the storage account is accessed with it.",
  },
  {
    name: "AzureWebJobsStorage__clientId",
    meaning: "Client id of a user-assigned managed identity.",
  },
  {
    name: "ServiceBusConnection__credential",
    meaning: "`managedidentity`, if the namespace is accessed with it.",
  },
  {
    name: "ServiceBusConnection__clientId",
    meaning: "Client id of a user-assigned managed identity.",
  },
];
