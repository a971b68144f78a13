/**
 * Whose a version is: Sigil's, or that of others who made it under a number that Sigil was asked for as well. Pure.
 * Invariant: a version that Sigil did not make, and that is not what was asked for, is never written over unless the caller
 * has said which version it saw.
 */
import type { Finding } from "../../errors.js";
import type { OperationFailure } from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import { differs } from "../properties/changes.js";
import { fieldsOf } from "../properties/fields.js";
import { unmetBy, withApplied } from "../properties/patch.js";
import type { Look } from "../resources.js";
import {
  batchOf,
  sentLast,
  type Attempt,
  type ImageVersionRecord,
} from "./record.js";
import { wantedBy } from "./wanted.js";

/** Clocks of Azure and of Sigil are never further apart. */
const CLOCKS_MS = 30_000;

/** A record of a version that Azure shows: what was sent and is shown was applied, though nobody stayed to see it. */
export function known(
  record: ImageVersionRecord,
  look: Look | undefined,
): ImageVersionRecord {
  if (look === undefined) return record;
  if (isMadeByOthers(record, look)) return ofOthers(record, look);
  const sent = sentLast(record);
  return record.exists || sent === undefined
    ? record
    : {
        ...record,
        exists: true,
        lastApplied: withApplied(record.lastApplied, sent.changes),
      };
}

/** What Azure shows is not what Sigil made, or knew. */
export function isMadeByOthers(
  record: ImageVersionRecord,
  look: Look,
): boolean {
  const sent = sentLast(record);
  return (
    isOtherLife(record, look) ||
    (!record.exists && !(sent !== undefined && shows(look, sent)))
  );
}

/** Others have made it: what Sigil knew was of another life. */
export function ofOthers(
  { lastApplied: _, lastAttempt: __, ...kept }: ImageVersionRecord,
  { publishedDate }: Look,
): ImageVersionRecord {
  return {
    ...kept,
    exists: true,
    unmanaged: true,
    repairs: {},
    ...(publishedDate !== undefined && { publishedDate }),
  };
}

/** Why the batch may not be applied to what others have made. */
export function adoptionRefusal(
  record: ImageVersionRecord,
  look: Look | undefined,
): OperationFailure | undefined {
  if (
    look === undefined ||
    !(record.unmanaged === true || isMadeByOthers(record, look))
  )
    return undefined;
  // Canceled, a creation leaves alone what it has not made.
  if (
    !batchOf(record).some(
      ([, { creates, created }]) => creates === true || created === true,
    )
  )
    return undefined;
  const unmet = unmetBy(fieldsOf(look.resource), wantedBy(record));
  if (unmet.length === 0) return undefined;
  const body = bodyOf(record) ?? look.resource;
  const errors: readonly Finding[] = unmet.map((one) =>
    differs(one, body, "ReadBackMismatch"),
  );
  const whose =
    sentLast(record) === undefined
      ? "was not made by Sigil"
      : "was made by others, or changed by a policy while the answer to Sigil's create request was lost";
  return {
    code: "ImageVersionConflict",
    message: `${record.resourceId} exists in Azure already, ${whose}, and is not what this request asks for. It was left as it is. Send the request with If-Match to change it, or use another version name.`,
    errors,
  };
}

/**
 * The version was deleted, and another made under its number, since Sigil has seen it, or has made it: Azure shows another
 * date of publishing, or one after the create request was answered and not what that asked for.
 */
function isOtherLife(record: ImageVersionRecord, look: Look): boolean {
  if (look.publishedDate === undefined) return false;
  if (record.publishedDate !== undefined)
    return look.publishedDate !== record.publishedDate;
  const sent = sentLast(record);
  return (
    sent?.acceptedTime !== undefined &&
    Date.parse(look.publishedDate) >
      Date.parse(sent.acceptedTime) + CLOCKS_MS &&
    !shows(look, sent)
  );
}

/** All that was sent is there; a policy may have added tags of its own. */
function shows(look: Look, { changes }: Attempt): boolean {
  return unmetBy(fieldsOf(look.resource), changes).length === 0;
}

/** The body that findings point into: that of the first request that sent one. */
export function bodyOf(
  record: ImageVersionRecord,
): ImageVersionRequest | undefined {
  return batchOf(record).find(([, { body }]) => body !== undefined)?.[1].body;
}
