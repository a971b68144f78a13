/** What a deployment would make: infra/template.json, against what the code needs. */
import { readdirSync, readFileSync } from "node:fs";
import { readEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.js";
import { HOST_SETTINGS, SETTINGS, type Setting } from "../../src/config/settings.js";
import { IMAGE_EVENT } from "../../src/events/image-events.js";
import { MACHINE_TEST_EVENT } from "../../src/events/machine-test-events.js";
import { IMAGE_VERSION_EVENT } from "../../src/events/image-version-events.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { SUBSCRIPTION, type PredictedResource } from "../support/bicep.js";
import {
  assignmentsOn,
  CONSUMER,
  hashOfSources,
  ofType,
  OTHER_SUBSCRIPTION,
  readTemplate,
  RECEIVER,
  scopeOf,
  SENDER,
} from "../support/template.js";
import { SERVICE_BUS_RIGHTS } from "../support/uses.js";
import permissions from "../../infra/permissions.json" with { type: "json" };

const text = (file: string): string => readFileSync(file, "utf8");

/** Of an alert, what is asked of it. */
interface AlertRule {
  readonly severity: number;
  readonly enabled: boolean;
  readonly scopes: readonly string[];
  readonly criteria: {
    readonly failedLocationCount?: number;
    readonly allOf: readonly [
      {
        readonly query: string;
        readonly timeAggregation: string;
        readonly operator: string;
        readonly threshold: number;
        readonly failingPeriods: object;
        readonly metricName: string;
        readonly dimensions: readonly { readonly values: readonly string[] }[];
      },
    ];
  };
}

/** Queues that a function is triggered by. */
const WORK = readdirSync("functions").flatMap((file) =>
  [...text(`functions/${file}`).matchAll(/\.generic\("(.+)"/gu)].map(([, queue = ""]) => queue),
);

const { plain, full, sources } = readTemplate();

test("infra/template.json is made of what infra/ says now: run `npm run template` after a change (.ci/bicep brings the compiler)", () => {
  expect(sources).toBe(hashOfSources());
});

describe("infra/", () => {
  describe("settings of the function app", () => {
    const known = new Map<string, Pick<Setting, "name">>(
      [
        ...Object.values(SETTINGS).flatMap((group) => Object.values<Setting>(group)),
        ...HOST_SETTINGS,
      ].map((setting) => [setting.name, setting]),
    );

    test("are settings that the code or its host reads", () => {
      for (const resources of [plain, full])
        expect(Object.keys(settingsOf(resources)).filter((name) => !known.has(name))).toEqual([]);
    });

    test("are enough to start with, and use the managed identity alone", () => {
      const { tables, serviceBus, telemetry, ...config } = readConfig(settingsOf(plain));
      expect(tables.kind).toBe("identity");
      expect(serviceBus.kind).toBe("identity");
      expect(telemetry.applicationInsights?.useIdentity).toBe(true);
      expect(config.galleryPolicy).toBeUndefined();
      expect(JSON.stringify(settingsOf(plain))).not.toMatch(/listKeys|AccountKey|SharedAccessKey/u);
    });

    test("are the optional ones of the parameters, too", () => {
      const config = readConfig(settingsOf(full));
      expect(config.pollMaxMs).toBe(60_000);
      expect(config.galleryPolicy).toEqual({
        rules: [
          { callers: [{ role: "ImageVersions.Write" }], galleries: [{ subscriptionId: "*" }] },
        ],
        gates: [],
      });
      expect(config.tokenAudience).toEqual(["sigil"]);
      expect(config.consumerSubscriptions).toEqual([CONSUMER]);
      expect(config.captureGroups).toEqual([
        `/subscriptions/${OTHER_SUBSCRIPTION}/resourceGroups/captures`,
      ]);
    });
  });

  describe("Service Bus", () => {
    test("has the entities of the emulator", async () => {
      const { queues, topics } = await readEmulatorConfiguration("infra/service-bus-emulator.json");
      expect(lastNames(plain, "namespaces/queues")).toEqual(queues.map(({ name }) => name));
      expect(lastNames(plain, "namespaces/topics")).toEqual(topics.map(({ name }) => name));
      expect(lastNames(plain, "namespaces/topics/subscriptions")).toEqual(
        topics.flatMap(({ subscriptions }) => subscriptions.map(({ name }) => name)),
      );
    });

    test("queues: work is tried as often as the code counts on, steps are locked for as long as Azure lets them, a rejected request ends without a dead letter", () => {
      for (const { name, properties } of [...plain, ...full].filter(({ type }) =>
        type.endsWith("namespaces/queues"),
      )) {
        const isRejected = name.endsWith("-rejected");
        expect(properties, name).toEqual({
          requiresDuplicateDetection: true,
          duplicateDetectionHistoryTimeWindow: "PT1H",
          deadLetteringOnMessageExpiration: !isRejected,
          // Of a rejected request it counts how often others were taken out from behind it.
          maxDeliveryCount: isRejected ? 2_000 : Number(SETTINGS.service.maxDeliveryCount.default),
          // A step waits for Azure Resource Manager.
          lockDuration: /-requests/u.test(name) ? "PT1M" : "PT5M",
        });
      }
    });

    test("the topic tells an event that was sent twice for a day; what nobody reads goes without a dead letter", () => {
      expect(ofType(plain, "namespaces/topics")).toMatchObject([
        {
          properties: {
            requiresDuplicateDetection: true,
            duplicateDetectionHistoryTimeWindow: "P1D",
            maxSizeInMegabytes: 5_120,
          },
        },
      ]);
      for (const { properties } of ofType(full, "namespaces/topics/subscriptions"))
        expect(properties).toEqual({
          lockDuration: "PT1M",
          maxDeliveryCount: 10,
          defaultMessageTimeToLive: "P7D",
          deadLetteringOnMessageExpiration: false,
        });
    });

    test("has one rule for each subscription, which names the types of events", () => {
      expect(
        ofType(full, "subscriptions/rules").map(({ name, properties }) => [
          name.split("/").slice(2).join("/"),
          properties["sqlFilter"],
        ]),
      ).toEqual([
        ["all/$Default", { sqlExpression: "1=1" }],
        [
          "usable/$Default",
          {
            sqlExpression:
              "sys.Label IN ('Sigil.ImageVersion.RegionCompleted', 'Sigil.ImageVersion.Completed')",
          },
        ],
      ]);
    });
  });

  describe("roles", () => {
    test("of Sigil's identity on its own services", () => {
      expect(assignmentsOn(plain, /Microsoft\.(?!Compute)/u)).toEqual(
        [
          "components: Monitoring Metrics Publisher",
          "storageAccounts: Storage Table Data Contributor",
          "storageAccounts: Storage Blob Data Owner",
          "packages: Storage Blob Data Contributor",
          ...WORK.map((queue) => `${queue}: Azure Service Bus Data Owner`),
          "image-version-requests-rejected: Azure Service Bus Data Receiver",
          "image-version-requests-rejected: Azure Service Bus Data Sender",
          "image-version-events: Azure Service Bus Data Sender",
        ].sort(),
      );
    });

    test.each([
      ["with", () => plain],
      ["without", () => full],
    ])(
      "are the rights on Service Bus that the end-to-end tests record, %s the scale controller's",
      (_, resources) => {
        const rights: Record<string, Set<string>> = {};
        for (const line of assignmentsOn(resources(), /Microsoft\.ServiceBus/u)) {
          const [, entity = "", role = ""] =
            /^(.+): Azure Service Bus Data (\w+)$/u.exec(line) ?? [];
          if (entity === "") continue; // A sender's or receiver's.
          const given = { Owner: ["Listen", "Send"], Receiver: ["Listen"], Sender: ["Send"] }[role];
          rights[entity] ??= new Set();
          for (const right of given ?? []) rights[entity].add(right);
        }
        expect(
          Object.fromEntries(
            Object.entries(rights).map(([entity, each]) => [entity, [...each].sort()]),
          ),
        ).toEqual(SERVICE_BUS_RIGHTS);
      },
    );

    test("outside its group an assignment's name has the identity, which is another one after a deletion", () => {
      const outside = [...plain, ...full].filter(
        ({ id, type }) =>
          type.endsWith("roleAssignments") &&
          !id.startsWith(`/subscriptions/${SUBSCRIPTION}/resourceGroups/sigil/`),
      );
      expect(outside.length).toBeGreaterThan(8);
      for (const { name, properties } of outside) {
        const [identity = "none"] =
          /reference\([^)]*\)[^)]*\.principalId/u.exec(String(properties["principalId"])) ?? [];
        expect(name).toContain(identity);
      }
    });

    test("without the scale controller's, and with those of senders and receivers, entity by entity", () => {
      expect(assignmentsOn(full, /Microsoft\.ServiceBus/u)).toEqual(
        [
          ...WORK.flatMap((queue) => [
            `${queue}: Azure Service Bus Data Receiver`,
            `${queue}: Azure Service Bus Data Sender`,
          ]),
          `image-version-requests: Azure Service Bus Data Sender to ${SENDER}`,
          "image-version-requests-rejected: Azure Service Bus Data Receiver",
          "image-version-requests-rejected: Azure Service Bus Data Sender",
          `image-version-requests-rejected: Azure Service Bus Data Receiver to ${RECEIVER}`,
          "image-version-events: Azure Service Bus Data Sender",
          `usable: Azure Service Bus Data Receiver to ${RECEIVER}`,
        ].sort(),
      );
    });

    test("in the subscription that is published in: what is called, and no key of a storage account", () => {
      expect(actionsIn(plain, SUBSCRIPTION)).toEqual({
        galleries: actions("galleries"),
        sources: actions("sources"),
        subscription: actions("subscription", "preparation"),
      });
    });

    test("in resource groups where they are named, and of kinds of source where they are asked for", () => {
      expect(actionsIn(full, OTHER_SUBSCRIPTION)).toEqual({
        capture: actions("capture"),
        galleries: actions("galleries"),
        sources: actions("sources", "vhd", "virtualMachine", "capturedDisks"),
        consumers: actions("consumers"),
        keys: actions("keys"),
        subscription: actions("subscription"),
        testMachines: actions("testMachines"),
        testReads: actions("testProfiles", "testMachineLinks"),
        testSubnets: actions("testSubnets"),
      });
      expect(placesOf(full, OTHER_SUBSCRIPTION)).toEqual([
        "capture in resourceGroups/captures",
        "consumers in the subscription",
        "galleries in resourceGroups/images",
        "galleries in resourceGroups/images-test",
        "keys in resourceGroups/vaults",
        "sources in resourceGroups/build",
        "subscription in the subscription",
        "testMachines in resourceGroups/image-tests",
        "testReads in the subscription",
        "testSubnets in resourceGroups/network/providers/Microsoft.Network/virtualNetworks/tests/subnets/machines",
      ]);
      expect(actionsIn(full, SUBSCRIPTION)).toEqual({
        galleries: actions("galleries"),
        sources: actions("sources"),
        consumers: actions("consumers"),
        subscription: actions("subscription"),
      });
      expect(actionsIn(full, CONSUMER)).toEqual({ consumers: actions("consumers") });
      expect(placesOf(full, CONSUMER)).toEqual(["consumers in the subscription"]);
      expect(placesOf(plain, SUBSCRIPTION)).toEqual([
        "galleries in the subscription",
        "sources in the subscription",
        "subscription in the subscription",
      ]);
    });
  });

  test("a private network: endpoints for blobs, tables and Service Bus, and nothing open", () => {
    expect(ofType(plain, "Microsoft.Network/")).toEqual([]);
    expect(
      ofType(full, "Microsoft.Network/privateEndpoints").map(
        ({ properties }) => properties["privateLinkServiceConnections"],
      ),
    ).toMatchObject(
      ["blob", "blob", "table", "namespace", "sites"].map((group) => [
        { properties: { groupIds: [group] } },
      ]),
    );
    // All but what Azure Monitor alone writes to.
    const reached = ofType(full, "Microsoft.Storage/storageAccounts").filter(
      ({ properties }) => properties["networkAcls"] === undefined,
    );
    expect(reached.map(({ properties }) => properties["publicNetworkAccess"])).toEqual([
      "Disabled",
      "Disabled",
    ]);
    const [namespace] = ofType(full, "Microsoft.ServiceBus/namespaces");
    expect(namespace?.properties["publicNetworkAccess"]).toBe("Disabled");
    expect(namespace?.sku?.name).toBe("Premium");
    // The public API is asked whether it is ready from outside; a private one cannot be.
    const access = (resources: readonly PredictedResource[]): unknown =>
      siteOf(resources).properties["publicNetworkAccess"];
    expect([access(plain), access(full)]).toEqual(["Enabled", "Disabled"]);
    expect(ofType(plain, "webtests")).toHaveLength(1);
    expect(ofType(full, "webtests")).toEqual([]);
    expect(siteOf(full).properties["virtualNetworkSubnetId"]).toMatch(/\/subnets\/application$/u);
    expect(siteOf(plain).properties["virtualNetworkSubnetId"]).toBeNull();
  });

  test("the function app: no password, an update strategy where one is asked for, warm instances likewise", () => {
    expect(siteOf(full).properties["functionAppConfig"]).toMatchObject({
      siteUpdateStrategy: { type: "RollingUpdate" },
      scaleAndConcurrency: {
        instanceMemoryMB: 512,
        alwaysReady: [{ name: "http", instanceCount: 2 }],
      },
    });
    expect(siteOf(plain).properties["functionAppConfig"]).not.toHaveProperty("siteUpdateStrategy");
    expect(siteOf(plain).properties["functionAppConfig"]).toMatchObject({
      runtime: { name: "node", version: "22" },
      scaleAndConcurrency: { maximumInstanceCount: 2, instanceMemoryMB: 2048, alwaysReady: [] },
    });
    for (const resources of [plain, full])
      expect(siteOf(resources).properties["functionsRuntimeAdminIsolationEnabled"]).toBe(true);
    expect(siteOf(plain).tags).toEqual({ "azd-service-name": "sigil" });
    const [plan] = ofType(plain, "serverfarms");
    const [zonal] = ofType(full, "serverfarms");
    expect(plan?.properties["zoneRedundant"]).toBe(false);
    expect(zonal?.properties["zoneRedundant"]).toBe(true);
    for (const { name, properties } of ofType(plain, "CredentialsPolicies"))
      expect(properties, name).toEqual({ allow: false });
    expect(lastNames(plain, "CredentialsPolicies")).toEqual(["scm", "ftp"]);
    const [storage] = ofType(plain, "Microsoft.Storage/storageAccounts");
    expect(storage?.properties["allowSharedKeyAccess"]).toBe(false);
  });

  test("forty instances, where Azure takes no lower maximum, take one step of a queue each; two take host.json's", () => {
    const calls = (resources: readonly PredictedResource[]): string =>
      settingsOf(resources)["AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls"] ??
      "";
    const { extensions } = JSON.parse(text("host.json")) as {
      extensions: { serviceBus: { maxConcurrentCalls: number } };
    };
    expect(calls(plain)).toBe(String(extensions.serviceBus.maxConcurrentCalls));
    expect(calls(full)).toBe("1");
  });

  test("nobody but the addresses that are named, and Azure's own test, reaches the API", () => {
    const site = (resources: readonly PredictedResource[]): Readonly<Record<string, unknown>> =>
      siteOf(resources).properties["siteConfig"] as never;
    expect(site(plain)).toMatchObject({
      ipSecurityRestrictionsDefaultAction: "Allow",
      ipSecurityRestrictions: [],
    });
    expect(site(full)).toMatchObject({
      ipSecurityRestrictionsDefaultAction: "Deny",
      ipSecurityRestrictions: [
        { action: "Allow", ipAddress: "203.0.113.0/24" },
        { tag: "ServiceTag", ipAddress: "ApplicationInsightsAvailability" },
      ],
    });
  });

  test("locks on state and messages where they are asked for", () => {
    const locked = (resources: readonly PredictedResource[]): unknown =>
      ofType(resources, "locks").map(({ id, properties }) => [
        /providers\/([^/]+\/[^/]+)\//u.exec(id)?.[1],
        properties["level"],
      ]);
    expect(locked(plain)).toEqual([]);
    expect(locked(full)).toEqual([
      ["Microsoft.Storage/storageAccounts", "CanNotDelete"],
      ["Microsoft.ServiceBus/namespaces", "CanNotDelete"],
    ]);
  });

  test("what is done to messages, state and package is logged, and cannot be changed where days are given", () => {
    const logged = (resources: readonly PredictedResource[]): readonly string[] =>
      ofType(resources, "diagnosticSettings")
        .map(({ id, properties }) => {
          const [, type = "", name = "", service] =
            /providers\/[^/]+\/([^/]+)\/([^/]+)\/(?:(\w+)Services\/)?/u.exec(id) ?? [];
          const account = name === stateOf(resources) ? "state" : "package";
          const of = service === undefined ? type : `${account}: ${service}`;
          const { logs, storageAccountId } = properties as {
            logs: { category?: string; categoryGroup?: string }[];
            storageAccountId?: string | null;
          };
          return `${of}: ${logs.map(({ category, categoryGroup }) => category ?? categoryGroup).join(", ")}${(storageAccountId ?? "") === "" ? "" : ", kept"}`;
        })
        .sort();
    const all = [
      "namespaces: allLogs",
      "package: blob: StorageWrite, StorageDelete",
      "sites: FunctionAppLogs",
      // The Functions host keeps its keys there: who reads them is an administrator of Sigil.
      "state: blob: StorageRead, StorageWrite, StorageDelete",
      "state: table: StorageWrite, StorageDelete",
    ];
    expect(logged(plain)).toEqual(all);
    expect(logged(full)).toEqual(
      [...all, "components: AppTraces"].map((one) => `${one}, kept`).sort(),
    );
    const kept = ofType(full, "Microsoft.Storage/storageAccounts").filter(
      ({ properties }) => properties["immutableStorageWithVersioning"] !== undefined,
    );
    expect(kept).toMatchObject([
      {
        properties: {
          immutableStorageWithVersioning: {
            enabled: true,
            immutabilityPolicy: {
              immutabilityPeriodSinceCreationInDays: 365,
              state: "Unlocked",
              allowProtectedAppendWrites: true,
            },
          },
        },
      },
    ]);
  });

  test("what runs is kept apart from state, in an account that takes no key either", () => {
    const accounts = ofType(plain, "Microsoft.Storage/storageAccounts");
    expect(accounts).toHaveLength(2);
    for (const { name, properties } of accounts)
      expect(properties, name).toMatchObject({ allowSharedKeyAccess: false });
    const { deployment } = siteOf(plain).properties["functionAppConfig"] as {
      deployment: { storage: { value: string } };
    };
    expect(deployment.storage.value).toMatch(/packages'?\)?\]?$/u);
  });

  test("logs are kept for as long as is asked", () => {
    const days = (resources: readonly PredictedResource[]): unknown =>
      ofType(resources, "OperationalInsights/workspaces")[0]?.properties["retentionInDays"];
    expect([days(plain), days(full)]).toEqual([30, 90]);
    const cap = (resources: readonly PredictedResource[]): unknown =>
      ofType(resources, "OperationalInsights/workspaces")[0]?.properties["workspaceCapping"];
    expect([cap(plain), cap(full)]).toEqual([{ dailyQuotaGb: -1 }, { dailyQuotaGb: 5 }]);
  });

  describe("alerts", () => {
    const alertsOf = (resources: readonly PredictedResource[]): readonly PredictedResource[] =>
      resources.filter(({ type }) =>
        /scheduledQueryRules|metricAlerts|activityLogAlerts/u.test(type),
      );
    const nameOf = ({ name }: PredictedResource): string => name.replace(/^sigil-[a-z\d]+-/u, "");

    test("each links to the heading of its runbook, and each runbook of an alert has one", () => {
      const linked = alertsOf(plain).map(
        ({ properties }) =>
          /Runbook: docs\/reference\/operations\.md#(.+)$/u.exec(
            String(properties["description"]),
          )?.[1],
      );
      expect(linked.sort()).toEqual(
        [...text("docs/reference/operations.md").matchAll(/^### (Alert: .+)$/gmu)]
          .map(([, heading = ""]) => anchorOf(heading))
          .sort(),
      );
    });

    test.each([
      ["plain", plain],
      ["full", full],
    ])(
      "%s: tell the first of its kind, but for what is no harm below a number, and wake somebody for what cannot wait",
      (which, resources) => {
        const rules = ofType(resources, "scheduledQueryRules").map((alert) => {
          const { severity, enabled, criteria, scopes } = alert.properties as unknown as AlertRule;
          const [{ query, timeAggregation, operator, threshold, failingPeriods }] = criteria.allOf;
          expect([enabled, timeAggregation, operator, threshold], alert.name).toEqual([
            true,
            "Count",
            "GreaterThan",
            0,
          ]);
          expect(failingPeriods).toEqual({
            numberOfEvaluationPeriods: 1,
            minFailingPeriodsToAlert: 1,
          });
          expect(scopes).toEqual([ofType(resources, "OperationalInsights/workspaces")[0]?.id]);
          const beyond = [...query.matchAll(/> (\d+)/gu)].map(([, number]) => Number(number));
          const { evaluationFrequency, displayName } = alert.properties;
          expect(displayName).toBe(`Sigil: ${nameOf(alert)}`);
          return [nameOf(alert), severity, evaluationFrequency, ...beyond] as const;
        });
        expect(rules.map((rule) => rule.join(" ")).sort()).toEqual([
          "events-not-sent 1 PT15M 0",
          "key-at-risk 1 PT15M",
          "log-volume 2 PT1H 1000", // MB: Usage counts in them
          `oldest-operation 2 PT15M ${24 * 3_600}`, // s, as the metric has it: oldestOperationHours
          "operations-failed 2 PT15M 0",
          "protection-off 2 PT15M",
          "refusals 2 PT15M 20",
          "silent 1 PT30M",
          "stalled 2 PT15M",
          "test-machine-left 2 PT1H",
        ]);
        const metrics = ofType(resources, "metricAlerts").map((alert) => {
          const { severity, enabled, criteria } = alert.properties as unknown as AlertRule;
          const one = criteria.allOf?.[0];
          expect(enabled).toBe(true);
          return one === undefined
            ? [nameOf(alert), severity, criteria.failedLocationCount]
            : [
                nameOf(alert),
                severity,
                one.operator,
                one.threshold,
                one.timeAggregation,
                one.metricName,
                one.dimensions[0]?.values,
              ];
        });
        expect(metrics).toEqual([
          [
            "dead-letters",
            1,
            "GreaterThan",
            0,
            "Maximum",
            "DeadletteredMessages",
            expect.toSatisfy(
              (queues: string[]) => queues.toSorted().join() === WORK.toSorted().join(),
            ),
          ],
          [
            "requests-rejected",
            3,
            "GreaterThan",
            0,
            "Total",
            "IncomingMessages",
            ["image-version-requests-rejected"],
          ],
          // Of the three places that ask; nobody can ask a private API.
          ...(which === "plain" ? [["not-ready", 1, 2]] : []),
        ]);
        expect(ofType(resources, "activityLogAlerts")).toMatchObject([
          {
            properties: {
              enabled: true,
              condition: {
                allOf: [
                  { equals: "Administrative" },
                  { equals: "Microsoft.Authorization/locks/delete" },
                ],
              },
            },
          },
        ]);
        expect(ofType(plain, "webtests")).toMatchObject([
          {
            properties: {
              Enabled: true,
              Locations: [{}, {}, {}],
              Request: { RequestUrl: expect.stringContaining("/api/health/ready") as string },
              ValidationRules: { ExpectedHttpStatusCode: 200, SSLCheck: true },
            },
          },
        ]);
      },
    );

    test("tell each event of what stalls, is at risk or was left", () => {
      const queries = ofType(plain, "scheduledQueryRules").map(
        ({ properties }) => (properties as unknown as AlertRule).criteria.allOf[0].query,
      );
      const types = [
        ...Object.values(IMAGE_VERSION_EVENT),
        ...Object.values(IMAGE_EVENT),
        ...Object.values(MACHINE_TEST_EVENT),
      ].filter((type) => /(?:Stalled|AtRisk|Left)$/u.test(type));
      expect(types.length).toBeGreaterThan(4);
      for (const type of types)
        expect(
          queries.filter((query) => query.includes(`"${type}"`)),
          type,
        ).toHaveLength(1);
    });

    test("look as often, and as far back, as Azure's own words say it", () => {
      for (const { name, properties } of ofType(plain, "scheduledQueryRules"))
        expect([properties["evaluationFrequency"], properties["windowSize"]], name).toEqual([
          // Of Microsoft.Insights/scheduledQueryRules; PT60M is none of them.
          expect.stringMatching(/^PT(?:1|5|10|15|30|45)M$|^PT[1-6]H$/u),
          properties["evaluationFrequency"],
        ]);
    });

    test("go to the addresses that are given, and are made without any", () => {
      expect(ofType(plain, "actionGroups")).toEqual([]);
      const [group] = ofType(full, "actionGroups");
      for (const alert of alertsOf(full))
        expect(JSON.stringify(alert.properties["actions"]), alert.name).toContain(group?.id);
    });

    test("and the workbook name metrics, events and codes that the code has", () => {
      const queries = [
        ...ofType(plain, "scheduledQueryRules").map(({ properties }) =>
          JSON.stringify(properties["criteria"]),
        ),
        text("infra/workbook.json"),
      ].join("\n");
      const named = (pattern: RegExp): string[] => [
        ...new Set([...queries.matchAll(pattern)].map(([, name = ""]) => name)),
      ];
      const metrics: string[] = [];
      const note = (name: string) => {
        metrics.push(name);
        return { add: () => {}, record: () => {} };
      };
      createMetrics({
        createCounter: note,
        createGauge: note,
        createHistogram: note,
      } as unknown as Parameters<typeof createMetrics>[0]);
      const found = named(/Name == \\+"([\w.]+)\\+"/gu);
      expect(found.length).toBeGreaterThan(3);
      expect(metrics).toEqual(expect.arrayContaining(found));

      const types: readonly string[] = [
        ...Object.values(IMAGE_VERSION_EVENT),
        ...Object.values(IMAGE_EVENT),
        ...Object.values(MACHINE_TEST_EVENT),
      ];
      const events = named(/\\+"(Sigil\.\w+\.\w+)\\+"/gu);
      expect(events.length).toBeGreaterThan(2);
      expect(types).toEqual(expect.arrayContaining(events));

      const rules = text("docs/reference/rules.md");
      for (const code of named(/\\+"(DiskEncryptionSet\w+)\\+"/gu))
        expect(rules).toContain(`\`${code}\``);
    });
  });
});

test.each([...plain, ...full].filter(({ properties }) => properties !== undefined))(
  "$type $name has no switch that opens it, or turns it off",
  ({ properties }) => {
    const SWITCHES = {
      ...{ disableLocalAuth: true, DisableLocalAuth: true, allowSharedKeyAccess: false },
      ...{ allowBlobPublicAccess: false, defaultToOAuthAuthentication: true },
      ...{ supportsHttpsTrafficOnly: true, httpsOnly: true, enabled: true, Enabled: true },
      ...{ skipQueryValidation: true, autoMitigate: true, useCommonAlertSchema: true },
      ...{ registrationEnabled: false, AzureWebJobsStorage__credential: /^managedidentity$/u },
      ...{ ServiceBusConnection__credential: /^managedidentity$/u },
      ...{ principalId: /^\[reference\('[^']+', '[\d-]+'\)\.principalId\]$|^[\d-]{36}$/u },
      ...{ publicNetworkAccess: /^(?:En|Dis)abled$/u },
      ...{ minimumTlsVersion: /1[._]2$/u, minTlsVersion: /1[._]2$/u },
    };
    JSON.stringify(properties, (key, value: unknown) => {
      const right = (SWITCHES as Record<string, boolean | RegExp>)[key];
      if (right instanceof RegExp) expect(value, key).toMatch(right);
      else if (right !== undefined) expect(value, key).toBe(right);
      return value;
    });
  },
);

describe.each([
  ["plain", plain],
  ["full", full],
])("%s:", (which, resources) => {
  test("each resource is in the deployment's location, or global", () => {
    for (const { location, name } of resources)
      expect(["westeurope", "global", undefined], name).toContain(location);
  });

  test("each id that a resource names is of a resource that is made, or that Azure or a parameter gives", () => {
    const made = new Set(
      resources.flatMap(({ id, properties: { subnets = [] } = {} }) => [
        id.toLowerCase(),
        ...(subnets as { name: string }[]).map(({ name }) => `${id}/subnets/${name}`.toLowerCase()),
      ]),
    );
    const isGiven = (id: string): boolean =>
      BUILT_IN_ROLE.test(id) || /\/subnets\/machines$/u.test(id) || !id.includes("/providers/");
    for (const { id: own, properties = {} } of resources)
      JSON.stringify(properties, (_, value: unknown) => {
        if (typeof value !== "string") return value;
        // Also in an expression: [reference('…', '2024-11-30').principalId]
        for (const [named] of value.matchAll(/(?<=^|')\/subscriptions\/[^']+/gu))
          expect(made.has(named.toLowerCase()) || isGiven(named), `${own} names ${named}`).toBe(
            true,
          );
        return value;
      });
  });

  test("whoever is assigned a role is what the parameters say, Sigil's identities are service principals", () => {
    const groups = ofType(resources, "roleAssignments").flatMap(({ properties }) =>
      properties["principalType"] === "ServicePrincipal" ? [] : [properties],
    );
    expect(groups).toMatchObject(
      which === "plain" ? [] : [{ principalType: "Group", principalId: RECEIVER }],
    );
  });

  test("kinds and tiers are those that the costs are reckoned with", () => {
    const [storage, bus] =
      which === "plain" ? ["Standard_ZRS", "Standard"] : ["Standard_GZRS", "Premium"];
    const kinds = resources.map(({ type, kind, sku }) => [type.split("/")[1], kind, sku?.name]);
    for (const [type, kind, sku] of kinds)
      if (type === "storageAccounts" && kind !== undefined)
        expect([kind, sku]).toEqual(["StorageV2", storage]);
    expect(kinds).toEqual(
      expect.arrayContaining([
        ["serverfarms", "functionapp", "FC1"],
        ["sites", "functionapp,linux", undefined],
        ["components", "web", undefined],
        ["namespaces", undefined, bus],
      ]),
    );
  });

  test("each part of a network is within it", () => {
    for (const { properties } of ofType(resources, "virtualNetworks")) {
      const { addressSpace, subnets } = properties as unknown as {
        addressSpace: { addressPrefixes: string[] };
        subnets: { properties: { addressPrefix: string } }[];
      };
      const [[network = NaN, networkBits = NaN] = []] = addressSpace.addressPrefixes.map(rangeOf);
      for (const [from, bits] of subnets.map((subnet) =>
        rangeOf(subnet.properties.addressPrefix),
      )) {
        expect(bits).toBeGreaterThan(networkBits);
        expect(Math.floor(from / 2 ** (32 - networkBits)) * 2 ** (32 - networkBits)).toBe(network);
      }
    }
  });

  test("each alert by a metric looks every five minutes, at the last fifteen", () => {
    for (const { name, properties } of ofType(resources, "metricAlerts"))
      if ((properties as unknown as AlertRule).criteria.allOf !== undefined)
        expect([properties["evaluationFrequency"], properties["windowSize"]], name).toEqual([
          ...["PT5M", "PT15M"],
        ]);
  });

  test("each query is a table and its stages, each of them whole", () => {
    const value = String.raw`(?:\w+|tostring\(Properties\["[\w.]+"\]\))`;
    const literal = String.raw`(?:"[\w.]+"|\d+)`;
    const list = String.raw`\(${literal}(?:, ${literal})*\)`;
    const condition = String.raw`(?:isnull\(\w+\)|IsBillable|${value} (?:(?:==|>) ${literal}|(?:in|has_any) ${list}))`;
    const stage = String.raw`(?:where ${condition}(?: (?:and|or) ${condition})*|summarize \w+ = (?:sum|max)\(\w+\))`;
    const whole = new RegExp(`^(?:AppMetrics|AppTraces|Usage)(?: \\| ${stage})+$`, "u");
    for (const { properties } of ofType(resources, "scheduledQueryRules"))
      expect((properties as unknown as AlertRule).criteria.allOf[0].query).toMatch(whole);
  });
});

const BUILT_IN_ROLE =
  /^\/subscriptions\/[^/]+\/providers\/Microsoft\.Authorization\/roleDefinitions\/[\da-f-]{36}$/iu;

/** The first address of a range as a number, and its bits. */
function rangeOf(prefix: string): readonly [from: number, bits: number] {
  const [address = "", bits] = prefix.split("/");
  const from = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return [from, Number(bits)];
}

test("each timer runs by the schedule of its own name", () => {
  const timers = readdirSync("functions").filter((file) =>
    text(`functions/${file}`).includes(".timer("),
  );
  expect(timers.length).toBeGreaterThan(5);
  for (const file of timers) {
    const [, name = "", timer = ""] =
      /\.timer\("(.+)", app\.timers\.(\w+)\);/u.exec(text(`functions/${file}`)) ?? [];
    const own = name.replaceAll(/-(\w)/gu, (_, letter: string) => letter.toUpperCase());
    expect([`${name}.ts`, own.replace(/s$/u, "")], file).toEqual([file, timer]);
  }
});

/** As the function app would have them; what Azure fills in stands as an address or a word of the right shape. */
function settingsOf(resources: readonly PredictedResource[]): Record<string, string> {
  const [settings] = ofType(resources, "sites/config");
  return Object.fromEntries(
    Object.entries(settings?.properties ?? {}).map(([name, value]) => [
      name,
      String(value).startsWith("[") ? filled(name, String(value)) : String(value),
    ]),
  );
}

function filled(name: string, expression: string): string {
  if (name === "APPLICATIONINSIGHTS_CONNECTION_STRING")
    return "InstrumentationKey=00000000-0000-0000-0000-000000000000";
  if (expression.includes("Authorization=AAD")) return "Authorization=AAD";
  return /ENDPOINT|ISSUER|Uri/u.test(name) ? "https://azure.example" : "azure";
}

function lastNames(resources: readonly PredictedResource[], type: string): string[] {
  return ofType(resources, type).map(({ name }) => name.split("/").at(-1) ?? "");
}

/** The account with the state. */
function stateOf(resources: readonly PredictedResource[]): string | undefined {
  return settingsOf(resources)["AzureWebJobsStorage__accountName"];
}

function siteOf(resources: readonly PredictedResource[]): PredictedResource {
  const [site] = ofType(resources, "Microsoft.Web/sites");
  if (site === undefined) throw new TypeError("there is no function app");
  return site;
}

type Part = keyof typeof permissions;

function actions(...parts: readonly Part[]): string[] {
  return parts.flatMap((part) => permissions[part].map(({ action }) => action));
}

/** What the custom roles in a subscription allow, by their part. */
function actionsIn(
  resources: readonly PredictedResource[],
  subscriptionId: string,
): Record<string, unknown> {
  return Object.fromEntries(
    rolesIn(resources, subscriptionId).map(({ part, allowed }) => [part, allowed]),
  );
}

function rolesIn(
  resources: readonly PredictedResource[],
  subscriptionId: string,
): readonly { id: string; part: string; allowed: unknown }[] {
  return ofType(resources, "roleDefinitions")
    .filter(({ id }) => id.startsWith(`/subscriptions/${subscriptionId}/`))
    .map(({ id, properties }) => {
      const { roleName, permissions: allowed } = properties as {
        roleName: string;
        permissions: readonly { actions: unknown }[];
      };
      return { id, part: roleName.split(" ")[1] ?? "", allowed: allowed[0]?.actions };
    });
}

/** Where each custom role of a subscription is assigned. */
function placesOf(resources: readonly PredictedResource[], subscriptionId: string): string[] {
  const subscription = `/subscriptions/${subscriptionId}`;
  return rolesIn(resources, subscriptionId)
    .flatMap(({ id, part }) =>
      ofType(resources, "roleAssignments")
        .filter(({ properties }) => properties["roleDefinitionId"] === id)
        .map(
          (assignment) =>
            `${part} in ${scopeOf(assignment).replace(subscription, "").slice(1) || "the subscription"}`,
        ),
    )
    .sort();
}

/** GitHub's anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/gu, "")
    .replaceAll(/\s/gu, "-");
}
