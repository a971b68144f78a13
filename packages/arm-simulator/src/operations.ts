import { randomUUID } from "node:crypto";
import { ArmError } from "./arm-error.js";
import type { OperationRecord } from "./state.js";
import type { Store } from "./store.js";

/*
 * Asynchronous operations: InProgress -> Succeeded | Failed | Canceled, once. The resource ends its
 * operation; this file has the operation's record and its two URLs, Azure-AsyncOperation and
 * Location.
 */

/** After a deletion ARM tells a client to ask again in a minute. */
export const DELETE_RETRY_AFTER_SECONDS = 60;
const ENDED_OPERATIONS_KEPT = 5_000;

export function startOperation(
  store: Store,
  resourceKey: string,
  subscriptionId: string,
): OperationRecord {
  const operation: OperationRecord = {
    id: randomUUID(),
    resourceKey,
    subscriptionId: subscriptionId.toLowerCase(),
    startedAtMs: store.now(),
    status: "InProgress",
  };
  store.state.operations[operation.id] = operation;
  forgetOldest(store);
  return operation;
}

/** Ends an operation; its outcome never changes afterwards. */
export function endOperation(
  operation: OperationRecord | undefined,
  outcome: {
    status: "Succeeded" | "Failed" | "Canceled";
    endedAtMs: number;
    error?: { code: string; message: string };
  },
): void {
  if (operation === undefined || operation.status !== "InProgress") return;
  Object.assign(operation, outcome);
}

export function requireOperation(
  store: Store,
  subscriptionId: string,
  operationId: string,
): OperationRecord {
  const operation = store.state.operations[operationId];
  if (operation?.subscriptionId !== subscriptionId.toLowerCase())
    throw new ArmError(404, "NotFound", `The operation '${operationId}' could not be found.`);
  return operation;
}

/** The body behind Azure-AsyncOperation: `{startTime, endTime?, status, error?, name}`. */
export function operationBody(operation: OperationRecord) {
  return {
    startTime: formatTime(operation.startedAtMs),
    ...(operation.endedAtMs === undefined ? {} : { endTime: formatTime(operation.endedAtMs) }),
    status: operation.status,
    ...(operation.error === undefined ? {} : { error: operation.error }),
    name: operation.id,
  };
}

export function operationUrls(
  baseUrl: string,
  location: string,
  operation: OperationRecord,
  apiVersion: string,
): { asyncOperation: string; location: string } {
  const path = `/subscriptions/${operation.subscriptionId}/providers/Microsoft.Compute/locations/${location}/capsOperations/${operation.id}`;
  const url = `${baseUrl}${path}?api-version=${encodeURIComponent(apiVersion)}`;
  return { asyncOperation: url, location: `${url}&monitor=true` };
}

/** `2018-09-18T19:19:33.6460000+00:00`: Compute gives ticks and an offset, not milliseconds and a Z. */
function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "0000+00:00");
}

function forgetOldest(store: Store): void {
  const ended = Object.values(store.state.operations).filter(
    ({ status }) => status !== "InProgress",
  );
  for (const operation of ended.slice(0, -ENDED_OPERATIONS_KEPT))
    delete store.state.operations[operation.id];
}
