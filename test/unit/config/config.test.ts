import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigurationError, readConfig } from "../../../src/config/config.js";
import { naming } from "../../support/naming.js";

const SECRET = "c2VjcmV0LWtleQ==";
const STORAGE = `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${SECRET}`;
const SERVICE_BUS = `Endpoint=sb://n.servicebus.windows.net;SharedAccessKeyName=k;SharedAccessKey=${SECRET}`;
const TENANT = "11111111-2222-4333-8444-555555555555";
/** No setting more than is needed. */
const LEAST = {
  AzureWebJobsStorage: STORAGE,
  ServiceBusConnection: SERVICE_BUS,
  SIGIL_TOKEN_ISSUER: "https://login.microsoftonline.com/t/v2.0",
  SIGIL_TOKEN_AUDIENCE: "api://sigil",
};

/** The mistakes that are told, one a line. */
function mistakesIn(environment: Record<string, string | undefined>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    const [head, ...mistakes] = (error as Error).message.split("\n- ");
    expect(head).toBe("The configuration has errors:");
    return mistakes;
  }
  return [];
}

test("the least configuration has the documented defaults", () => {
  expect(readConfig(LEAST)).toEqual({
    tables: { kind: "connectionString", connectionString: STORAGE },
    serviceBus: { kind: "connectionString", connectionString: SERVICE_BUS },
    managedIdentityClientId: undefined,
    tokenIssuers: ["https://login.microsoftonline.com/t/v2.0"],
    tokenAudience: ["api://sigil"],
    tokenTenants: [],
    scopesAssignRoles: false,
    galleryPolicy: undefined,
    rateLimitPerMinute: 600,
    corsOrigins: [],
    resourceManagerEndpoint: "https://management.azure.com",
    resourceManagerScope: "https://management.azure.com/.default",
    eventSource: "urn:sigil",
    pollInitialMs: 15_000,
    pollMaxMs: 120_000,
    putTimeoutMs: 60_000,
    overdueMs: 120_000,
    progressStep: 25,
    stalledMs: 7_200_000,
    confirmMs: 240_000,
    staleMs: 600_000,
    operationStalledMs: 3_600_000,
    repairAttempts: 3,
    repairDelayMs: 300_000,
    requireSigEncryption: false,
    maxDeliveryCount: 10,
    testMachines: false,
    maxTestMachines: 100,
    maxTestsPerDay: 200,
    testMachinesClientId: undefined,
    testMachinePrices: undefined,
    maxReads: 500,
    captureGroups: [],
    consumerSubscriptions: [],
    useDelayMs: 900_000,
    reconcileSchedule: "0 */5 * * * *",
    retentionSchedule: "0 30 * * * *",
    deadLetterSchedule: "0 */15 * * * *",
    deadLetterRetentionMs: 30 * 86_400_000,
    keyGuardianSchedule: "0 15 * * * *",
    keyExpiryMs: 30 * 86_400_000,
    driftSchedule: "0 10,40 * * * *",
    ageingSchedule: "0 45 * * * *",
    keepOperationsMs: 396 * 86_400_000,
    keepIdempotencyKeysMs: 30 * 86_400_000,
    keepRejectedMs: 30 * 86_400_000,
    telemetry: {
      serviceName: "sigil",
      applicationInsights: undefined,
      traces: "none",
      metrics: "none",
      metricIntervalMs: 60_000,
    },
  });
});

