import { ArmError, propertyChangeNotAllowed } from "./arm-error.js";
import type { ArmAnswer, ArmRequest } from "./arm-request.js";
import { isObject } from "./json-shape.js";
import { endOperation, operationUrls, startOperation } from "./operations.js";
import { canonicalRegion } from "./regions.js";
import { answerResource } from "./resource-endpoints.js";
import { resourceKey, type ComputeResourceId } from "./resource-id.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

/*
 * A snapshot that is copied from a disk takes time, by the clock:
 *
 *     PUT -> Updating -ready time-> Succeeded | Failed
 *
 * The time is 0 unless set (`setSnapshots`): then it is ready when its PUT is answered. A PUT of an
 * existing one changes its tags, and not its source. Documented: only a CopyStart has
 * `completionPercent`, so a Copy never shows it. Guessed: the state during the copy, the message of
 * a failure, and code and message of a refusal for its quota.
 */

const FAILURE = {
  code: "InternalExecutionError",
  message: "An internal execution error occurred. Please retry later.",
};

/** A snapshot; undefined for a method that it has not. */
export async function answerSnapshot(
  store: Store,
  id: ComputeResourceId,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  const { method } = request;
  if (method !== "PUT" && method !== "PATCH") return await answerResource(store, id, request);
  const before = store.findResource(store.canonicalId(id));
  if (method === "PATCH" || before !== undefined) {
    requireSameSource(before, request.body);
    const answer = await answerResource(store, id, request);
    return answer && { ...answer, body: await settled(store, id) };
  }
  requireQuota(store, id, request.body);
  const answer = await answerResource(store, id, request);
  const operation = beginCopy(store, store.requireResource(store.canonicalId(id)));
  if (operation === undefined) return answer;
  const { baseUrl, apiVersion } = request;
  const snapshot = await settled(store, id);
  const urls = operationUrls(baseUrl, snapshot.location ?? "", operation, apiVersion);
  return {
    status: 202,
    body: snapshot,
    headers: { "Azure-AsyncOperation": urls.asyncOperation, Location: urls.location },
  };
}

/** Undefined: it is there at once. */
function beginCopy(store: Store, { id, properties }: ArmResource) {
  const { state } = store;
  const { readyMs = 0, failures = 0 } = state.snapshotBehaviour;
  if (sourceIn(properties) === undefined || (readyMs === 0 && failures === 0)) return undefined;
  const [, , subscriptionId = ""] = id.split("/");
  const operation = startOperation(store, resourceKey(id), subscriptionId);
  state.snapshots[resourceKey(id)] = {
    operationId: operation.id,
    readyAtMs: store.now() + readyMs,
    ...(failures > 0 ? { fails: true as const } : {}),
  };
  state.snapshotBehaviour = { ...state.snapshotBehaviour, failures: Math.max(0, failures - 1) };
  return operation;
}

/** Brings every snapshot up to the present. */
export function settleSnapshots(store: Store): void {
  const { snapshots, resources, operations } = store.state;
  for (const [key, { operationId, readyAtMs, fails }] of Object.entries(snapshots)) {
    const snapshot = resources[key];
    const isOver = readyAtMs <= store.now();
    if (snapshot !== undefined)
      resources[key] = withState(snapshot, !isOver ? "Updating" : fails ? "Failed" : "Succeeded");
    if (snapshot !== undefined && !isOver) continue;
    delete snapshots[key];
    endOperation(operations[operationId], {
      status: snapshot === undefined ? "Canceled" : fails ? "Failed" : "Succeeded",
      endedAtMs: Math.min(readyAtMs, store.now()),
      ...(fails && snapshot !== undefined ? { error: FAILURE } : {}),
    });
  }
}

async function settled(store: Store, id: ComputeResourceId): Promise<ArmResource> {
  settleSnapshots(store);
  await store.commit();
  return store.requireResource(store.canonicalId(id));
}

function withState(snapshot: ArmResource, provisioningState: string): ArmResource {
  return { ...snapshot, properties: { ...snapshot.properties, provisioningState } };
}

function requireSameSource(before: ArmResource | undefined, body: unknown): void {
  const is = sourceIn(before?.properties);
  const asked = sourceIn(isObject(body) ? body["properties"] : undefined);
  if (is !== undefined && asked !== undefined && resourceKey(is) !== resourceKey(asked))
    throw propertyChangeNotAllowed("creationData.sourceResourceId");
}

function requireQuota(store: Store, { subscriptionId }: ComputeResourceId, body: unknown): void {
  const { limit } = store.state.snapshotBehaviour;
  if (limit === undefined) return;
  const location = canonicalRegion(isObject(body) ? String(body["location"]) : "");
  const used = store
    .listResources(`/subscriptions/${subscriptionId}`, "snapshots")
    .filter((one) => one.location === location).length;
  if (used >= limit)
    throw new ArmError(
      409,
      "OperationNotAllowed",
      `Operation could not be completed as it results in exceeding approved Snapshots quota. Additional details - Deployment Model: Resource Manager, Location: ${location}, Current Limit: ${limit}, Current Usage: ${used}, Additional Required: 1, (Minimum) New Limit Required: ${used + 1}. Please read more about quota limits at https://aka.ms/ProdportalCRP.`,
    );
}

function sourceIn(properties: unknown): string | undefined {
  const data = isObject(properties) ? properties["creationData"] : undefined;
  const id = isObject(data) ? data["sourceResourceId"] : undefined;
  return typeof id === "string" ? id : undefined;
}
