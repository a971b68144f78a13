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

/** A record of a version that Azure shows: ours where it is what was sent, though nobody stayed to see; else it is others'. */
export function known(
  record: ImageVersionRecord,
  look: Look | undefined,
): ImageVersionRecord {
  if (look === undefined || record.exists) return record;
  const sent = sentLast(record);
  return {
    ...record,
    exists: true,
    ...(sent !== undefined && shows(look, sent)
      ? { lastApplied: withApplied(record.lastApplied, sent.changes) }
      : { unmanaged: true }),
  };
}

/** Why the batch may not be applied to what others have made. */
export function adoptionRefusal(
  record: ImageVersionRecord,
  look: Look | undefined,
): OperationFailure | undefined {
  if (look === undefined) return undefined;
  const others = record.unmanaged === true || isOtherLife(record, look);
  const sent = sentLast(record);
  if (!others && (record.exists || (sent !== undefined && shows(look, sent))))
    return undefined;
  if (
    !batchOf(record).some(([, { adoptsOnlyAsShown, creates }]) =>
      others ? creates === true : adoptsOnlyAsShown,
    )
  )
    return undefined;
  const unmet = unmetBy(fieldsOf(look.resource), wantedBy(record));
  if (unmet.length === 0) return undefined;
  const body = bodyOf(record) ?? look.resource;
  const errors: readonly Finding[] = unmet.map((one) =>
    differs(one, body, "ReadBackMismatch"),
  );
  return {
    code: "ImageVersionConflict",
    message: `${record.resourceId} exists in Azure already, was not made by Sigil, and is not what this request asks for. It was left as it is. Send the request with If-Match to change it, or use another version name.`,
    errors,
  };
}

/** The version was deleted, and another made under its number, since Sigil has seen it: Sigil does neither unasked. */
function isOtherLife(
  { publishedDate }: ImageVersionRecord,
  look: Look,
): boolean {
  return (
    publishedDate !== undefined &&
    look.publishedDate !== undefined &&
    look.publishedDate !== publishedDate
  );
}

/** It is what was sent, but for tags, which a policy may change. */
function shows(look: Look, { changes }: Attempt): boolean {
  return unmetBy(fieldsOf(look.resource), changes).every(({ field }) =>
    field.startsWith("/tags/"),
  );
}

/** The body that findings point into: that of the first request that sent one. */
export function bodyOf(
  record: ImageVersionRecord,
): ImageVersionRequest | undefined {
  return batchOf(record).find(([, { body }]) => body !== undefined)?.[1].body;
}
