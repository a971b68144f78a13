import { ArmError } from "./arm-error.js";
import { page, type ArmAnswer, type ArmRequest } from "./arm-request.js";
import { answerDeployment } from "./deployment.js";
import {
  answerImageVersion,
  listImageVersions,
  listSoftDeletedVersions,
  purgeSoftDeletedVersion,
} from "./image-version-endpoints.js";
import type { ImageVersions } from "./image-versions.js";
import {
  getAgreement,
  getVirtualNetwork,
  listPermissions,
  listSkus,
  listUsages,
} from "./machine-offers.js";
import { operationBody, operationUrls, requireOperation } from "./operations.js";
import { offeredRegions } from "./regions.js";
import { getFeature, getProvider, registerFeature, registerProvider } from "./registrations.js";
import { answerResource, answerResourceGroup, listResources } from "./resource-endpoints.js";
import { getKey, getVault } from "./key-vault.js";
import { answerRunCommand, retrieveBootDiagnosticsData } from "./machine-endpoints.js";
import { settleMachines } from "./machine-life.js";
import { answerNetworkInterface } from "./network-interface.js";
import { parseComputeId } from "./resource-id.js";
import { queryResources } from "./resource-graph.js";
import { answerSnapshot, settleSnapshots } from "./snapshot.js";
import type { OperationRecord } from "./state.js";
import type { Store } from "./store.js";
import { listTagged } from "./tagged-resources.js";
import { answerVirtualMachine, changePower, generalize } from "./virtual-machine.js";

export interface RouterParts {
  readonly store: Store;
  readonly versions: ImageVersions;
}

const VERSION_TYPE = "galleries/images/versions";
/** What is kept here of Microsoft.Compute. A deletion of anything else must not look like one of nothing (204). */
const KNOWN_TYPES = new Set([
  "diskencryptionsets",
  "disks",
  "galleries",
  "galleries/images",
  VERSION_TYPE,
  "images",
  "snapshots",
  "virtualmachines",
  "virtualmachines/runcommands",
  "virtualmachinescalesets",
]);
const MONITOR_RETRY_AFTER_SECONDS = "10";

type Handler = (
  parts: RouterParts,
  request: ArmRequest,
  names: readonly string[],
) => ArmAnswer | undefined | Promise<ArmAnswer | undefined>;

/** Path patterns, tried in order; a handler gives undefined for a method it does not serve. */
const ROUTES: readonly (readonly [RegExp, Handler])[] = [
  [
    /^\/providers\/Microsoft\.ResourceGraph\/resources$/iu,
    ({ store }, request) => queryResources(store, request),
  ],
  [/^\/tenants$/iu, listTenants],
  [/^\/subscriptions$/iu, listSubscriptions],
  [/^\/subscriptions\/([^/]+)$/iu, getSubscription],
  [/^\/subscriptions\/([^/]+)\/locations$/iu, listLocations],
  [/^\/subscriptions\/([^/]+)\/resourceGroups$/iu, listResourceGroups],
  [
    /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)$/iu,
    ({ store }, request, [subscriptionId = "", name = ""]) =>
      answerResourceGroup(store, subscriptionId, name, request),
  ],
  [
    /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Features\/providers\/([^/]+)\/features\/([^/]+)(\/register)?$/iu,
    answerFeature,
  ],
  [
    /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Compute\/locations\/([^/]+)\/capsOperations\/([^/]+)$/iu,
    answerOperation,
  ],
  [/^\/subscriptions\/([^/]+)\/providers$/iu, listProviders],
  [/^\/subscriptions\/([^/]+)\/providers\/([^/]+)(\/register)?$/iu, answerProvider],
  [
    /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Compute\/skus$/iu,
    reads(({ store }, request, [subscriptionId = ""]) => listSkus(store, subscriptionId, request)),
  ],
  [
    /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Compute\/locations\/([^/]+)\/usages$/iu,
    reads(({ store }, request, [subscriptionId = "", location = ""]) =>
      listUsages(store, subscriptionId, location, request),
    ),
  ],
  [
    /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.MarketplaceOrdering\/offerTypes\/virtualmachine\/publishers\/([^/]+)\/offers\/([^/]+)\/plans\/([^/]+)\/agreements\/current$/iu,
    reads(({ store }, _, [subscriptionId = "", publisher = "", offer = "", plan = ""]) =>
      getAgreement(store, subscriptionId, publisher, offer, plan),
    ),
  ],
  [
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/virtualNetworks\/[^/]+$/iu,
    reads(({ store }, { path }) => getVirtualNetwork(store, path)),
  ],
  [
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+$/iu,
    reads(({ store }, { path }) => getVault(store, path)),
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+)\/keys\/([^/]+)(?:\/versions\/([^/]+))?$/iu,
    reads(({ store }, { path }, names) => getKey(store, path, names)),
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/.+)\/providers\/Microsoft\.Authorization\/permissions$/iu,
    reads(({ store }, request, [scope = ""]) => listPermissions(store, scope, request)),
  ],
  [
    /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Compute\/([^/]+)$/iu,
    ({ store }, request, [subscriptionId = "", type = ""]) => {
      store.subscription(subscriptionId);
      return request.method === "GET"
        ? listResources(store, `/subscriptions/${subscriptionId}`, type, request)
        : undefined;
    },
  ],
  [
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Resources\/deployments\/[^/]+$/iu,
    (parts, request) => answerDeployment(request, (resource) => route(parts, resource)),
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/galleries\/[^/]+)\/softDeletedArtifactTypes\/Images\/artifacts\/([^/]+)\/versions$/iu,
    ({ store, versions }, request, [gallery = "", image = ""]) =>
      request.method === "GET"
        ? listSoftDeletedVersions(versions, store, `${gallery}/images/${image}`, request)
        : undefined,
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/galleries\/[^/]+)\/softDeletedArtifactTypes\/Images\/artifacts\/([^/]+)\/versions\/([^/]+)$/iu,
    ({ store, versions }, { method }, [gallery = "", image = "", version = ""]) =>
      method === "DELETE"
        ? purgeSoftDeletedVersion(versions, store, `${gallery}/images/${image}`, version)
        : undefined,
  ],
  [
    /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/resources$/iu,
    ({ store }, request, [subscriptionId = "", resourceGroup = ""]) =>
      request.method === "GET"
        ? listTagged(store, { subscriptionId, resourceGroup }, request)
        : undefined,
  ],
  [
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/networkInterfaces\/[^/]+$/iu,
    ({ store }, request) => answerNetworkInterface(store, request),
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/virtualMachines\/[^/]+)\/generalize$/iu,
    ({ store }, request, [machine = ""]) =>
      request.method === "POST" ? generalize(store, machine) : undefined,
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/virtualMachines\/[^/]+)\/(deallocate|powerOff|start)$/iu,
    ({ store }, request, [machine = "", asked = ""]) =>
      request.method === "POST" ? changePower(store, machine, asked) : undefined,
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/virtualMachines\/[^/]+)\/retrieveBootDiagnosticsData$/iu,
    ({ store }, request, [machine = ""]) =>
      request.method === "POST" ? retrieveBootDiagnosticsData(store, machine, request) : undefined,
  ],
  [
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/.+)$/iu,
    answerCompute,
  ],
];

