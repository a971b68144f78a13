/**
 * Accepts a request for an image version as it shall be: to be created, or to be changed. Invariants, beside those of
 * every acceptance (operation/accepting.ts):
 *  1. Requests that mean the same are one operation, however many arrive, wherever they arrive.
 *  2. Nothing is stored for a request that is refused, but a claim of its Idempotency-Key.
 */
import { createHash } from "node:crypto";
import { ServiceError } from "../errors.js";
import { canonicalForm, fingerprintOf } from "./canonical-form.js";
import { acceptOperation } from "../operation/accepting.js";
import type { ImageVersionRequest } from "./contract.js";
import { isFinal } from "../operation/states.js";
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
import { knownNumbers } from "./known-numbers.js";
import { acceptWaiting } from "./joining.js";
import { baseOf, doing, knownOf } from "./known.js";
import { governed } from "./promotion.js";
import { contradictions } from "./merging.js";
import { planImageVersion } from "./plan.js";
import { errorsAmong } from "./preflight.js";
import { checkChange, checkRequest } from "./rules/rules.js";
import { momentOf } from "../operation/steps.js";
import { accept, type Asked } from "./transitions.js";
import { nextVersionNumber } from "./version-numbers.js";

/** More than fifty callers of one version are told to come again later. */
const MOST_WAITING = 50;

/** With those that are done together, which may have to wait again: Table Storage writes 100 entities at once. */
const MOST_BESIDE = 90;

/** Characters of the bodies that wait: with the version's own, less than an entity's 1 MiB, however little they compress. */
const MOST_WAITING_LENGTH = 600_000;

/** A request whose shape has been validated against the OpenAPI document. */
export interface PutImageVersion {
  readonly id: ImageVersionId;
  readonly body: ImageVersionRequest;
  readonly requestedBy: Requester;
  /** W3C trace context that all messages and events of the operation will carry. */
  readonly traceparent: string;
  /** Whoever repeats a key with the same request gets the operation that the first got, whatever became of it. */
  readonly idempotencyKey?: string;
  /** True where regions that the body leaves out are to be removed. */
  readonly allowRegionRemoval?: boolean;
  /** `require`: refuse what a plan finds an error in, before anything is stored. */
  readonly plan?: "require";
}

/**
 * Answers the operation that does what the command asks. Throws ServiceError InvalidRequest with every finding,
 * PreflightFailed with those of a plan that is required, ImageVersionConflict where it contradicts what is being done or
 * changes what cannot be changed, RegionRemovalNotConfirmed, IdempotencyKeyReused when the key is another request's, and
 * StateConflict, retryable, while as many wait as can.
 */
export async function putImageVersion(
  deps: Dependencies,
  command: PutImageVersion,
): Promise<OperationRecord> {
  const request = canonicalForm(command.body);
  const resourceId = formatImageVersionId(command.id);
  const key = keyOf(resourceId);
  const fingerprint = fingerprintOf(request);

  let passed = false;
  return acceptOperation(deps, key, async (stored) => {
    const record = stored?.record;
    // Whoever asks again for what is under way or done gets that, even if it could not be begun today.
    const doingIt =
      stored &&
      doing(stored).find((operation) => operation.fingerprint === fingerprint);
    if (doingIt === undefined && !passed) {
      await mustPass(deps, command, request);
      passed = true;
    }
    const operationId =
      doingIt?.id ??
      operationIdOf({
        key,
        sequence: (record?.lastSequence ?? 0) + 1,
      });
    const earlier = await claimed(deps, command, key, fingerprint, operationId);
    const answer = earlier ?? doingIt;
    if (answer !== undefined) return answer;
    const asked: Asked = {
      kind: record?.made === true ? "UpdateImageVersion" : "CreateImageVersion",
      key,
      resourceId,
      request,
      fingerprint,
      requestedBy: command.requestedBy,
      traceparent: command.traceparent,
    };
    const running = stored !== undefined && !isFinal(stored.record.state);
    if (running) await mustBeJoinable(deps, command, stored, request);
    await mustBePossible(deps, command, request, stored);
    return running
      ? acceptWaiting(stored, asked, momentOf(deps))
      : accept(
          { ...asked, request: governed(request, record && baseOf(record)) },
          record,
          momentOf(deps),
        );
  });
}

/** Throws when a rule stops the request: those over the request alone, or all that a plan has. */
async function mustPass(
  deps: Dependencies,
  { id, body, plan, allowRegionRemoval = false }: PutImageVersion,
  request: ImageVersionRequest,
): Promise<void> {
  if (plan === "require") {
    const { findings } = await planImageVersion(deps, {
      id,
      body,
      allowRegionRemoval,
    });
    const errors = errorsAmong(findings);
    if (errors.length > 0)
      throw new ServiceError(
        "PreflightFailed",
        `The plan found ${mistakes(errors)}; each is listed under errors. Nothing was stored.`,
        { findings },
      );
    return;
  }
  const findings = checkRequest({ id, request, now: deps.now() });
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      `The request has ${mistakes(findings)}; each is listed under errors.`,
      { findings },
    );
}

