/**
 * Accepts a request to create an image version. Invariants:
 *  1. When it answers, the request is stored and its message is on its way, or findable by the reconciler: the row
 *     that the reconciler reads is written before the state, and again with everything else that is told.
 *  2. Requests that mean the same are one operation, however many arrive, wherever they arrive.
 *  3. Nothing is stored for a request that is refused, but a claim of its Idempotency-Key.
 */
import { createHash } from "node:crypto";
import { ServiceError } from "../errors.js";
import { canonicalForm, fingerprintOf } from "./canonical-form.js";
import { openRow, versionScope } from "../operation/catalog.js";
import type { ImageVersionRequest } from "./contract.js";
import { differencesBetween } from "./differences.js";
import { deliver, isStateConflict } from "../operation/outbox.js";
import type { Dependencies, StoredVersion } from "./ports.js";
import {
  operationIdOf,
  type OperationRecord,
  type Requester,
} from "../operation/records.js";
import {
  formatImageVersionId,
  imageIdOf,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import { planImageVersion } from "./plan.js";
import { errorsAmong } from "./preflight.js";
import { checkRequest } from "./rules/rules.js";
import { momentOf } from "../operation/steps.js";
import { accept } from "./transitions.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface CreateImageVersion {
  readonly id: ImageVersionId;
  readonly body: ImageVersionRequest;
  readonly requestedBy: Requester;
  /** W3C trace context that all messages and events of the operation will carry. */
  readonly traceparent: string;
  /** Whoever repeats a key with the same request gets the operation that the first got, whatever became of it. */
  readonly idempotencyKey?: string;
  /** `require`: refuse what a plan finds an error in, before anything is stored. */
  readonly plan?: "require";
}

const COMMIT_TRIES = 10;

/**
 * Answers the operation that does what the command asks. Throws ServiceError InvalidRequest with every finding,
 * PreflightFailed with those of a plan that is
 * required, ImageVersionConflict when the version exists otherwise, IdempotencyKeyReused when the key belongs to another request.
 */
export async function createImageVersion(
  deps: Dependencies,
  command: CreateImageVersion,
): Promise<OperationRecord> {
  const request = canonicalForm(command.body);
  const resourceId = formatImageVersionId(command.id);
  const key = keyOf(resourceId);
  const fingerprint = fingerprintOf(request);

  let passed = false;
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const found = await deps.store.read(key);
    const stored = found && (await deliver(deps, found));
    if (stored !== undefined && stored.record.outbox.length > 0) continue;
    const failed = stored?.record.state === "Failed";
    const next = {
      key,
      sequence:
        (stored?.record.sequence ?? 0) +
        (stored === undefined || failed ? 1 : 0),
    };
    const operationId = operationIdOf(next);
    // Whoever asks again for what is under way or done gets that, even if it could not be begun today.
    if (!passed && (failed || stored?.record.fingerprint !== fingerprint)) {
      await mustPass(deps, command, request);
      passed = true;
    }

    const earlier = await claimed(deps, command, key, fingerprint, operationId);
    if (earlier !== undefined) return earlier;

    if (stored !== undefined && !failed) {
      if (stored.record.fingerprint === fingerprint) return stored.operation;
      throw await conflict(deps, command, stored, request);
    }
    await deps.index.put([openRow(operationId)]); // Invariant 1: before the state.
    const pair = accept(
      {
        key,
        resourceId,
        request,
        fingerprint,
        requestedBy: command.requestedBy,
        traceparent: command.traceparent,
      },
      stored?.record,
      momentOf(deps),
    );
    try {
      const accepted = await deps.store.commit(
        pair.record,
        pair.operation,
        stored?.etag,
      );
      await deliver(deps, accepted);
      return accepted.operation;
    } catch (error) {
      if (!isStateConflict(error)) throw error;
      // Another request for the same version came first: look again, and be it the same or a conflict.
    }
  }
  throw new ServiceError(
    "StateConflict",
    "Many requests for this image version arrived at once. Send it again.",
    {
      retryAfterMs: 1_000,
    },
  );
}

/** Throws when a rule stops the request: those over the request alone, or all that a plan has. */
async function mustPass(
  deps: Dependencies,
  { id, body, plan }: CreateImageVersion,
  request: ImageVersionRequest,
): Promise<void> {
  const findings =
    plan === "require"
      ? (await planImageVersion(deps, { id, body })).findings
      : checkRequest({ id, request, now: deps.now() });
  const { length } = errorsAmong(findings);
  if (length === 0) return;
  const mistakes = `${length} mistake${length === 1 ? "" : "s"}`;
  throw plan === "require"
    ? new ServiceError(
        "PreflightFailed",
        `The plan found ${mistakes}; each is listed under errors. Nothing was stored.`,
        { findings },
      )
    : new ServiceError(
        "InvalidRequest",
        `The request has ${mistakes}; each is listed under errors.`,
        { findings },
      );
}

/** The operation that the command's Idempotency-Key has already led to, if any. */
async function claimed(
  deps: Dependencies,
  command: CreateImageVersion,
  resourceKey: string,
  fingerprint: string,
  operationId: string,
): Promise<OperationRecord | undefined> {
  if (command.idempotencyKey === undefined) return undefined;
  const { appId, objectId } = command.requestedBy;
  const claim = await deps.idempotencyKeys.claim(
    createHash("sha256")
      .update(JSON.stringify([appId, objectId, command.idempotencyKey]))
      .digest("hex"),
    { resourceKey, fingerprint, operationId },
  );
  if (claim.resourceKey !== resourceKey || claim.fingerprint !== fingerprint) {
    throw new ServiceError(
      "IdempotencyKeyReused",
      "This Idempotency-Key was used for another request. Use a new key for a new request.",
    );
  }
  if (claim.operationId === operationId) return undefined;
  const operation = await deps.store.readOperation(claim.operationId);
  return operation?.fingerprint === fingerprint ? operation : undefined;
}

async function conflict(
  deps: Dependencies,
  command: CreateImageVersion,
  stored: StoredVersion,
  request: ImageVersionRequest,
): Promise<ServiceError> {
  const done = stored.record.state === "Succeeded";
  return new ServiceError(
    "ImageVersionConflict",
    `${stored.record.resourceId} ${done ? "exists" : "is being created"} with other properties; errors says which. Send the same request to follow the existing operation, or use another version name.`,
    {
      findings: differencesBetween(stored.record.request, request),
      fields: {
        existingOperationId: stored.operation.id,
        nextFreeVersion: await nextFreeVersion(deps, command.id),
      },
    },
  );
}

/** The next patch above the highest version of the image that Sigil knows of. */
async function nextFreeVersion(
  deps: Dependencies,
  id: ImageVersionId,
): Promise<string> {
  const { rows } = await deps.index.page(versionScope(imageIdOf(id)), 1);
  const highest = (rows[0] && (await deps.store.readOperation(rows[0].target)))
    ?.resourceId;
  const [major, minor, patch] = (highest?.split("/").at(-1) ?? id.versionName)
    .split(".")
    .map(Number);
  return `${major}.${minor}.${(patch ?? 0) + 1}`;
}