/** A handler that only answers GET. */
function reads(
  handler: (parts: RouterParts, request: ArmRequest, names: readonly string[]) => ArmAnswer,
): Handler {
  return (parts, request, names) =>
    request.method === "GET" ? handler(parts, request, names) : undefined;
}

/** Finds the handler of a request; throws ARM's errors for what is not there. */
export async function route(parts: RouterParts, request: ArmRequest): Promise<ArmAnswer> {
  settleMachines(parts.store);
  settleSnapshots(parts.store);
  for (const [pattern, handler] of ROUTES) {
    const match = pattern.exec(request.path);
    if (match === null) continue;
    const answer = await handler(parts, request, match.slice(1));
    if (answer !== undefined) return answer;
    throw new ArmError(
      405,
      "MethodNotAllowed",
      `The request method '${request.method}' is not allowed at '${request.path}'.`,
    );
  }
  throw new ArmError(
    404,
    "InvalidResourceType",
    `The resource type of '${request.path}' could not be found for api version '${request.apiVersion}'.`,
  );
}

function listTenants({ store }: RouterParts, request: ArmRequest): ArmAnswer | undefined {
  if (request.method !== "GET") return undefined;
  const tenants = new Set(Object.values(store.state.subscriptions).map(({ tenantId }) => tenantId));
  return page(
    request,
    [...tenants].map((tenantId) => ({ id: `/tenants/${tenantId}`, tenantId })),
  );
}

function listSubscriptions({ store }: RouterParts, request: ArmRequest): ArmAnswer | undefined {
  if (request.method !== "GET") return undefined;
  return page(request, Object.values(store.state.subscriptions).map(renderSubscription));
}

function getSubscription(
  { store }: RouterParts,
  { method }: ArmRequest,
  [subscriptionId = ""]: readonly string[],
): ArmAnswer | undefined {
  const subscription = store.subscription(subscriptionId);
  return method === "GET" ? { status: 200, body: renderSubscription(subscription) } : undefined;
}

function renderSubscription(subscription: {
  subscriptionId: string;
  tenantId: string;
  displayName: string;
}) {
  const { subscriptionId, tenantId, displayName } = subscription;
  return {
    id: `/subscriptions/${subscriptionId}`,
    subscriptionId,
    tenantId,
    displayName,
    state: "Enabled",
    authorizationSource: "RoleBased",
  };
}

function listLocations(
  { store }: RouterParts,
  request: ArmRequest,
  [subscriptionId = ""]: readonly string[],
): ArmAnswer | undefined {
  const subscription = store.subscription(subscriptionId);
  if (request.method !== "GET") return undefined;
  return page(
    request,
    offeredRegions(subscription).map(({ name, displayName, zones }) => ({
      id: `/subscriptions/${subscriptionId}/locations/${name}`,
      name,
      type: "Region",
      displayName,
      regionalDisplayName: displayName,
      ...(zones
        ? {
            availabilityZoneMappings: ["1", "2", "3"].map((zone) => ({
              logicalZone: zone,
              physicalZone: `${name}-az${zone}`,
            })),
          }
        : {}),
      metadata: { regionType: "Physical", regionCategory: "Recommended" },
    })),
  );
}

