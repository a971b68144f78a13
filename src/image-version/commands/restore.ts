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
  fingerprintOf,
  targetRegionsOf,
} from "../properties/canonical-form.js";
import { NOTHING_ASKED } from "../properties/patch.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { lookAt, mustBeGone } from "../queries/look-at.js";
import { notFound } from "../queries/not-found.js";
import type { DeletedImageVersion, Look } from "../resources.js";
import { accept, emptyRecord } from "../state/accepting.js";
import { isLatestNowhere } from "../state/waves.js";
import { tellingEnd } from "../state/at-rest.js";
import {
  endedByOthers,
  isBehind,
  isSameLife,
  withoutLife,
} from "../state/adoption.js";
import type { DeletedLife, ImageVersionRecord } from "../state/record.js";
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
  const [look, deleted, record] = await Promise.all([
    lookAt(deps, id),
    deletedVersion(deps, id),
    deps.store.readRecord(key),
  ]);
  if (
    look === undefined &&
    record !== undefined &&
    isFinal(record.state) &&
    !isDeletedSince(record, deleted)
  )
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
      if (
        look !== undefined &&
        !(stored !== undefined && isBehind(stored.record, look))
      ) {
        if (isDone(stored)) return stored.operation; // Invariant 2.
        if (!isBack(stored, look))
          throw new ServiceError(
            "ImageVersionConflict",
            look.provisioningState === "Deleting"
              ? `Azure is deleting ${resourceId}. Send the request again once it is gone.`
              : `Azure has ${resourceId}: it is not deleted, so there is nothing to restore.`,
          );
      } else if (deleted === undefined) throw absent(id, stored); // Invariant 1.
      const now = deps.now();
      const life =
        deleted === undefined
          ? stored?.record.deletedLife
          : lifeOf(stored?.record, deleted, now);
      return accept(
        {
          kind: KIND,
          key,
          resourceId,
          request: { ...NOTHING_ASKED, byHand: true },
          regions:
            life === undefined || life.doubtful === true ? [] : regionsIn(life),
          fingerprint,
          requestedBy,
          traceparent,
          ...(requestKey !== undefined && { requestKey }),
        },
        before(
          stored === undefined
            ? emptyRecord(key, resourceId, now.toISOString())
            : tellingEnd(stored, contextOf(deps)),
          life,
          now,
        ),
        contextOf(deps),
        deleted === undefined ? [] : warningsOf(life, now),
      );
    },
  );
  await bindKey(deps, requestKey, operation);
  deps.looks.forget(id, imageIdOf(id));
  return operation;
}

/** A list that has it may be of before Azure has given it back. */
function isDeletedSince(
  { restoredTime = "" }: ImageVersionRecord,
  deleted: DeletedImageVersion | undefined,
): boolean {
  return (
    deleted !== undefined &&
    !(Date.parse(deleted.softDeletedTime ?? "") < Date.parse(restoredTime))
  );
}

/** Others have restored what Sigil has seen deleted. */
function isBack(
  stored: StoredVersion | undefined,
  { publishedDate, provisioningState }: Look,
): boolean {
  return (
    stored !== undefined &&
    provisioningState !== "Deleting" &&
    stored.record.lastApplied === undefined &&
    isSameLife(stored.record.deletedLife, publishedDate)
  );
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
  if (stored?.record.exists !== true && stored?.record.state !== "Deleted")
    return notFound(id, stored?.record);
  return new ServiceError(
    "ImageVersionGone",
    `${formatImageVersionId(id)} is gone: Azure does not list it among the deleted versions that can be restored. The gallery has no soft delete, or the time is over; for some minutes after a deletion the list may be behind.`,
  );
}

/** What Sigil knows of the life that was deleted. Others may have deleted another one after it, or have restored that one before. */
function lifeOf(
  record: ImageVersionRecord | undefined,
  { softDeletedTime = "" }: DeletedImageVersion,
  now: Date,
): DeletedLife | undefined {
  if (record === undefined) return undefined;
  if (record.exists) return endedByOthers(record, now).deletedLife;
  const { deletedLife } = record;
  return deletedLife !== undefined &&
    Date.parse(softDeletedTime) - Date.parse(deletedLife.endTime) > BEHIND_MS
    ? { ...deletedLife, doubtful: true }
    : deletedLife;
}

/** So much later than Sigil has found it gone, Azure cannot have deleted it. */
const BEHIND_MS = 600_000;

function regionsIn({ resource }: DeletedLife): readonly string[] {
  return targetRegionsOf(resource).map(({ name }) => canonicalRegion(name));
}

/** The version as the restore finds it: there is none, and what was sent last may be under way. */
function before(
  record: ImageVersionRecord,
  deletedLife: DeletedLife | undefined,
  now: Date,
): ImageVersionRecord {
  const { lastAttempt } = record;
  return {
    ...withoutLife(record, now),
    ...(lastAttempt?.outcome === "unknown" && { lastAttempt }),
    ...(deletedLife && { deletedLife }),
  };
}

function warningsOf(
  life: DeletedLife | undefined,
  now: Date,
): readonly Finding[] {
  if (life === undefined || life.doubtful === true)
    return [
      warning(
        "RestoreNotProven",
        "Sigil has not seen the version as it was deleted, and Azure does not say which regions and keys a deleted version has: nothing is proven before it is restored.",
      ),
    ];
  const { endOfLifeDate = "" } =
    life.resource.properties.publishingProfile ?? {};
  return [
    isLatestNowhere(life.resource)
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