test.each([
  ["AZURE_CLIENT_ID", "c", { managedIdentityClientId: "c" }],
  [
    "SIGIL_TOKEN_ISSUER",
    "https://sts.windows.net/t/",
    { tokenIssuers: ["https://sts.windows.net/t/"] },
  ],
  [
    "SIGIL_TOKEN_ISSUER",
    "https://sts.windows.net/t/, https://login.microsoftonline.com/t/v2.0",
    {
      tokenIssuers: ["https://sts.windows.net/t/", "https://login.microsoftonline.com/t/v2.0"],
    },
  ],
  ["SIGIL_TOKEN_TENANT", `${TENANT},`, { tokenTenants: [TENANT] }],
  ["SIGIL_GALLERY_POLICY", '{"rules":[]}', { galleryPolicy: { rules: [] } }],
  [
    "SIGIL_TEST_MACHINE_PRICES",
    '{"currency":"EUR","hour":{"West Europe/Standard_D2s_v5":0.12}}',
    {
      testMachinePrices: {
        currency: "EUR",
        hour: { "westeurope/standard_d2s_v5": 0.12 },
      },
    },
  ],
  ["SIGIL_SCOPES_ASSIGN_ROLES", "true", { scopesAssignRoles: true }],
  ["SIGIL_RATE_LIMIT_PER_MINUTE", "0", { rateLimitPerMinute: 0 }],
  [
    "SIGIL_CORS_ORIGINS",
    "https://portal.example, http://localhost:5173",
    { corsOrigins: ["https://portal.example", "http://localhost:5173"] },
  ],
  ["SIGIL_TOKEN_AUDIENCE", "a, b,,", { tokenAudience: ["a", "b"] }],
  [
    "SIGIL_RESOURCE_MANAGER_ENDPOINT",
    "https://management.usgovcloudapi.net//",
    { resourceManagerEndpoint: "https://management.usgovcloudapi.net" },
  ],
  ["SIGIL_RESOURCE_MANAGER_SCOPE", "s", { resourceManagerScope: "s" }],
  ["SIGIL_EVENT_SOURCE", "urn:x", { eventSource: "urn:x" }],
  ["SIGIL_POLL_INITIAL_SECONDS", "0.5", { pollInitialMs: 500 }],
  ["SIGIL_POLL_MAX_SECONDS", "300", { pollMaxMs: 300_000 }],
  ["SIGIL_CREATE_TIMEOUT_SECONDS", "0.05", { putTimeoutMs: 50 }],
  ["SIGIL_OVERDUE_SECONDS", "86400", { overdueMs: 86_400_000 }],
  ["SIGIL_PROGRESS_STEP_PERCENT", "1", { progressStep: 1 }],
  ["SIGIL_STALLED_SECONDS", "60", { stalledMs: 60_000 }],
  ["SIGIL_OPERATION_STALLED_SECONDS", "60", { operationStalledMs: 60_000 }],
  ["SIGIL_CONFIRM_SECONDS", "60", { confirmMs: 60_000 }],
  ["SIGIL_STALE_LOOK_SECONDS", "60", { staleMs: 60_000 }],
  ["SIGIL_REPAIR_ATTEMPTS", "0", { repairAttempts: 0 }],
  ["SIGIL_REPAIR_DELAY_SECONDS", "60", { repairDelayMs: 60_000 }],
  ["SIGIL_MAX_DELIVERY_COUNT", "2000", { maxDeliveryCount: 2_000 }],
  ["SIGIL_RECONCILE_SCHEDULE", "*/5 * * * * *", { reconcileSchedule: "*/5 * * * * *" }],
  ["SIGIL_DEAD_LETTER_SCHEDULE", "0 0 3 * * *", { deadLetterSchedule: "0 0 3 * * *" }],
  ["SIGIL_DEAD_LETTER_DAYS", "7", { deadLetterRetentionMs: 604_800_000 }],
  ["SIGIL_RETENTION_SCHEDULE", "0 0 3 * * *", { retentionSchedule: "0 0 3 * * *" }],
  ["SIGIL_KEY_GUARDIAN_SCHEDULE", "OFF", { keyGuardianSchedule: undefined }],
  ["SIGIL_KEY_GUARDIAN_SCHEDULE", "0 0 5 * * *", { keyGuardianSchedule: "0 0 5 * * *" }],
  ["SIGIL_KEY_EXPIRY_DAYS", "60", { keyExpiryMs: 60 * 86_400_000 }],
  ["SIGIL_DRIFT_SCHEDULE", "0 0 4 * * *", { driftSchedule: "0 0 4 * * *" }],
  ["SIGIL_DRIFT_SCHEDULE", "Off", { driftSchedule: undefined }],
  ["SIGIL_AGEING_SCHEDULE", "0 0 4 * * *", { ageingSchedule: "0 0 4 * * *" }],
  ["SIGIL_KEEP_OPERATIONS_DAYS", "30", { keepOperationsMs: 30 * 86_400_000 }],
  ["SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS", "7", { keepIdempotencyKeysMs: 7 * 86_400_000 }],
  ["SIGIL_KEEP_REJECTED_DAYS", "90", { keepRejectedMs: 90 * 86_400_000 }],
])("%s is read", (name, value, expected) => {
  expect(readConfig({ ...LEAST, [name]: ` ${value} ` })).toEqual({
    ...readConfig(LEAST),
    ...expected,
  });
});

