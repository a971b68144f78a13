/** Which operation a request asks for once more. Pure. */
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
import { regionsAway } from "../state/fold.js";
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

/** Of a command that has no body. */
export function fingerprintOfCommand(...detail: readonly unknown[]): string {
  return fingerprintOf({ properties: {} } as ImageVersionRequest, ...detail);
}

/** The operation that is being done, is the same, was not canceled, and is of the life that Azure shows. */
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

/** What Azure has shown as asked, it shows still, but for what a repair has away: else it is a new word. */
function isStillSo(
  { appliedTime, patch }: VersionRequest,
  { resource }: Look,
  record: ImageVersionRecord,
): boolean {
  const away = regionsAway(record);
  return (
    appliedTime === undefined ||
    unmetBy(shownFields(resource), patch).every(({ field }) => away.includes(regionOf(field) ?? ""))
  );
}

/** The same request that is being done, by its fingerprint. */
export function repeated(
  stored: StoredVersion | undefined,
  look: Look | undefined,
  fingerprint: string,
): OperationRecord | undefined {
  return sameOperation(stored, look, (one) => one.fingerprint === fingerprint);
}
