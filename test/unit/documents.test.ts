import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createNoopMeter, type MetricOptions } from "@opentelemetry/api";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { HOST_SETTINGS, SETTINGS, type Setting } from "../../src/config/settings.js";
import permissions from "../../infra/permissions.json" with { type: "json" };
import {
  FOREIGN_WORDS,
  type ForeignWord,
  type Tool,
} from "../../src/http/contract/foreign-words.js";
import { isSufficient, ROLES } from "../../src/authorization/roles.js";
import { PROBLEMS } from "../../src/http/problem.js";
import { KINDS } from "../../src/kinds.js";
import { CONDITIONS } from "../../src/conditions/conditions.js";
import { isFinalState, type State } from "../../src/operation/states.js";
import { ALL_RULES } from "../../src/image-version/rules/rules.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { assignmentsOn, ofType, readTemplate, type Template } from "../support/template.js";
import { dataOf, messagesOf, type Schema } from "./events/document.js";
import { content, document, documentedOperations } from "./http/contract/document.js";

const COSTS = section("costs", "table");
const RULES = section("rules", "table");
const STATE_DIAGRAM = section("states", "diagram");
const EVENT_TABLE = section("events", "table");
const ERROR_TABLE = section("errors", "table");
const CONDITION_TABLE = section("conditions", "table");
const OPERATION_TABLES = section("operations", "tables", "these");
const SETTING_TABLES = section("settings", "tables", "these");
const PERMISSION_TABLE = section("permissions", "table");
const OWN_SERVICE_TABLE = section("services", "table");
const RIGHTS_TABLE = section("rights", "table");
const CALLER_TABLE = section("callers", "table");
const METRIC_TABLE = section("metrics", "table");
const NAME_TABLES = section("names", "tables", "these");

/** What stands between two marks, the first of which says what writes it. */
function section(name: string, what: string, which = "this"): RegExp {
  return new RegExp(
    `(<!-- ${name}: \`npm run readme\` writes ${which} ${what} -->\\n)[^]*?(<!-- /${name} -->)`,
    "u",
  );
}

function costsTable(): string {
  return execFileSync(process.execPath, ["infra/costs.mjs"], {
    encoding: "utf8",
  }).trimEnd();
}

function rulesTable(): string {
  return [
    "| rule | code | severity | what holds |",
    "| --- | --- | --- | --- |",
    ...ALL_RULES.map(
      ({ name, code, severity, summary }) => `| ${name} | \`${code}\` | ${severity} | ${summary} |`,
    ),
  ].join("\n");
}

function stateDiagram(): string {
  // Several kinds share one machine.
  const machines = new Set<Readonly<Record<string, State<string>>>>(
    Object.values(KINDS).map(({ states }) => states),
  );
  const transitions = [...machines].flatMap((states) =>
    Object.entries(states).flatMap(([from, state]) =>
      Object.entries(isFinalState(state) ? {} : state.next).map(
        ([to, when]) => `${from} --> ${to}: ${when}`,
      ),
    ),
  );
  return ["```mermaid", "stateDiagram-v2", ...transitions, "```"].join("\n");
}

function settingTables(): string {
  const groups: readonly Setting[] = Object.values(SETTINGS).flatMap((group) =>
    Object.values<Setting>(group),
  );
  return [
    "| setting | default | meaning |",
    "| --- | --- | --- |",
    ...groups.map((setting) => {
      const { name, otherwise, meaning } = setting;
      const value = setting.default ? `\`${setting.default}\`` : "";
      const given = setting.required === undefined ? value : "needed";
      return `| \`${name}\` | ${otherwise ?? given} | ${meaning} |`;
    }),
    "",
    "The host reads these of a deployment, so that its triggers reach the same services:",
    "",
    "| setting | meaning |",
    "| --- | --- |",
    ...HOST_SETTINGS.map(({ name, meaning }) => `| \`${name}\` | ${meaning} |`),
  ].join("\n");
}

function errorTable(): string {
  return [
    "| code | HTTP status | title |",
    "| --- | --- | --- |",
    ...Object.entries(PROBLEMS).map(
      ([code, [status, title]]) => `| \`${code}\` | ${status} | ${title} |`,
    ),
  ].join("\n");
}