function listResourceGroups(
  { store }: RouterParts,
  request: ArmRequest,
  [subscriptionId = ""]: readonly string[],
): ArmAnswer | undefined {
  store.subscription(subscriptionId);
  if (request.method !== "GET") return undefined;
  const prefix = `/subscriptions/${subscriptionId}/resourcegroups/`.toLowerCase();
  return page(
    request,
    Object.entries(store.state.resources)
      .filter(([key]) => key.startsWith(prefix) && !key.slice(prefix.length).includes("/"))
      .map(([, group]) => group),
  );
}

function listProviders(
  { store }: RouterParts,
  request: ArmRequest,
  [subscriptionId = ""]: readonly string[],
): ArmAnswer | undefined {
  const { providers } = store.subscription(subscriptionId);
  return request.method === "GET"
    ? page(
        request,
        Object.keys(providers).map((namespace) => getProvider(store, subscriptionId, namespace)),
      )
    : undefined;
}

async function answerProvider(
  { store }: RouterParts,
  { method }: ArmRequest,
  [subscriptionId = "", namespace = "", register]: readonly (string | undefined)[],
): Promise<ArmAnswer | undefined> {
  if (method !== (register === undefined ? "GET" : "POST")) return undefined;
  return {
    status: 200,
    body:
      register === undefined
        ? getProvider(store, subscriptionId, namespace)
        : await registerProvider(store, subscriptionId, namespace),
  };
}

async function answerFeature(
  { store }: RouterParts,
  { method }: ArmRequest,
  [subscriptionId = "", namespace = "", feature = "", register]: readonly (string | undefined)[],
): Promise<ArmAnswer | undefined> {
  if (method !== (register === undefined ? "GET" : "POST")) return undefined;
  return {
    status: 200,
    body:
      register === undefined
        ? getFeature(store, subscriptionId, namespace, feature)
        : await registerFeature(store, subscriptionId, namespace, feature),
  };
}

function answerOperation(
  { store, versions }: RouterParts,
  request: ArmRequest,
  [subscriptionId = "", location = "", id = ""]: readonly string[],
): ArmAnswer | undefined {
  if (request.method !== "GET") return undefined;
  const operation = requireOperation(store, subscriptionId, id);
  // The resource moves its operation on: bring it up to the present first.
  versions.find(operation.resourceKey);
  return request.query.get("monitor") === "true"
    ? monitorAnswer(operation, location, request)
    : { status: 200, body: operationBody(operation) };
}

/** The Location URL: 202 while it runs, then the outcome itself. */
function monitorAnswer(
  operation: OperationRecord,
  location: string,
  request: ArmRequest,
): ArmAnswer {
  switch (operation.status) {
    case "InProgress":
      return {
        status: 202,
        headers: {
          Location: operationUrls(request.baseUrl, location, operation, request.apiVersion)
            .location,
          "Retry-After": MONITOR_RETRY_AFTER_SECONDS,
        },
      };
    case "Succeeded":
      return { status: 200 };
    case "Failed":
    case "Canceled":
      throw new ArmError(
        409,
        operation.error?.code ?? operation.status,
        operation.error?.message ?? "The operation did not succeed.",
      );
  }
}

async function answerCompute(
  { store, versions }: RouterParts,
  request: ArmRequest,
  [path = ""]: readonly string[],
): Promise<ArmAnswer | undefined> {
  const id = parseComputeId(path);
  // An odd number of segments: a list. Any name completes it to an id whose parts can be read.
  const list = id ?? parseComputeId(`${path}/x`);
  if (list !== undefined && !KNOWN_TYPES.has(list.type.toLowerCase()))
    throw new ArmError(
      404,
      "InvalidResourceType",
      `The resource type '${list.type}' could not be found in the namespace 'Microsoft.Compute' for api version '${request.apiVersion}'.`,
    );
  if (id !== undefined)
    switch (id.type.toLowerCase()) {
      case VERSION_TYPE:
        return await answerImageVersion(versions, store, id, request);
      case "snapshots":
        return await answerSnapshot(store, id, request);
      case "virtualmachines":
        return await answerVirtualMachine(store, versions, id, request);
      case "virtualmachines/runcommands":
        return await answerRunCommand(store, id, request);
      default:
        // A version that has ended by now holds up no deletion.
        if (request.method === "DELETE") versions.settleAll();
        return await answerResource(store, id, request);
    }

  if (list === undefined || request.method !== "GET") return undefined;
  store.requireResourceGroup(list);
  if (list.type.toLowerCase() === VERSION_TYPE)
    return listImageVersions(versions, store, list, request);
  const parent = path.split("/").slice(0, -1).join("/");
  if (list.names.length > 1) store.requireResource(parent);
  return listResources(
    store,
    parent.replace(/\/providers\/Microsoft\.Compute$/iu, ""),
    list.type,
    request,
  );
}