test("operations are kept as long as the keys that lead to them", () => {
  const kept = {
    ...LEAST,
    SIGIL_KEEP_OPERATIONS_DAYS: "7",
    SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS: "7",
  };
  expect(readConfig(kept).keepOperationsMs).toBe(7 * 86_400_000);
  expect(() => readConfig({ ...kept, SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS: "8" })).toThrow(
    expect.objectContaining({
      message: naming(["SIGIL_KEEP_OPERATIONS_DAYS", "SIGIL_KEEP_IDEMPOTENCY_KEYS_DAYS"]),
    }),
  );
  expect(() => readConfig({ ...kept, SIGIL_KEEP_REJECTED_DAYS: "0" })).toThrow(
    "SIGIL_KEEP_REJECTED_DAYS",
  );
});

test("a setting of blanks is a setting that is absent", () => {
  expect(readConfig({ ...LEAST, SIGIL_EVENT_SOURCE: "  " }).eventSource).toBe("urn:sigil");
});

describe("with a managed identity", () => {
  const { SIGIL_TOKEN_AUDIENCE, SIGIL_TOKEN_ISSUER } = LEAST;
  const identity = {
    SIGIL_TOKEN_AUDIENCE,
    SIGIL_TOKEN_ISSUER,
    AzureWebJobsStorage__accountName: "account",
    ServiceBusConnection__fullyQualifiedNamespace: "n.servicebus.windows.net",
  };

  test("the account's name and the namespace are enough", () => {
    expect(readConfig(identity)).toMatchObject({
      tables: {
        kind: "identity",
        serviceUri: "https://account.table.core.windows.net",
      },
      serviceBus: {
        kind: "identity",
        fullyQualifiedNamespace: "n.servicebus.windows.net",
      },
    });
  });

  test("the address of the tables goes before the account's name", () => {
    const serviceUri = "https://account.table.core.usgovcloudapi.net";
    expect(
      readConfig({
        ...identity,
        AzureWebJobsStorage__tableServiceUri: serviceUri,
      }).tables,
    ).toEqual({ kind: "identity", serviceUri });
  });

  test("the identity goes before a connection string", () => {
    expect(readConfig({ ...LEAST, ...identity })).toMatchObject({
      tables: { kind: "identity" },
      serviceBus: { kind: "identity" },
    });
  });
});

describe("telemetry", () => {
  const telemetryOf = (environment: Record<string, string>) =>
    readConfig({ ...LEAST, ...environment }).telemetry;
  const CONNECTION_STRING =
    "InstrumentationKey=11111111-2222-4333-8444-555555555555;IngestionEndpoint=https://westus-0.in.applicationinsights.azure.com/";

  test("goes where OpenTelemetry's own settings say", () => {
    expect(
      telemetryOf({
        OTEL_SERVICE_NAME: "images",
        WEBSITE_SITE_NAME: "sigil-abc",
        OTEL_TRACES_EXPORTER: "console",
        OTEL_METRICS_EXPORTER: "Console",
        OTEL_METRIC_EXPORT_INTERVAL: "1000",
      }),
    ).toEqual({
      serviceName: "images",
      applicationInsights: undefined,
      traces: "console",
      metrics: "console",
      metricIntervalMs: 1_000,
    });
    expect(telemetryOf({ WEBSITE_SITE_NAME: "sigil-abc" }).serviceName).toBe("sigil-abc");
  });

  test.each([
    [undefined, false],
    ["ClientId=c;Authorization=AAD", true],
    ["Authorization=AAD", true],
  ])("goes to Application Insights with the identity where %s", (authentication, useIdentity) => {
    expect(
      telemetryOf({
        APPLICATIONINSIGHTS_CONNECTION_STRING: CONNECTION_STRING,
        ...(authentication && {
          APPLICATIONINSIGHTS_AUTHENTICATION_STRING: authentication,
        }),
      }).applicationInsights,
    ).toEqual({ connectionString: CONNECTION_STRING, useIdentity });
  });

  test("an exporter that Sigil has not, and a connection string that is none, are mistakes", () => {
    expect(
      mistakesIn({
        ...LEAST,
        OTEL_TRACES_EXPORTER: "otlp",
        APPLICATIONINSIGHTS_CONNECTION_STRING: "1111",
      }),
    ).toEqual([
      naming(["APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey"]),
      'OTEL_TRACES_EXPORTER is "otlp": it must be console or none.',
    ]);
  });
});

