/** Finds the operation that a request repeats. Pure. */
import { operationsOf, type OperationRecord } from "../../operation/records.js";
import type { EncryptionRule, ImageVersionRequest } from "../contract.js";
import { shownFields } from "../latest/flags.js";
import { fingerprintOf } from "../properties/canonical-form.js";
import { regionOf } from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import type { StoredVersion } from "../ports.js";
import type { Look } from "../resources.js";
import { isOfOtherLife } from "../state/confirmed.js";
import { openDeletionIn } from "../state/deletion.js";
import { removedRegions } from "../state/fold.js";
import type { ImageVersionRecord, VersionRequest } from "../state/record.js";
import { isFinal } from "../state/states.js";

/** For a PUT. Its meaning depends on which version the caller read. */
export function fingerprintOfPut(
  body: ImageVersionRequest,
  removeRegions: readonly string[],
  rule: EncryptionRule | undefined,
  ifMatch: string | undefined,
  captures = false,
): string {
  return fingerprintOf(
    body,
    ...removeRegions,
    ...(rule === undefined ? [] : [rule]),
    ...(ifMatch === undefined ? [] : [`If-Match: ${ifMatch}`]),
    ...(captures ? ["capture"] : []),
  );
}

/** For a command without a body. */
export function fingerprintOfCommand(...detail: readonly unknown[]): string {
  return fingerprintOf({ properties: {} } as ImageVersionRequest, ...detail);
}

/**
 * The running operation that is the same, is not canceled, and belongs to the life that Azure
 * shows.
 */
export function sameOperation(
  stored: StoredVersion | undefined,
  look: Look | undefined,
  isSame: (operation: OperationRecord) => boolean,
): OperationRecord | undefined {
  if (stored === undefined || isFinal(stored.record.state)) return undefined;
  const { record } = stored;
  const { id: deletion } = openDeletionIn(record) ?? {};
  return operationsOf(stored).find((operation) => {
    const request = record.requests[operation.id];
    return (
      request !== undefined &&
      request.ending === undefined &&
      isSame(operation) &&
      (deletion === undefined || deletion === operation.id) &&
      (look === undefined || (!isOfOtherLife(request, look) && isStillSo(request, look, record)))
    );
  });
}

/**
 * Whether Azure still shows everything that was applied, except regions removed for repair. If not,
 * the request is a new one.
 */
function isStillSo(
  { appliedTime, patch }: VersionRequest,
  { resource }: Look,
  record: ImageVersionRecord,
): boolean {
  const removed = removedRegions(record);
  return (
    appliedTime === undefined ||
    unmetBy(shownFields(resource), patch).every(({ field }) =>
      removed.includes(regionOf(field) ?? ""),
    )
  );
}

/** The running operation with this fingerprint. */
export function repeated(
  stored: StoredVersion | undefined,
  look: Look | undefined,
  fingerprint: string,
): OperationRecord | undefined {
  return sameOperation(stored, look, (one) => one.fingerprint === fingerprint);
}