/** Throws when the request changes what cannot be changed, or takes a region away without saying so. */
async function mustBePossible(
  deps: Dependencies,
  { id, allowRegionRemoval = false }: PutImageVersion,
  request: ImageVersionRequest,
  stored: StoredVersion | undefined,
): Promise<void> {
  const refused = checkChange({
    id,
    request,
    now: deps.now(),
    known: knownOf(stored, allowRegionRemoval),
  });
  if (refused.length === 0) return;
  const removal = refused.every(
    ({ code }) => code === "RegionRemovalNotConfirmed",
  );
  throw removal
    ? new ServiceError(
        "RegionRemovalNotConfirmed",
        `The request leaves out regions that ${formatImageVersionId(id)} is in; errors says which. Add them, or confirm their removal with ?allowRegionRemoval=true.`,
        { findings: refused },
      )
    : new ServiceError(
        "ImageVersionConflict",
        `${formatImageVersionId(id)} exists, and the request changes what cannot be changed; errors says what. Keep those properties, or use another version name.`,
        {
          findings: refused,
          fields: {
            existingOperationId: stored?.operation.id,
            nextFreeVersion: await nextFreeVersion(deps, id),
          },
        },
      );
}

function mistakes({ length }: readonly unknown[]): string {
  return `${length} mistake${length === 1 ? "" : "s"}`;
}

/** The operation that the command's Idempotency-Key has already led to, if any. */
async function claimed(
  deps: Dependencies,
  command: PutImageVersion,
  resourceKey: string,
  fingerprint: string,
  operationId: string,
): Promise<OperationRecord | undefined> {
  if (command.idempotencyKey === undefined) return undefined;
  const { appId, objectId } = command.requestedBy;
  const lost: string[] = [];
  for (;;) {
    const claim = await deps.idempotencyKeys.claim(
      createHash("sha256")
        .update(
          JSON.stringify([appId, objectId, command.idempotencyKey, ...lost]),
        )
        .digest("hex"),
      { resourceKey, fingerprint, operationId },
    );
    if (
      claim.resourceKey !== resourceKey ||
      claim.fingerprint !== fingerprint
    ) {
      throw new ServiceError(
        "IdempotencyKeyReused",
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
      );
    }
    if (claim.operationId === operationId) return undefined;
    const operation = await deps.store.readOperation(claim.operationId);
    if (operation?.fingerprint === fingerprint) return operation;
    if (operation === undefined) return undefined;
    lost.push(claim.operationId); // Another request got that number: the key leads on to the next.
  }
}

/** Throws when the request contradicts what is being done, or too many wait for that. */
async function mustBeJoinable(
  deps: Dependencies,
  command: PutImageVersion,
  stored: StoredVersion,
  request: ImageVersionRequest,
): Promise<void> {
  const { record, operation } = stored;
  const known = knownOf(stored, false);
  const deleting = operation.kind === "DeleteImageVersion";
  const findings =
    known === undefined || deleting ? [] : contradictions(known, request);
  if (!deleting && findings.length === 0) {
    const length = [...record.waiting, { request }].reduce(
      (sum, waiting) => sum + JSON.stringify(waiting.request).length,
      0,
    );
    const { fellows, waiting } = record;
    if (
      waiting.length < MOST_WAITING &&
      waiting.length + fellows.length < MOST_BESIDE &&
      length <= MOST_WAITING_LENGTH
    )
      return;
    throw new ServiceError(
      "StateConflict",
      `${record.waiting.length} requests for ${record.resourceId} wait for operation ${operation.id} to end, as many as can. Send the request again later.`,
      { retryAfterMs: 60_000 },
    );
  }
  throw new ServiceError(
    "ImageVersionConflict",
    deleting
      ? `${record.resourceId} is being deleted by operation ${operation.id}. Wait until it has ended, or use another version name.`
      : `${record.resourceId} is being worked on as another request asks, which this one contradicts; errors says where. Wait until operation ${operation.id} has ended, or use another version name.`,
    {
      findings,
      fields: {
        existingOperationId: operation.id,
        nextFreeVersion: await nextFreeVersion(deps, command.id),
      },
    },
  );
}

/** The next patch above all that Azure has or Sigil was asked for; undefined where Azure cannot be asked, or none is left. */
async function nextFreeVersion(
  deps: Dependencies,
  id: ImageVersionId,
): Promise<string | undefined> {
  try {
    const { highest = id.versionName } = await knownNumbers(
      deps,
      imageIdOf(id),
    );
    return nextVersionNumber(highest, "patch");
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
