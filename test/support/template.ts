/** What a deployment would make, as infra/template.json has it: infra/main.bicep with the least and with all parameters. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { SUBSCRIPTION, type PredictedResource } from "./bicep.js";

export const OTHER_SUBSCRIPTION = "33333333-3333-3333-3333-333333333333";
export const CONSUMER = "66666666-6666-6666-6666-666666666666";
export const SENDER = "44444444-4444-4444-4444-444444444444";
export const RECEIVER = "55555555-5555-5555-5555-555555555555";

export const AUDIENCE = "param tokenAudience = 'sigil'";
export const PLAIN = `${AUDIENCE}
param galleryPolicy = { kind: 'none' }`;
export const FULL = `
${AUDIENCE}
param privateNetwork = true
param privateApi = true
param allowedAddresses = [ '203.0.113.0/24' ]
param deletionLocks = true
param auditRetentionDays = 365
param siteUpdateStrategy = 'RollingUpdate'
param alwaysReadyHttpInstances = 2
param instanceMemoryMB = 512
param storageRedundancy = 'Standard_GZRS'
param logRetentionDays = 90
param logDailyCapGb = 5
param scaleByQueueLength = false
param zoneRedundant = true
param maximumInstanceCount = 40
param registers = false
param alertEmails = ['night@example.com']
param galleryPolicy = { kind: 'rules', rules: [ { callers: [ { role: 'ImageVersions.Write' } ], galleries: [ { subscriptionId: '*' } ] } ] }
param requestSenders = [ { id: '${SENDER}', type: 'ServicePrincipal' } ]
param rejectedReceivers = [ { id: '${RECEIVER}', type: 'Group' } ]
param eventSubscriptions = [
  { name: 'all', receivers: [] }
  {
    name: 'usable'
    receivers: [ { id: '${RECEIVER}', type: 'ServicePrincipal' } ]
    eventTypes: [ 'Sigil.ImageVersion.RegionCompleted', 'Sigil.ImageVersion.Completed' ]
  }
]
param consumerSubscriptions = [ '${CONSUMER}' ]
param publications = [
  { subscriptionId: '${SUBSCRIPTION}' }
  {
    subscriptionId: '${OTHER_SUBSCRIPTION}'
    galleryResourceGroups: [ 'images', 'images-test' ]
    sourceResourceGroups: [ 'build' ]
    sources: [ 'vhd', 'virtualMachine' ]
    testResourceGroups: [ 'image-tests' ]
    testSubnets: [ '/subscriptions/${OTHER_SUBSCRIPTION}/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/tests/subnets/machines' ]
    keyVaultResourceGroups: [ 'vaults' ]
    captureResourceGroup: 'captures'
  }
]
param settings = { SIGIL_POLL_MAX_SECONDS: '60', SIGIL_TOKEN_AUDIENCE: 'what no parameter may change' }`;

/** Built-in roles, by the end of their id. */
const ROLES: Readonly<Record<string, string>> = {
  "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
  "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
  "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
  "090c5cfd-751d-490a-894a-3ce6f1109419": "Azure Service Bus Data Owner",
  "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": "Azure Service Bus Data Receiver",
  "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Azure Service Bus Data Sender",
  "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
};

/** What infra/template.json says, of the sources whose hash it has. */
export interface Template {
  readonly sources: string;
  readonly plain: readonly PredictedResource[];
  readonly full: readonly PredictedResource[];
}

export function readTemplate(): Template {
  return JSON.parse(readFileSync("infra/template.json", "utf8")) as Template;
}

/** Of all that the template is made of: other line ends are no other source. */
export function hashOfSources(): string {
  const sources = [
    ...readdirSync("infra/modules").map((file) => `infra/modules/${file}`),
    ...["infra/main.bicep", "infra/types.bicep", "infra/permissions.json", "infra/workbook.json"],
    ...["host.json", ".ci/bicep.csproj"],
  ];
  const hash = createHash("sha256").update(PLAIN).update(FULL);
  for (const file of sources.sort())
    hash.update(file).update(readFileSync(file, "utf8").replaceAll("\r\n", "\n"));
  return hash.digest("hex");
}

export function ofType(
  resources: readonly PredictedResource[],
  type: string,
): readonly PredictedResource[] {
  return resources.filter(
    (resource) =>
      resource.type.endsWith(type) || (type.endsWith("/") && resource.type.startsWith(type)),
  );
}

/** "where: role", with "to whom" where that is not Sigil's identity. */
export function assignmentsOn(resources: readonly PredictedResource[], scope: RegExp): string[] {
  return ofType(resources, "roleAssignments")
    .map((assignment) => ({
      ...assignment,
      on: scopeOf(assignment),
    }))
    .filter(({ on }) => scope.test(on))
    .map(({ on, properties }) => {
      const role = String(properties["roleDefinitionId"]).split("/").at(-1);
      const to = String(properties["principalId"]);
      const [type = "", name = ""] = on.split("/").slice(-2);
      return `${/^(?:queues|topics|subscriptions|containers)$/u.test(type) ? name : type}: ${ROLES[role ?? ""]}${to.startsWith("[") ? "" : ` to ${to}`}`;
    })
    .sort();
}

export function scopeOf({ id }: PredictedResource): string {
  // Where the name is Azure's to say: its identity is in it.
  const [, subscription, , group] =
    /^\[(?:subscriptionR|r)esourceId\('([^']+)'(, '([^']+)')?, 'Microsoft\.Authorization/u.exec(
      id,
    ) ?? [];
  if (subscription !== undefined)
    return `/subscriptions/${subscription}${group === undefined ? "" : `/resourceGroups/${group}`}`;
  const [, resource] = /^\[extensionResourceId\('([^']+)'/u.exec(id) ?? [];
  return (resource ?? id).replace(
    /\/providers\/Microsoft\.Authorization\/roleAssignments\/.*$/u,
    "",
  );
}
