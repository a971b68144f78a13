/**
 * Idempotency keys: repeating a key with the same request returns the first operation. The key is
 * claimed before the decision. A new operation carries the key, and the delivery of its outbox
 * binds the key to it. Until then it is found by the key it carries.
 */
import { createHash } from "node:crypto";
import { ServiceError } from "../errors.js";
import type { IdempotencyClaim, IdempotencyKeys, StateStore } from "./ports.js";
import {
  operationIdOf,
  type OperationRecord,
  type Requester,
  type TrackedRecord,
} from "./records.js";
import { firstSequenceOf, lastSequenceOf } from "./sequence.js";

interface Claiming {
  readonly idempotencyKeys: IdempotencyKeys;
  readonly store: Pick<StateStore<TrackedRecord>, "read" | "readOperation">;
}

/**
 * The operation that the Idempotency-Key already leads to, if any, and the hashed key for a new
 * one. Throws ServiceError IdempotencyKeyReused if the key was used for another request.
 */
export async function claimKey(
  deps: Claiming,
  {
    idempotencyKey,
    requestedBy,
    event,
  }: {
    readonly idempotencyKey?: string;
    readonly requestedBy: Requester;
    readonly event?: unknown;
  },
  resourceKey: string,
  fingerprint: string,
): Promise<{
  readonly requestKey?: string;
  readonly earlier?: OperationRecord;
}> {
  if (idempotencyKey === undefined) return {};
  // A CloudEvent is identified by source and id, whoever sends it again.
  const requestKey = hashOf(event === undefined ? requestedBy : {}, idempotencyKey);
  const claim = await deps.idempotencyKeys.claim(requestKey, {
    resourceKey,
    fingerprint,
  });
  if (
    claim.resourceKey !== resourceKey ||
    (claim.fingerprint !== fingerprint && claim.legacy !== true)
  )
    throw new ServiceError(
      "IdempotencyKeyReused",
      "This Idempotency-Key was used for another request. Use a new key for a new request.",
    );
  // No request used the key before it was claimed.
  if (claim.isNew === true) return { requestKey };
  const earlier =
    claim.operationId === undefined
      ? await requestedWith(deps, resourceKey, requestKey, claim)
      : (await deps.store.readOperation(claim.operationId))?.operation;
  return { requestKey, ...(earlier !== undefined && { earlier }) };
}

function hashOf({ appId, objectId }: Requester, idempotencyKey: string): string {
  return createHash("sha256")
    .update(JSON.stringify([appId, objectId, idempotencyKey]))
    .digest("hex");
}

/**
 * The operation that a request with this key has begun since a time; RFC 3339. Claims nothing, so
 * another host's request may still begin one.
 */
export function operationOfKey(
  deps: Pick<Claiming, "store">,
  asked: {
    readonly resourceKey: string;
    readonly requestedBy: Requester;
    readonly idempotencyKey: string;
    readonly since: string;
  },
): Promise<OperationRecord | undefined> {
  const requestKey = hashOf(asked.requestedBy, asked.idempotencyKey);
  return requestedWith(deps, asked.resourceKey, requestKey, { claimedTime: asked.since });
}

/** Binds a key to an operation of another request. */
export async function bindKey(
  deps: Claiming,
  requestKey: string | undefined,
  operation: OperationRecord,
): Promise<void> {
  if (requestKey !== undefined && operation.requestKey !== requestKey)
    await deps.idempotencyKeys.bind(requestKey, operation.id);
}

/** How many of the latest operations are searched. */
const MOST_OPERATIONS = 100;
/** More than two hosts' clocks can differ, and less than a claim is kept. */
const CLOCKS_APART_MS = 24 * 3_600_000;

async function requestedWith(
  deps: Pick<Claiming, "store">,
  key: string,
  requestKey: string,
  { claimedTime }: Pick<IdempotencyClaim, "claimedTime">,
): Promise<OperationRecord | undefined> {
  // An older operation belongs to an earlier claim of the key, which has expired.
  const sinceMs = claimedTime === undefined ? 0 : Date.parse(claimedTime) - CLOCKS_APART_MS;
  const record = (await deps.store.read(key))?.record;
  if (record === undefined) return undefined;
  const last = lastSequenceOf(record);
  const first = Math.max(firstSequenceOf(record), last - MOST_OPERATIONS + 1);
  for (let sequence = last; sequence >= first; sequence -= 1) {
    const operation = (await deps.store.readOperation(operationIdOf({ key, sequence })))?.operation;
    if (operation === undefined) continue;
    if (Date.parse(operation.createdTime) < sinceMs) return undefined;
    if (operation.requestKey === requestKey) return operation;
  }
  return undefined;
}
