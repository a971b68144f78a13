import { readdirSync, readFileSync } from "node:fs";
import { readEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { expect, it } from "vitest";
import { ROLES } from "../../src/authorization/roles.js";
import { readConfig } from "../../src/config/config.js";
import { SETTINGS, type Setting } from "../../src/config/settings.js";

const read = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const readAll = (folder: string): string =>
  readdirSync(new URL(`../../${folder}`, import.meta.url))
    .map((file) => read(`${folder}/${file}`))
    .join("\n");

const emulator = await readEmulatorConfiguration("infra/service-bus-emulator.json");

it("the emulator has all entities that triggers and senders name", () => {
  const code = readAll("functions") + read("src/azure/service-bus/namespace.ts");
  const named = [
    ...code.matchAll(
      /(?:queueName: |_QUEUE = |_TOPIC = |^ {2})"((?:image-version|subscription|machine)-[a-z-]+)"/gmu,
    ),
  ].map(([, name]) => name);
  expect([...new Set(named)].sort()).toEqual(
    [...emulator.queues, ...emulator.topics].map(({ name }) => name).sort(),
  );
});

it("the emulator's entities are within the limits of Microsoft's emulator", () => {
  const { namespace, queues, topics } = emulator;
  expect(namespace).toBe("sbemulatorns");
  expect(queues.map(({ name }) => name)).toEqual([
    "image-version-requests",
    "image-version-requests-rejected",
    "image-version-creations",
    "image-version-replications",
    "subscription-preparations",
    "machine-tests",
  ]);
  for (const { name, settings } of queues)
    expect(settings).toEqual({
      // What was rejected has been told: it ends, and leaves no dead letter.
      deadLetteringOnExpiration: name !== "image-version-requests-rejected",
      defaultTimeToLiveMs: undefined,
      duplicateWindowMs: 300_000,
      lockDurationMs: 60_000,
      maxDeliveryCount: Number(SETTINGS.service.maxDeliveryCount.default),
      requiresSession: false,
    });
  expect(topics).toMatchObject([
    {
      name: "image-version-events",
      settings: { duplicateWindowMs: 300_000 },
      subscriptions: [{ name: "all" }],
    },
  ]);
});

it("the vaults of infra/verify.bicep go by roles, and let in the sets and the person who disables a key", () => {
  const text = read("infra/verify.bicep");
  // A vault of this api-version that says nothing goes by roles, and reads no access policy.
  expect(text).toContain("enableRbacAuthorization: true");
  expect(text).not.toContain("accessPolicies");
  expect(text).toContain("e147488a-f6f5-4113-8e2d-b22465e65bf6"); // Key Vault Crypto Service Encryption User
  expect(text).toContain("14b46e9e-c2b7-41b4-b07b-48a6ebf60603"); // Key Vault Crypto Officer
});

it("local.settings.template.json is enough once the placeholders are filled in", () => {
  const { IsEncrypted, Values } = JSON.parse(read("local.settings.template.json")) as {
    readonly IsEncrypted: boolean;
    readonly Values: Readonly<Record<string, string>>;
  };
  expect(IsEncrypted).toBe(false);
  expect(Values["FUNCTIONS_WORKER_RUNTIME"]).toBe("node");
  const filled = Object.fromEntries(
    Object.entries(Values).map(([name, value]) => [
      name,
      value.replaceAll(/<[^>]+>/gu, "localhost"),
    ]),
  );
  expect(() => readConfig(filled)).not.toThrow();
  const known = [
    ...Object.values(SETTINGS).flatMap((group) =>
      Object.values<Pick<Setting, "name">>(group).map(({ name }) => name),
    ),
    // Those of Core Tools, of a managed identity, and of Node.js.
    ...["FUNCTIONS_WORKER_RUNTIME", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
    "NODE_EXTRA_CA_CERTS",
  ];
  expect(known).toEqual(expect.arrayContaining(Object.keys(Values)));
});

it("the documents name every role of the API, and every queue", () => {
  const settings = read("docs/reference/settings.md");
  const security = read("docs/explanation/security.md");
  for (const role of ROLES) {
    expect(settings).toContain(`\`${role}\``);
    expect(security).toContain(`\`${role}\``);
  }
  const [, services = ""] = read("docs/reference/permissions.md").split(
    "## On Sigil's own services",
  );
  for (const { name } of emulator.queues) expect(services).toContain(`\`${name}\``);
});

it("there is a runbook for what befalls a deployment, and each says how far it was tried", () => {
  const [, runbooks = ""] = read("docs/reference/operations.md").split("## Runbooks");
  const [, ...entries] = runbooks.split(/^### /mu);
  expect(entries.map((entry) => entry.split("\n", 1)[0])).toEqual([
    "A poison message",
    "Replay of rejected requests",
    "Azure Resource Manager is down",
    "The tables are lost, or older than Azure",
    "A key is compromised",
    "The identity has changed",
    "A version stuck in Azure",
    "A subscription moves",
    "Capacity and quotas",
    "Cost",
  ]);
  for (const entry of entries) expect(entry).toMatch(/never run|simulated|tested|measured/iu);
});

it("host.json has what Azure Functions documents, and extensions that are for Node.js 22 and 24", () => {
  const { extensions, extensionBundle, ...host } = JSON.parse(read("host.json")) as {
    readonly extensions: {
      readonly serviceBus: Readonly<Record<string, unknown>>;
    };
    readonly extensionBundle: unknown;
  };
  // https://learn.microsoft.com/azure/azure-functions/functions-host-json and functions-bindings-service-bus#hostjson-settings
  expect(Object.keys(host).sort()).toEqual([
    "functionTimeout",
    "logging",
    "telemetryMode",
    "version",
  ]);
  expect(Object.keys(extensions)).toEqual(["http", "serviceBus"]);
  const documented = [
    "autoCompleteMessages",
    "clientRetryOptions",
    "maxAutoLockRenewalDuration",
    "maxConcurrentCalls",
    "maxConcurrentSessions",
    "prefetchCount",
    "sessionIdleTimeout",
  ];
  expect(documented).toEqual(expect.arrayContaining(Object.keys(extensions.serviceBus)));
  expect(extensionBundle).toEqual({
    id: "Microsoft.Azure.Functions.ExtensionBundle",
    version: "[4.0.0, 5.0.0)",
  });
});