describe("mistakes", () => {
  test("everything that is missing is told at once, with what it should be", () => {
    const mistakes = mistakesIn({});
    expect(mistakes.map((mistake) => mistake.split(":")[0])).toEqual([
      "AzureWebJobsStorage is missing",
      "ServiceBusConnection is missing",
      "SIGIL_TOKEN_ISSUER is missing",
      "SIGIL_TOKEN_AUDIENCE is missing",
    ]);
    expect(mistakes[0]).toContain("AzureWebJobsStorage__accountName");
    expect(mistakes[1]).toContain("ServiceBusConnection__fullyQualifiedNamespace");
  });

  test("everything that is wrong is told at once, and no secret with it", () => {
    const mistakes = mistakesIn({
      ...LEAST,
      SIGIL_TOKEN_ISSUER: "http://issuer",
      SIGIL_TOKEN_AUDIENCE: " , ",
      SIGIL_RESOURCE_MANAGER_ENDPOINT: "management",
      SIGIL_POLL_INITIAL_SECONDS: "soon",
      SIGIL_POLL_MAX_SECONDS: "0",
      SIGIL_CREATE_TIMEOUT_SECONDS: "86401",
      SIGIL_OVERDUE_SECONDS: "-1",
      SIGIL_MAX_DELIVERY_COUNT: "0",
      SIGIL_REQUIRE_SIG_ENCRYPTION: "yes",
    });
    const range = "it must be a number from 0.05 to 86400.";
    expect(mistakes).toEqual([
      naming(["SIGIL_TOKEN_ISSUER", "http://issuer"]),
      'SIGIL_TOKEN_AUDIENCE is ",": it must name an audience.',
      naming(["SIGIL_RESOURCE_MANAGER_ENDPOINT", "management"]),
      `SIGIL_POLL_INITIAL_SECONDS is "soon": ${range}`,
      `SIGIL_POLL_MAX_SECONDS is "0": ${range}`,
      `SIGIL_CREATE_TIMEOUT_SECONDS is "86401": ${range}`,
      `SIGIL_OVERDUE_SECONDS is "-1": ${range}`,
      'SIGIL_REQUIRE_SIG_ENCRYPTION is "yes": it must be true or false.',
      naming(["SIGIL_MAX_DELIVERY_COUNT", "0", "1", "2000"]),
    ]);
    expect(mistakes.join()).not.toContain(SECRET);
  });

  test("everything that is wrong with who may call is told at once", () => {
    expect(
      mistakesIn({
        ...LEAST,
        SIGIL_TOKEN_ISSUER: "https://one.example,two",
        SIGIL_TOKEN_TENANT: "contoso",
        SIGIL_GALLERY_POLICY: '{"rules":[{"callers":[]}]}',
        SIGIL_RATE_LIMIT_PER_MINUTE: "-1",
        SIGIL_CORS_ORIGINS: "*,https://portal.example/,portal.example,null",
      }),
    ).toEqual([
      naming(["SIGIL_TOKEN_ISSUER", "two"]),
      'SIGIL_TOKEN_TENANT has "contoso": it must be a tenant\'s id, a GUID.',
      naming(["SIGIL_GALLERY_POLICY", "/rules/0/galleries", "galleries"]),
      "SIGIL_GALLERY_POLICY: /rules/0/callers: Must have at least 1 item. Who may write.",
      naming(["SIGIL_RATE_LIMIT_PER_MINUTE", "-1", "0", "1000000"]),
      ...["*", "https://portal.example/", "portal.example", "null"].map((origin) =>
        naming(["SIGIL_CORS_ORIGINS", origin]),
      ),
    ]);
  });

  test("the longest wait may not be shorter than the first", () => {
    expect(mistakesIn({ ...LEAST, SIGIL_POLL_MAX_SECONDS: "14.9" })).toEqual([
      naming(["SIGIL_POLL_MAX_SECONDS", "SIGIL_POLL_INITIAL_SECONDS"]),
    ]);
    expect(mistakesIn({ ...LEAST, SIGIL_POLL_MAX_SECONDS: "15" })).toEqual([]);
  });
});

