/**
 * Accepts the restore of a version that was deleted where the gallery has soft delete. Invariants, beside those of every
 * acceptance (operation/accepting.ts):
 *  1. It begins only where nothing else is being done with the version, and Azure lists it among what can be restored, or others
 *     have restored the very life that Sigil knew: then nothing is sent, and it is Sigil's again.
 *  2. Repeated, it is the same operation while it runs and is not canceled, and as long as Azure has the version that it gave back.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { acceptOperation } from "../../operation/accepting.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import type { OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import {
  canonicalForm,
  fingerprintOf,
  targetRegionsOf,
} from "../properties/canonical-form.js";
import { latestIn } from "../latest/flags.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { lookAt, mustBeGone } from "../queries/look-at.js";
import { notFound } from "../queries/not-found.js";
import { accept } from "../state/accepting.js";
import { believed } from "../state/observe.js";
import { gone } from "../state/fact.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { listIn, mustBeIdle, type Command } from "./command.js";

const KIND = "RestoreImageVersion";

/**
 * Throws ServiceError NotFound for a version that nobody has ever asked for, ImageVersionGone for one that Azure cannot
 * restore, StateConflict, retryable, where it is not certain that it is gone, ImageVersionConflict for one that is there, or that an operation is working on.
 */
export async function restoreImageVersion(
  deps: Dependencies,
  command: Omit<Command, "ifMatch">,
): Promise<OperationRecord> {
  const { id, requestedBy, traceparent } = command;
  const resourceId = formatImageVersionId(id);
  const key = keyOf(resourceId);
  const fingerprint = fingerprintOf(
    { properties: {} } as ImageVersionRequest,
    KIND,
  );
  const { requestKey, earlier } = await claimKey(
    deps,
    command,
    key,
    fingerprint,
  );
  if (earlier !== undefined) return earlier;
  const [shown, deleted, record] = await Promise.all([
    lookAt(deps, id),
    deletedVersion(deps, id),
    deps.store.readRecord(key),
  ]);
  if (shown === undefined && deleted === undefined)
    await mustBeGone(deps, id, record, listIn(deps));
  const operation = await acceptOperation<ImageVersionRecord>(
    deps,
    key,
    (stored) => {
      if (stored !== undefined && !isFinal(stored.record.state)) {
        const open = [stored.operation, ...stored.record.members];
        const same = open.find(
          ({ id, kind }) =>
            kind === KIND && stored.record.requests[id]?.decided === undefined,
        );
        if (same !== undefined) return same; // Invariant 2.
        mustBeIdle(id, stored);
      }
      const { look, isFact } = believed(stored?.record, shown, contextOf(deps));
      if (shown !== undefined && isFact) {
        if (isDone(stored)) return stored.operation; // Invariant 2.
        throw new ServiceError(
          "ImageVersionConflict",
          shown.provisioningState === "Deleting"
            ? `Azure is deleting ${resourceId}. Send the request again once it is gone.`
            : `Azure has ${resourceId}: it is not deleted, so there is nothing to restore.`,
        );
      }
      if (deleted === undefined) throw absent(id, stored); // Invariant 1.
      const known = look?.resource ?? stored?.record.left;
      const body = known && canonicalForm(known);
      return accept(
        {
          kind: KIND,
          key,
          resourceId,
          request: { patch: {}, ...(body && { body }) },
          regions: body
            ? targetRegionsOf(body).map(({ name }) => canonicalRegion(name))
            : [],
          fingerprint,
          requestedBy,
          traceparent,
          ...(requestKey !== undefined && { requestKey }),
        },
        stored && {
          ...stored,
          record: gone(stored.record, { now: deps.now() }),
        },
        contextOf(deps),
        warningsOf(body, deps.now()),
      );
    },
  );
  await bindKey(deps, requestKey, operation);
  deps.looks.forget(id, imageIdOf(id));
  return operation;
}

function isDone(stored: StoredVersion | undefined): stored is StoredVersion {
  return (
    stored?.operation.kind === KIND && stored.operation.status === "Succeeded"
  );
}

function absent(
  id: ImageVersionId,
  stored: StoredVersion | undefined,
): ServiceError {
  if (stored?.record.publishedDate === undefined)
    return notFound(id, stored?.record);
  return new ServiceError(
    "ImageVersionGone",
    `${formatImageVersionId(id)} is gone: Azure does not list it among the deleted versions that can be restored. The gallery has no soft delete, or the time is over; for some minutes after a deletion the list may be behind.`,
  );
}

function warningsOf(
  body: ImageVersionRequest | undefined,
  now: Date,
): readonly Finding[] {
  if (body === undefined)
    return [
      warning(
        "RestoreNotProven",
        "Azure does not say which regions and keys a deleted version has: nothing is proven before it is restored, and it is adopted as Azure gives it back.",
      ),
    ];
  const { endOfLifeDate = "" } = body.properties.publishingProfile ?? {};
  return [
    latestIn(body).length === 0
      ? warning(
          "RestoredExcluded",
          "The version was excluded from latest when it was deleted, if only for its deletion, and is restored so.",
          "To include it in latest, promote it: POST …/promote.",
        )
      : warning(
          "RestoredIntoLatest",
          "The version is not excluded from latest: as soon as Azure has it, it is the latest wherever no higher number is ready.",
        ),
    ...(Date.parse(endOfLifeDate) <= now.getTime()
      ? [
          warning(
            "RestoredPastEndOfLife",
            `The end of life of the version, ${endOfLifeDate}, is past: a retention policy may delete it again.`,
            'To keep it, send a PATCH with {"sigil": {"protected": true}}, or with a later endOfLifeDate.',
          ),
        ]
      : []),
  ];
}

function warning(code: string, message: string, remediation?: string): Finding {
  return {
    code,
    pointer: "",
    message,
    severity: "warning",
    ...(remediation !== undefined && { remediation }),
  };
}
