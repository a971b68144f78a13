/**
 * Accepts a batch, and its confirmation. Invariants:
 *  1. The same caller's same Idempotency-Key leads to the same batch as long as it is kept.
 *  2. What is confirmed is what was planned: a confirmation starts that, and plans nothing.
 */
import { createHash, randomUUID } from "node:crypto";
import { BATCH_EVENT } from "../events/batch-events.js";
import { ServiceError } from "../errors.js";
import { omit } from "../objects.js";
import { acceptOperation } from "../operation/accepting.js";
import { advance, event } from "../operation/advance.js";
import { indexed } from "../operation/catalog.js";
import { bindKey, claimKey } from "../operation/idempotency.js";
import { deliver } from "../operation/outbox.js";
import {
  newRecord,
  operationIdOf,
  recordKeyOf,
  type OperationRecord,
  type Requester,
} from "../operation/records.js";
import { nextSequence } from "../operation/sequence.js";
import { commit, contextOf } from "../operation/steps.js";
import { keyOf } from "../resource-id.js";
import type { BatchDependencies } from "./ports.js";
import {
  batchOf,
  countsOf,
  type BatchDetail,
  type BatchItem,
  type BatchPair,
  type BatchRecord,
  type StoredBatch,
} from "./record.js";

type Tracking = Pick<BatchDependencies, "operations">;

export interface CreateBatch extends Pick<
  BatchRecord,
  "command" | "body" | "query" | "atOnce" | "onFailure" | "confirm" | "dryRun" | "caller"
> {
  readonly items: readonly Pick<BatchItem, "id" | "body" | "query" | "ifMatch" | "stage">[];
  readonly requestedBy: Requester;
  readonly traceparent: string;
  readonly idempotencyKey?: string;
}

/** Throws ServiceError IdempotencyKeyReused. */
export async function createBatch(
  { operations }: Tracking,
  request: CreateBatch,
): Promise<OperationRecord> {
  const { items, requestedBy, traceparent, caller } = request;
  const asked = omit(
    request,
    ...(["items", "requestedBy", "traceparent", "idempotencyKey", "caller"] as const),
  );
  const resourceId = `/batches/${nameOf(request)}`;
  const key = keyOf(resourceId);
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([asked, items]))
    .digest("hex");
  const { requestKey, earlier } = await claimKey(operations, request, key, fingerprint);
  if (earlier !== undefined) return earlier;
  const operation = await acceptOperation(operations, key, (stored) => {
    if (stored !== undefined) return sameBatch(stored, fingerprint); // Invariant 1.
    const context = contextOf(operations);
    const time = context.now.toISOString();
    const sequence = nextSequence(undefined, context.now);
    const listed = items.map((item): BatchItem => ({ ...item, state: "Listed" }));
    const record: BatchRecord = {
      ...newRecord({ key, resourceId, sequence, state: "BatchRequested" as const }, time),
      ...asked,
      items: listed,
      caller,
    };
    const detail: BatchDetail = {
      command: asked.command,
      atOnce: asked.atOnce,
      onFailure: asked.onFailure,
      ...(asked.dryRun && { dryRun: true }),
      counts: countsOf(listed),
      items: [],
    };
    const begun: OperationRecord = {
      id: operationIdOf(record),
      kind: "RunBatch",
      status: "NotStarted",
      ...{ resourceId, fingerprint, requestedBy, traceparent, detail },
      ...(requestKey !== undefined && { requestKey }),
      createdTime: time,
      lastUpdatedTime: time,
      regions: [],
      history: [],
    };
    const { command, counts } = detail;
    return advance({ record, operation: begun }, context, {
      patch: { state: "BatchRequested" },
      message: `The request is stored: ${items.length} items.`,
      effects: [
        indexed(begun, context),
        ...(asked.dryRun
          ? []
          : [
              event(begun, context, BATCH_EVENT.accepted, "accepted", {
                ...{ requestedBy, command, counts },
              }),
            ]),
      ],
    });
  });
  await bindKey(operations, requestKey, operation);
  return operation;
}

function nameOf({ idempotencyKey, requestedBy: { appId, objectId } }: CreateBatch): string {
  if (idempotencyKey === undefined) return randomUUID();
  return createHash("sha256")
    .update(JSON.stringify(["batch", appId, objectId, idempotencyKey]))
    .digest("hex")
    .slice(0, 32);
}

function sameBatch({ operation }: StoredBatch, fingerprint: string): OperationRecord {
  if (operation.fingerprint === fingerprint) return operation;
  throw new ServiceError(
    "IdempotencyKeyReused",
    `This Idempotency-Key was used for batch ${operation.id}, which is another request. Use a new key for a new request.`,
  );
}

const COMMIT_TRIES = 10;

/**
 * Starts the planned batch; repeated, it changes nothing. Throws ServiceError NotFound, and
 * BatchNotPlanned before it is planned, or if it ended unconfirmed.
 */
export async function confirmBatch(
  { operations }: Tracking,
  operationId: string,
  confirmedBy: Requester,
): Promise<OperationRecord> {
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const stored = await readBatch({ operations }, operationId);
    const { record, operation } = stored;
    if (batchOf(operation).confirmedBy !== undefined) return operation;
    if (record.state !== "Planned") throw notPlanned(stored);
    const next: BatchPair = advance(stored, contextOf(operations), {
      patch: { state: "RunningBatch", ticks: 0 },
      operation: { detail: { ...batchOf(operation), confirmedBy } },
      message: "The batch is confirmed.",
      waitMs: 0,
    });
    try {
      const told = await deliver(operations, await commit(operations, next, stored));
      return told.operation;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== "StateConflict") throw error;
    }
  }
  throw new ServiceError("StateConflict", `Operation ${operationId} kept changing. Try again.`, {
    retryAfterMs: 1_000,
  });
}

function notPlanned({ record, operation }: StoredBatch): ServiceError {
  const { id, status, endTime } = operation;
  return new ServiceError(
    "BatchNotPlanned",
    endTime !== undefined
      ? `Operation ${id} ended ${status}, so there is nothing to confirm. Send the batch again.`
      : record.confirm
        ? `Operation ${id} is still being planned. Confirm it when its state is Planned.`
        : `Operation ${id} was requested without confirm, so it is running already.`,
  );
}

/** The ids of what an operation changes: for a batch those of its items. */
export async function resourcesOf(
  deps: Tracking,
  { id, kind, resourceId }: OperationRecord,
): Promise<readonly string[]> {
  if (kind !== "RunBatch") return [resourceId];
  return (await readBatch(deps, id)).record.items.map((item) => item.id);
}

/** The batch of an operation. Throws ServiceError NotFound. */
export async function readBatch(
  { operations }: Tracking,
  operationId: string,
): Promise<StoredBatch> {
  const stored = await operations.store.read(recordKeyOf(operationId) ?? "");
  if (stored?.operation.id !== operationId || stored.operation.kind !== "RunBatch")
    throw new ServiceError("NotFound", `There is no batch ${operationId}.`);
  return stored;
}