test("a value that is wrong makes no other mistake", () => {
  expect(
    mistakesIn({
      ...LEAST,
      SIGIL_POLL_INITIAL_SECONDS: "soon",
      SIGIL_POLL_MAX_SECONDS: "10",
      SIGIL_KEEP_OPERATIONS_DAYS: "half",
    }),
  ).toEqual([
    naming(["SIGIL_POLL_INITIAL_SECONDS", "soon", "0.05", "86400"]),
    naming(["SIGIL_KEEP_OPERATIONS_DAYS", "half", "1", "3650"]),
  ]);
});

test("a count is a whole number", () => {
  expect(mistakesIn({ ...LEAST, SIGIL_MAX_DELIVERY_COUNT: "1.5" })).toEqual([
    naming(["SIGIL_MAX_DELIVERY_COUNT", "1.5"]),
  ]);
});

test.each([
  [undefined, false],
  ["false", false],
  ["True", true],
])("the feature SIGEncryption is required where set: %s", (value, required) => {
  expect(readConfig({ ...LEAST, SIGIL_REQUIRE_SIG_ENCRYPTION: value }).requireSigEncryption).toBe(
    required,
  );
});

describe("the gallery policy after an @", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "sigil-policy-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test("is read from its file", async () => {
    const file = path.join(directory, "policy.json");
    await writeFile(file, '{"rules":[]}\n');
    expect(readConfig({ ...LEAST, SIGIL_GALLERY_POLICY: `@${file}` }).galleryPolicy).toEqual({
      rules: [],
    });
  });

  test.each(["", "  ", "\n"])("is a mistake where it is blank: %j", (blank) => {
    expect(mistakesIn({ ...LEAST, SIGIL_GALLERY_POLICY: blank })).toEqual([
      naming(["SIGIL_GALLERY_POLICY"]),
    ]);
  });

  test("is a mistake where there is no such file, not a policy that is absent", () => {
    const setting = `@${path.join(directory, "none.json")}`;
    expect(mistakesIn({ ...LEAST, SIGIL_GALLERY_POLICY: setting })).toEqual([
      naming([setting, "SIGIL_GALLERY_POLICY"]),
    ]);
  });
});

test("the configuration is frozen, and all that it holds", () => {
  const config = readConfig(LEAST);
  const values: unknown[] = [config, ...Object.values<unknown>({ ...config })];
  expect(values.filter((value) => !Object.isFrozen(value))).toEqual([]);
});

test.each([
  "0.1",
  "{",
  '{"hour":{"Standard_D2s_v5":0.1}}',
  '{"currency":"euro","hour":{"Standard_D2s_v5":0.1}}',
  '{"currency":"EUR","hour":{}}',
  '{"currency":"EUR","hour":{"Standard_D2s_v5":0}}',
  '{"currency":"EUR","hour":{"Standard_D2s_v5":"0.1"}}',
])("%s is no price of test machines", (given) => {
  expect(mistakesIn({ ...LEAST, SIGIL_TEST_MACHINE_PRICES: given })).toEqual([
    naming(["SIGIL_TEST_MACHINE_PRICES", "0", "currency", "USD", "hour", "Standard_D2s_v5", "0.1"]),
  ]);
});
