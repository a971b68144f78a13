/** Which operation a request asks for once more. Pure. */
import { operationsOf, type OperationRecord } from "../../operation/records.js";
import type { EncryptionRule, ImageVersionRequest } from "../contract.js";
import { factsIn } from "../latest/flags.js";
import { fingerprintOf } from "../properties/canonical-form.js";
import { regionOf } from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import type { StoredVersion } from "../ports.js";
import type { Look } from "../resources.js";
import { isOtherLife } from "../state/fact.js";
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

interface Open {
  readonly operation: OperationRecord;
  readonly request: VersionRequest;
}

/** The operation that is being done, is the same, was not canceled, and is of the life that Azure shows. */
export function sameOperation(
  stored: StoredVersion | undefined,
  look: Look | undefined,
  isSame: (operation: OperationRecord) => boolean,
): OperationRecord | undefined {
  return openIn(stored).find(
    ({ operation, request }) =>
      isSame(operation) &&
      request.decided === undefined &&
      (look === undefined ||
        request.life === undefined ||
        !isOtherLife({ publishedDate: request.life }, look)) &&
      isStillSo(request, look, stored?.record),
  )?.operation;
}

/** What Azure has shown as asked, it shows still, but for what a repair has away: else it is a new word. */
function isStillSo(
  { appliedTime, patch }: VersionRequest,
  look: Look | undefined,
  record: ImageVersionRecord | undefined,
): boolean {
  if (appliedTime === undefined || look === undefined) return true;
  const away = record ? regionsAway(record) : [];
  return unmetBy(factsIn(look.resource), patch).every(({ field }) =>
    away.includes(regionOf(field) ?? ""),
  );
}

function openIn(stored: StoredVersion | undefined): readonly Open[] {
  if (stored === undefined || isFinal(stored.record.state)) return [];
  const { record } = stored;
  const deletion = openDeletionIn(record);
  return operationsOf(stored).flatMap((one) => {
    const request = record.requests[one.id];
    const isBeforeDeletion = deletion !== undefined && deletion.id !== one.id;
    return request === undefined || isBeforeDeletion
      ? []
      : [{ operation: one, request }];
  });
}

/** The same request that is being done, by its fingerprint. */
export function repeated(
  stored: StoredVersion | undefined,
  look: Look | undefined,
  fingerprint: string,
): OperationRecord | undefined {
  return sameOperation(stored, look, (one) => one.fingerprint === fingerprint);
}

/** The body of the same request as it is being done already. */
export function sameRequest(
  ...asked: Parameters<typeof repeated>
): ImageVersionRequest | undefined {
  const same = repeated(...asked);
  return same && asked[0]?.record.requests[same.id]?.body;
}