function conditionTable(): string {
  return [
    "| condition | what it says | what to do |",
    "| --- | --- | --- |",
    ...Object.entries(CONDITIONS).map(
      ([type, { sentence, whatToDo }]) => `| \`${type}\` | ${sentence}. | ${whatToDo} |`,
    ),
  ].join("\n");
}

/** Each is measured once: what is given with it is its attributes. */
function metricTable(): string {
  const rows = new Map<string, readonly string[]>();
  const instrument = (name: string, { unit = "", description = "" }: MetricOptions = {}) => {
    const note = (_: number, attributes: object = {}): void => {
      const by = Object.keys(attributes).map((key) => `\`${key}\``);
      rows.set(name, [`\`${name}\``, `\`${unit}\``, by.join(", "), description]);
    };
    return { add: note, record: note };
  };
  const metrics = createMetrics({
    ...createNoopMeter(),
    createCounter: instrument,
    createGauge: instrument,
    createHistogram: instrument,
  });
  metrics.accepted("");
  metrics.rejected("", "http");
  metrics.failed("");
  metrics.regionReady("", 1);
  metrics.regionFailed("");
  metrics.unpublished(1);
  metrics.oldestOpen(1);
  metrics.armQuota({ limit: "", subscriptionId: "", remaining: 1 });
  metrics.deadLetters("", 1, 1);
  return [
    "| metric | unit | by | what |",
    "| --- | --- | --- | --- |",
    ...[...rows.values()].map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

function eventTable(): string {
  return [
    "| `type` | when | `data` besides `operationId` |",
    "| --- | --- | --- |",
    ...messagesOf("imageVersionEvents").map(
      ([, { title, summary, schema }]) =>
        `| \`${title}\` | ${summary} | ${dataIn(schema).join(", ")} |`,
    ),
  ].join("\n");
}

/** Members of an event's `data`; in brackets those that may be absent. */
function dataIn(schema: Schema): readonly string[] {
  const { required = [], properties = {} } = dataOf(schema);
  return Object.keys(properties)
    .filter((name) => name !== "operationId")
    .map((name) => (required.includes(name) ? `\`${name}\`` : `(\`${name}\`)`));
}

function operationTables(): string {
  const operations = documentedOperations();
  return (content.tags ?? [])
    .flatMap(({ name, description = "" }) => [
      `## ${name}`,
      "",
      `${description}.`,
      "",
      "| operation | request | what it does | role |",
      "| --- | --- | --- | --- |",
      ...operations
        .filter(({ operation }) => operation.tags?.includes(name))
        .map(({ method, template, operation }) => {
          const { operationId, summary = "" } = operation;
          const role = document.operation(operationId).requiredRole;
          return `| \`${operationId}\` | \`${method.toUpperCase()} ${template}\` | ${summary} | ${role === undefined ? "none: no token" : `\`${role}\``} |`;
        }),
      "",
    ])
    .join("\n")
    .trimEnd();
}

/** Parts are those of infra/modules/image-publishing.bicep, image-consumers.bicep, key-vaults.bicep and test-machines.bicep. */
function permissionTable(): string {
  const where: Readonly<Record<string, string>> = {
    galleries: "galleries",
    sources: "sources",
    subscription: "the subscription",
    preparation: "the subscription, with `registers`",
    consumers: "`consumerSubscriptions`, and the subscription with them",
    keys: "`keyVaultResourceGroups`",
    capture: "`captureResourceGroup`",
    capturedDisks: "sources, with `captureResourceGroup`",
    testProfiles: "the subscription, by the identity of tests",
    testMachines: "`testResourceGroups`, by the identity of tests",
    testMachineLinks: "the subscription, by the identity of tests",
    testSubnets: "`testSubnets`, by the identity of tests",
  };
  return [
    "| action | in | asked |",
    "| --- | --- | --- |",
    ...Object.entries(permissions).flatMap(([part, listed]) =>
      listed.map((permission) => {
        const asked = "source" in permission ? `[linked](${permission.source})` : permission.asked;
        return `| \`${permission.action}\` | ${where[part] ?? `sources, with \`${part}\``} | ${asked} |`;
      }),
    ),
  ].join("\n");
}

const CONNECTIONS =
  "https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity";
const SCALING = "https://github.com/MicrosoftDocs/azure-docs/pull/128626";
const TELEMETRY = "https://learn.microsoft.com/azure/azure-monitor/app/azure-ad-authentication";

/** What asks for a role that the template gives Sigil's identity on a service of its own. */
const ASKED_BY: Readonly<Record<string, string>> = {
  "Storage Table Data Contributor": "state: recorded in the tests",
  "Storage Blob Data Owner": `the Functions host: leases, timers, keys ([identity-based connections](${CONNECTIONS}))`,
  "Storage Blob Data Contributor": "Flex Consumption: the package",
  "Azure Service Bus Data Owner": `receiving and sending: recorded in the tests; Manage, for a queue's length: the scale controller, with the app's identity ([Microsoft](${SCALING}))`,
  "Azure Service Bus Data Receiver":
    "receiving: recorded in the tests; without Manage instances may start late",
  "Azure Service Bus Data Sender": "sending: recorded in the tests",
  "Monitoring Metrics Publisher": `telemetry ([Entra ID authentication](${TELEMETRY}))`,
};

/** What infra/template.json gives Sigil's identity within its own resource group. */
function ownServiceTable(): string {
  const { plain, full } = readTemplate();
  const placesOf = (resources: Template["plain"], role: string): string =>
    assignmentsOn(resources, /\/resourceGroups\/sigil\/providers\//u)
      .filter((one) => one.endsWith(`: ${role}`))
      .map((one) => {
        const [place = ""] = one.split(":");
        if (place === "storageAccounts")
          return `${/Table|Blob/u.exec(role)?.[0].toLowerCase()}s of the storage account`;
        return place === "components" ? "Application Insights" : `\`${place}\``;
      })
      .join(", ");
  const given = [...plain, ...full].flatMap((one) =>
    assignmentsOn([one], /\/resourceGroups\/sigil\/providers\//u),
  );
  const roles = new Set(
    given.map((one) => one.split(": ")[1] ?? "").filter((role) => !role.includes(" to ")),
  );
  return [
    "| role | on | with `scaleByQueueLength: false` | asked by |",
    "| --- | --- | --- | --- |",
    ...[...roles].map((role) => {
      const [usual, otherwise] = [placesOf(plain, role), placesOf(full, role)];
      return `| ${role} | ${usual} | ${usual === otherwise ? "the same" : otherwise || "nothing"} | ${ASKED_BY[role] ?? fail(role)} |`;
    }),
  ].join("\n");
}

function fail(role: string): never {
  throw new Error(`Nothing is known to ask for ${role}.`);
}

/** Where the template gives each custom role, by the word in its name. */
const GIVEN_IN: Readonly<Record<string, string>> = {
  galleries: "`galleryResourceGroups`, or the subscription",
  sources:
    "`sourceResourceGroups`, or the subscription; each change with its kind in `sources`, or with `captureResourceGroup`",
  subscription: "the subscription",
  consumers: "`consumerSubscriptions`, and the subscription with them",
  keys: "`keyVaultResourceGroups`",
  capture: "`captureResourceGroup`",
  testMachines: "`testResourceGroups`",
  testReads: "the subscription, with `testResourceGroups`",
  testSubnets: "`testSubnets`",
};

/** What the custom roles of infra/template.json let each identity do, whatever the parameters are. */
function rightsTable(): string {
  const { plain, full } = readTemplate();
  const rights = new Map<string, Set<string>>();
  for (const resources of [plain, full])
    for (const { id, properties } of ofType(resources, "roleDefinitions")) {
      const { roleName, permissions: allowed } = properties as unknown as {
        roleName: string;
        permissions: readonly { readonly actions: readonly string[] }[];
      };
      const [, part = ""] = roleName.split(" ");
      const principals = ofType(resources, "roleAssignments")
        .filter((one) => one.properties["roleDefinitionId"] === id)
        .map(({ properties: { principalId } }) => String(principalId));
      for (const principal of principals) {
        const who = principal.includes("-tests'") ? "the identity of tests" : "Sigil's identity";
        const key = `| ${who} | ${GIVEN_IN[part] ?? fail(roleName)} |`;
        // The template shows some kinds of source; the module takes them all.
        const kinds = part === "sources" ? [...permissions.disk, ...permissions.snapshot] : [];
        const listed = [
          ...allowed.flatMap(({ actions }) => actions),
          ...kinds.map(({ action }) => action),
        ];
        rights.set(key, new Set([...(rights.get(key) ?? []), ...listed]));
      }
    }
  return [
    "| who | in | may change | and read |",
    "| --- | --- | --- | --- |",
    ...[...rights].map(([key, actions]) => {
      const changes = [...actions].filter((action) => !action.endsWith("/read")).sort();
      const names = changes.map((action) => `\`${action.replace("Microsoft.", "")}\``).join(", ");
      return `${key} ${names || "nothing"} | ${actions.size - changes.length} |`;
    }),
  ].join("\n");
}

/** What each role of a caller is needed for, and which others it is enough for. */
function callersTable(): string {
  const needed = documentedOperations().map(({ operation: { operationId } }) => ({
    operationId,
    role: document.operation(operationId).requiredRole,
  }));
  return [
    "| role | is enough for | operations that need it |",
    "| --- | --- | --- |",
    ...ROLES.map((role) => {
      const enough = ROLES.filter((other) => other !== role && isSufficient([role], other));
      const names = needed
        .filter((one) => one.role === role)
        .map((one) => `\`${one.operationId}\``);
      return `| \`${role}\` | ${enough.map((one) => `\`${one}\``).join(", ") || "no other"} | ${names.length > 12 ? names.length : names.join(", ")} |`;
    }),
    `| no token | | ${needed
      .filter(({ role }) => role === undefined)
      .map((one) => `\`${one.operationId}\``)
      .join(", ")} |`,
  ].join("\n");
}

/** One table an object of the body, one row a property of it, one column a tool that has words for it. */
function nameTables(): string {
  const bodies = FOREIGN_WORDS.filter(({ schema }) => schema !== "query");
  return [...new Set(bodies.map(({ schema }) => schema))]
    .flatMap((schema) => {
      const words = bodies.filter((word) => word.schema === schema);
      const tools = [...new Set(words.map(({ tool }) => tool))];
      return [
        `### ${schema}`,
        "",
        `| here and in ARM | ${tools.map((tool) => (tool === "Azure Resource Manager" ? "elsewhere in ARM" : tool)).join(" | ")} |`,
        `| --- |${" --- |".repeat(tools.length)}`,
        ...[...new Set(words.map(({ path }) => path))].map((path) =>
          [
            `| ${path === undefined ? "in the URL" : `\`${path}\``}`,
            ...tools.map((tool) => namesOf(words, tool, path)),
            "",
          ]
            .join(" | ")
            .trimEnd(),
        ),
        "",
      ];
    })
    .join("\n")
    .trimEnd();
}

function namesOf(words: readonly ForeignWord[], tool: Tool, path: string | undefined): string {
  return words
    .filter((word) => word.tool === tool && word.path === path)
    .map(({ word }) => `\`${tool === "az" ? "--" : ""}${word}\``)
    .join(", ");
}

test("every operation is in the tables once", () => {
  const tables = operationTables();
  const operations = documentedOperations();
  expect(operations.length).toBeGreaterThan(20);
  for (const { operation } of operations)
    expect(tables.split(`| \`${operation.operationId}\` |`)).toHaveLength(2);
});

// `vitest -u`, which `npm run readme` is, writes the file where it differs.
test.each([
  ["costs", "docs/explanation/performance.md", COSTS, costsTable],
  ["rules", "docs/reference/rules.md", RULES, rulesTable],
  ["states", "docs/reference/states.md", STATE_DIAGRAM, stateDiagram],
  ["settings", "docs/reference/settings.md", SETTING_TABLES, settingTables],
  ["errors", "docs/reference/errors.md", ERROR_TABLE, errorTable],
  ["events", "docs/reference/events.md", EVENT_TABLE, eventTable],
  ["operations", "docs/reference/api.md", OPERATION_TABLES, operationTables],
  ["permissions", "docs/reference/permissions.md", PERMISSION_TABLE, permissionTable],
  ["own services", "docs/reference/permissions.md", OWN_SERVICE_TABLE, ownServiceTable],
  ["rights", "docs/reference/review.md", RIGHTS_TABLE, rightsTable],
  ["callers", "docs/explanation/security.md", CALLER_TABLE, callersTable],
  ["names", "docs/reference/from-az.md", NAME_TABLES, nameTables],
  ["metrics", "docs/reference/operations.md", METRIC_TABLE, metricTable],
  ["conditions", "docs/reference/conditions.md", CONDITION_TABLE, conditionTable],
] as const)("the %s in %s are those of the code", async (_, file, marks, made) => {
  const text = await readFile(file, "utf8");
  expect(text).toMatch(marks);
  const written = text.replace(marks, (_all, before, after) => `${before}\n${made()}\n\n${after}`);
  const expected = await format(written, {
    ...(await resolveConfig(file)),
    parser: "markdown",
  });
  await expect(expected).toMatchFileSnapshot(`../../${file}`);
});

const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name.replaceAll("\\", "/")}`),
  ...readdirSync("packages")
    .map((name) => `packages/${name}/README.md`)
    .concat("src/cli/README.md", "src/client/README.md")
    .filter((file) => existsSync(file)),
];

test.each(DOCUMENTS)("every link of %s leads somewhere", (file) => {
  const text = readFileSync(file, "utf8");
  for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/gu)) {
    if (/^https?:/u.test(link)) continue;
    const [place = "", heading] = link.split("#");
    const target = place === "" ? file : path.join(path.dirname(file), place);
    expect(existsSync(target), `${link} in ${file}`).toBe(true);
    if (heading !== undefined) expect(anchorsOf(target), `${link} in ${file}`).toContain(heading);
  }
});

test("a test that docs/reference/deployment.md or docs/reference/operations.md names is there", () => {
  for (const file of ["docs/reference/deployment.md", "docs/reference/operations.md"])
    for (const [named] of readFileSync(file, "utf8").matchAll(/\btest\/[\w/-]+\.test\.ts/gu))
      expect(existsSync(named), `${named} in ${file}`).toBe(true);
});

function anchorsOf(file: string): readonly string[] {
  return [...readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gmu)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/gu, "")
      .replace(/\s/gu, "-"),
  );
}

/** Without what is typed and answered, what the code has written, and what is not shown. */
function wordsByHand(file: string): number {
  const text = readFileSync(file, "utf8")
    .replaceAll(/^```[^]*?^```$/gmu, "")
    .replaceAll(/<!-- (\w+): `npm run readme`[^]*?<!-- \/\1 -->/gu, "")
    .replaceAll(/<!--[^]*?-->/gu, "");
  return text.match(/[\p{L}\d][^\s|]*/gu)?.length ?? 0;
}

/** Written by the code from beginning to end. */
const WRITTEN = [
  ...["cli", "dependencies", "refusals"].map((name) => `docs/reference/${name}.md`),
  ...DOCUMENTS.filter((file) => file.startsWith("docs/reference/cli/")),
];
const BY_HAND = DOCUMENTS.filter(
  (file) => (file === "README.md" || file.startsWith("docs/")) && !WRITTEN.includes(file),
);

test("a version that a client waits for costs 3.50 USD a thousand at most", () => {
  const [, cost] = /\*\*(?<cost>[\d.]+)\*\* if a client waits/u.exec(costsTable()) ?? [];
  expect(Number(cost)).toBeLessThanOrEqual(3.5);
});

test("all that is written by hand is 17,500 words at the most, a how-to 400, an explanation 700", () => {
  const words = Object.fromEntries(BY_HAND.map((file) => [file, wordsByHand(file)]));
  const budgetOf = (file: string): number =>
    file.startsWith("docs/how-to/")
      ? 400
      : file === "docs/tutorial.md"
        ? 1_000
        : file === "docs/explanation/decisions.md"
          ? 950
          : file.startsWith("docs/explanation/")
            ? 700
            : Infinity;
  for (const [file, count] of Object.entries(words))
    expect(count, file).toBeLessThanOrEqual(budgetOf(file));
  const total = Object.values(words).reduce((sum, count) => sum + count, 0);
  expect(total).toBeLessThanOrEqual(17_500);
});

test.each(BY_HAND)("a link of %s says what is there, not a file's name", (file) => {
  for (const [, text = ""] of readFileSync(file, "utf8").matchAll(
    /(?<!!)\[([^\]]+)\]\([^)]*\.md(?:#[^)]*)?\)/gu,
  ))
    if (!/SECURITY\.md/u.test(text)) expect(text).not.toMatch(/\.md\b|^here$|^below$/u);
});

test("the README is read in two minutes", () => {
  expect(readFileSync("README.md", "utf8").split("\n").length).toBeLessThan(121);
});
