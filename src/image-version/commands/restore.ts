/**
 * Accepts the restore of a version that was deleted in a gallery with soft delete. Invariants, in
 * addition to those of every acceptance (operation/accepting.ts):
 *  1. It starts only if no operation works on the version, and Azure lists it as restorable. Or
 *     others restored the life that Sigil knew: then nothing is sent, and it is Sigil's again.
 *  2. Repeating it returns the same operation while that runs and is not canceled, and as long as
 *     Azure has the version that it restored.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import { canonicalRegion, formatImageVersionId, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { latestIn } from "../latest/flags.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { lastShown, listOf, lookAt, mustBeGone } from "../queries/look-at.js";
import { notFound } from "../queries/not-found.js";
import type { DeletedImageVersion, Look } from "../resources.js";
import { believed } from "../state/observe.js";
import { gone, type Time } from "../state/confirmed.js";
import { isFinal } from "../state/states.js";
import { acceptCommand } from "./acceptance.js";
import { conflict, type Command } from "./command.js";
import { fingerprintOfCommand, sameOperation } from "./same-operation.js";

const KIND = "RestoreImageVersion";

/**
 * Throws ServiceError NotFound for a version that nobody ever requested, ImageVersionGone for one
 * that Azure cannot restore, StateConflict, retryable, if it is not certain that it is gone,
 * ImageVersionConflict if it exists or an operation is working on it.
 */
export function restoreImageVersion(
  deps: Dependencies,
  command: Omit<Command, "ifMatch"> & {
    /** The region that the caller believes it was created in, in any spelling. */
    readonly location?: string;
  },
): Promise<OperationRecord> {
  const { id, location } = command;
  return acceptCommand(deps, command, fingerprintOfCommand(KIND), async (read) => {
    const [shown, deleted] = await Promise.all([lookAt(deps, id), deletedVersion(deps, id)]);
    if (shown === undefined && deleted === undefined)
      await mustBeGone(deps, id, read?.record, listOf(deps));
    return {
      // The request depends on nothing that Azure shows.
      glance: { look: undefined, seen: false },
      decide: ({ stored }) => {
        const same = restoreBefore(stored, shown, contextOf(deps));
        if (same !== undefined) return same; // Invariant 2.
        if (stored !== undefined && !isFinal(stored.record.state))
          throw conflict(
            `Operation ${stored.operation.id} is working on ${formatImageVersionId(id)}. Wait until it has ended.`,
            stored.operation.id,
          );
        const { look, isFact } = believed(stored?.record, shown, contextOf(deps));
        if (look !== undefined && isFact) throw isThere(id, look);
        if (deleted === undefined) throw absent(id, stored); // Invariant 1.
        mustBeMadeIn(location, deleted);
        const known = lastShown(stored?.record);
        const body = known && canonicalForm(known.resource);
        return {
          asks: {
            kind: KIND,
            request: { patch: {}, restores: true, ...(body && { body }) },
            regions: body ? regionsIn(fieldsOf(body)) : [],
            warnings: warningsOf(body, deps.now()),
            ...(stored && {
              on: { ...stored, record: gone(stored.record, contextOf(deps)) },
            }),
          },
        };
      },
    };
  });
}

/** The restore that is running and not canceled, or that restored what Azure shows. */
function restoreBefore(
  stored: StoredVersion | undefined,
  shown: Look | undefined,
  time: Time,
): OperationRecord | undefined {
  const last = stored?.operation;
  return last?.kind === KIND &&
    last.status === "Succeeded" &&
    shown !== undefined &&
    believed(stored?.record, shown, time).isFact
    ? last
    : sameOperation(stored, undefined, ({ kind }) => kind === KIND);
}

/**
 * Throws ServiceError InvalidRequest for a region other than the one the version was created in.
 */
function mustBeMadeIn(location: string | undefined, deleted: DeletedImageVersion): void {
  if (location === undefined || canonicalRegion(location) === deleted.location) return;
  const message = `${deleted.name} was created in ${deleted.location}, and can only be restored there.`;
  throw new ServiceError("InvalidRequest", message, {
    findings: [
      {
        code: "ImmutableProperty",
        pointer: "/location",
        message,
        severity: "error",
        remediation: `Set location to ${deleted.location}.`,
      },
    ],
  });
}

function isThere(id: ImageVersionId, { provisioningState }: Look): ServiceError {
  const resourceId = formatImageVersionId(id);
  return new ServiceError(
    "ImageVersionConflict",
    provisioningState === "Deleting"
      ? `Azure is deleting ${resourceId}. Send the request again once it is gone.`
      : `Azure has ${resourceId}: it is not deleted, so there is nothing to restore.`,
  );
}

function absent(id: ImageVersionId, stored: StoredVersion | undefined): ServiceError {
  if (stored?.record.publishedDate === undefined) return notFound(id, stored?.record);
  return new ServiceError(
    "ImageVersionGone",
    `${formatImageVersionId(id)} is gone: Azure does not list it among the restorable versions. The gallery has no soft delete, or the time is over. Azure's list may be some minutes behind.`,
  );
}

function warningsOf(body: ImageVersionRequest | undefined, now: Date): readonly Finding[] {
  if (body === undefined) return [warning(NOT_PROVEN)];
  const { endOfLifeDate = "" } = body.properties.publishingProfile ?? {};
  const isPast = Date.parse(endOfLifeDate) <= now.getTime();
  return [
    warning(latestIn(body).length === 0 ? EXCLUDED : INTO_LATEST),
    ...(isPast
      ? [
          warning({
            code: "RestoredPastEndOfLife",
            message: `The version's end of life, ${endOfLifeDate}, is past, so a retention policy may delete it again.`,
            remediation:
              'To keep it, protect it: PATCH {"sigil": {"protected": true}}. Or set a later endOfLifeDate.',
          }),
        ]
      : []),
  ];
}

const NOT_PROVEN = {
  code: "RestoreNotProven",
  message:
    "Azure hides the regions and keys of a deleted version. Sigil cannot check them first, and adopts the version as Azure restores it.",
};

const EXCLUDED = {
  code: "RestoredExcluded",
  message:
    "The version was excluded from latest when it was deleted, perhaps only for the deletion, and stays excluded.",
  remediation: "To include it in latest, promote it: POST …/promote.",
};

const INTO_LATEST = {
  code: "RestoredIntoLatest",
  message:
    "The version is not excluded from latest. Once restored, it is the latest wherever no higher number is ready.",
};

function warning(said: Pick<Finding, "code" | "message" | "remediation">): Finding {
  return { ...said, pointer: "", severity: "warning" };
}
