/** Which operation a request asks for once more. Pure. */
import { type OperationRecord, sequenceOf } from "../../operation/records.js";
import type { EncryptionRule, ImageVersionRequest } from "../contract.js";
import { fingerprintOf } from "../properties/canonical-form.js";
import { fieldsOf, regionOf, type Fields } from "../properties/fields.js";
import {
  combined,
  conflictsBetween,
  NOTHING_ASKED,
  unmetBy,
} from "../properties/patch.js";
import type { StoredVersion } from "../ports.js";
import type { Look } from "../resources.js";
import { isOfOtherLife } from "../state/adoption.js";
import type { ImageVersionRecord, VersionRequest } from "../state/record.js";
import { isFinal } from "../state/states.js";

/** Of a PUT. What it asks depends on which version its caller has seen. */
export function fingerprintOfPut(
  body: ImageVersionRequest,
  removeRegions: readonly string[],
  rule: EncryptionRule | undefined,
  ifMatch: string | undefined,
): string {
  return fingerprintOf(
    body,
    ...removeRegions,
    ...(rule === undefined ? [] : [rule]),
    ...(ifMatch === undefined ? [] : [`If-Match: ${ifMatch}`]),
  );
}

interface Open {
  readonly operation: OperationRecord;
  readonly request: VersionRequest;
}

/**
 * The operation that is being done, or queued, and is the same: of the life that Azure shows, with all that it asked still
 * to be so. It is not where a later one asks otherwise, or Azure shows, or may have, otherwise what it had shown as asked.
 */
export function sameOperation(
  stored: StoredVersion | undefined,
  look: Look | undefined,
  isSame: (operation: OperationRecord) => boolean,
  otherwise?: Fields,
): OperationRecord | undefined {
  if (stored === undefined || isFinal(stored.record.state)) return undefined;
  const { record } = stored;
  const open = openIn(stored);
  return open.find(
    (one) =>
      isSame(one.operation) &&
      (look === undefined ||
        (!isOfOtherLife(record, one.request, look) &&
          [fieldsOf(look.resource), ...(otherwise ? [otherwise] : [])].every(
            (shown) => isStillSo(record, one.request, shown),
          ))) &&
      !open.some((other) => isAfter(other, one) && asksOtherwise(other, one)),
  )?.operation;
}

/** What the open operation asks that the request asks for once more: whatever a rule would choose now, it has chosen before. */
export function sameRequest(
  stored: StoredVersion | undefined,
  look: Look | undefined,
  fingerprint: string,
): ImageVersionRequest | undefined {
  const same = sameOperation(
    stored,
    look,
    (operation) => operation.fingerprint === fingerprint,
  );
  return stored === undefined || same === undefined || isOvertaken(stored, same)
    ? undefined
    : openIn(stored).find(({ operation: { id } }) => id === same.id)?.request
        .body;
}

/** One that was accepted after it has ended: what a body says that changes nothing of what the one before had, it may have changed. */
export function isOvertaken(
  stored: StoredVersion | undefined,
  operation: OperationRecord,
): boolean {
  if (stored === undefined) return false;
  const sequence = sequenceOf(operation.id);
  const later = openIn(stored).filter(
    (one) => sequenceOf(one.operation.id) > sequence,
  );
  return stored.record.lastSequence - sequence > later.length;
}

/** What has begun or is queued; one that is canceled does no more what it was asked for. */
function openIn({ record, operation }: StoredVersion): readonly Open[] {
  return [
    ...[operation, ...record.members].map((one) => ({
      operation: one,
      request: record.requests[one.id] ?? NOTHING_ASKED,
    })),
    ...record.queued,
  ].filter(
    ({ operation: { status }, request }: Open) =>
      (status === "NotStarted" || status === "Running") &&
      request.decided === undefined,
  );
}

function isAfter({ operation }: Open, other: Open): boolean {
  return sequenceOf(operation.id) > sequenceOf(other.operation.id);
}

function asksOtherwise(later: Open, { operation, request }: Open): boolean {
  return later.operation.kind === "DeleteImageVersion"
    ? operation.kind !== "DeleteImageVersion"
    : conflictsBetween(
        { ...request, changes: { ...request.repeats, ...request.changes } },
        later.request,
      ).length > 0;
}

/** What Azure had shown as asked, it shows so now; a region that is taken away for its repair will be again. */
function isStillSo(
  { repairs }: ImageVersionRecord,
  request: VersionRequest,
  shown: Fields,
): boolean {
  return (
    request.appliedTime === undefined ||
    unmetBy(shown, combined([request], undefined)).every(
      ({ field }) => repairs[regionOf(field) ?? ""]?.removed !== undefined,
    )
  );
}
