/**
 * Why a confirmed look ends operations: Azure has another version, others changed it, or an
 * accepted write does not appear. Pure. Invariants:
 *  1. An operation applies to one life of the version.
 *  2. If a look shows neither the requested value nor the one before, others changed it: the
 *     operation ends Failed, and Sigil does not overwrite their change.
 */
import type { OperationFailure } from "../../operation/records.js";
import { shownFields, flagsFor, isFlag } from "../latest/flags.js";
import { differs } from "../properties/changes.js";
import { fieldsOf, regionField, regionOf, regionsIn, sameAt } from "../properties/fields.js";
import { unmetBy, type Unmet } from "../properties/patch.js";
import type { Look } from "../resources.js";
import { isApplied, askedOf } from "./applied.js";
import { requestsOf, regionsHad, azureFields } from "./fold.js";
import { isOfOtherLife, type Confirmed } from "./confirmed.js";
import { GONE } from "./reconcile.js";
import type { ImageVersionRecord, VersionRequest } from "./record.js";

/** ARM's reason for giving the version up, or for not doing what it accepted. */
export interface OperationReason {
  readonly code: string;
  readonly message: string;
}

/** The operations that a confirmed look ends, and why. */
export function failuresBy(
  record: ImageVersionRecord,
  confirmed: Confirmed,
): readonly (readonly [string, OperationFailure])[] {
  const { life, write } = confirmed;
  const open = requestsOf(record);
  if (life === "gone")
    return open
      .filter(([, { deletion }]) => deletion === undefined && !write?.deletes)
      .map(([id]) => [id, GONE] as const);
  return open.flatMap(([id, request]) => {
    const failure = failureOf(record, id, request, confirmed);
    return failure === undefined ? [] : [[id, failure] as const];
  });
}

function failureOf(
  record: ImageVersionRecord,
  id: string,
  request: VersionRequest,
  confirmed: Confirmed,
): OperationFailure | undefined {
  const { write } = confirmed;
  const isNotShown = write?.fate === "notShown" && write.sentFor.includes(id);
  if (request.deletion !== undefined)
    return isNotShown && write.deletes === true
      ? NOT_DELETED
      : includedMeanwhile(record, request, confirmed);
  return (
    (record.status && otherLife(record, request, record.status, confirmed)) ??
    overruled(record, request, confirmed) ??
    (isNotShown && !isApplied(record, request) ? notShown(record, request) : undefined)
  );
}

/** A guarded deletion needs the version out of latest until its DELETE is sent. */
function includedMeanwhile(
  record: ImageVersionRecord,
  request: VersionRequest,
  confirmed: Confirmed,
): OperationFailure | undefined {
  return request.release !== undefined &&
    request.appliedTime !== undefined &&
    record.write?.deletes !== true
    ? overruled(record, request, confirmed)
    : undefined;
}

/** The failure with Azure's reason why an accepted request was not carried out. */
export function refusedBy(
  { code, message }: OperationReason,
  what: "deleted" | "restored",
): OperationFailure {
  return {
    code,
    message: `Azure has not ${what} the version. Its reason: ${message}`,
    errors: [{ code, pointer: "", message }],
  };
}

export const NOT_DELETED: OperationFailure = {
  code: "NotDeleted",
  message:
    "Azure accepted the deletion, but still shows the version and is not working on it. Delete it again.",
  errors: [],
};

/** Invariant 1. */
function otherLife(
  record: ImageVersionRecord,
  request: VersionRequest,
  look: Look,
  { life, write }: Pick<Confirmed, "life" | "write">,
): OperationFailure | undefined {
  // Nothing was known of the number, so others created the version.
  if (
    life === "begun" &&
    write?.fate !== "shown" &&
    record.write === undefined &&
    request.creates === true
  ) {
    const unmet = unmetBy(shownFields(look.resource), azureFields(request.patch));
    return unmet.length === 0 ? undefined : existsOtherwise(record, request, unmet);
  }
  const isAnother = life === "replaced" || isOfOtherLife(request, look);
  return isAnother
    ? {
        code: "ReplacedOutside",
        message: `${record.resourceId} was deleted and created again outside Sigil after this request. Sigil did not change the new version, published ${look.publishedDate}. GET it, and send the request again if it should apply to that version.`,
        errors: [],
      }
    : undefined;
}

function existsOtherwise(
  { resourceId }: ImageVersionRecord,
  request: VersionRequest,
  unmet: readonly Unmet[],
): OperationFailure {
  return {
    code: "ImageVersionExists",
    message: `${resourceId} already exists in Azure, was not created by this request, and differs from it. Sigil did not change it. Send the request with If-Match to change it, or use another version name.`,
    errors: unmet.map((one) => differs(one, request.body, "ReadBackMismatch")),
  };
}

/** Invariant 2. */
function overruled(
  record: ImageVersionRecord,
  request: VersionRequest,
  { others }: Pick<Confirmed, "others">,
): OperationFailure | undefined {
  if (others.length === 0) return undefined;
  const { deletion, appliedTime } = request;
  const asked =
    deletion === undefined ? askedOf(record, request) : flagsFor([], regionsHad(record));
  const isDone = appliedTime !== undefined && deletion === undefined;
  const own = regionsOfRequest(request);
  const all = others.filter(({ field, after }) => {
    const region = regionOf(field) ?? "";
    const isOfOwn = own.includes(region);
    if (asked[regionField(region)] === null) return false;
    if (isOfOwn && field.endsWith("/name") && after === null) return true;
    return (
      (!isDone || (isOfOwn && !isFlag(field))) &&
      field in asked &&
      !sameAt(field, asked[field] ?? undefined, after ?? undefined)
    );
  });
  if (all.length === 0) return undefined;
  const errors = all.map(({ field, after }) =>
    differs(
      { field, before: after ?? undefined, after: asked[field] ?? null },
      request.body,
      "ChangedOutside",
    ),
  );
  return {
    code: "ChangedOutside",
    message: `The version was changed outside Sigil meanwhile, and Sigil does not overwrite that. ${errors[0]?.message} GET the version, and send the request again if it should still apply.`,
    errors,
  };
}

function notShown(record: ImageVersionRecord, request: VersionRequest): OperationFailure {
  const { status } = record;
  const errors = status
    ? unmetBy(shownFields(status.resource), askedOf(record, request)).map((one) =>
        differs(one, request.body, "NotShown"),
      )
    : [];
  return {
    code: "NotShown",
    message: `Azure accepted the request, but does not show it. ${errors[0]?.message ?? "It has no such version."} An Azure Policy or another tool may have changed it back. Find it, then send the request again.`,
    errors,
  };
}

/** Regions that a request refers to. */
function regionsOfRequest({ patch, body, release }: VersionRequest): readonly string[] {
  const named = release?.kind === "include" ? (release.regions ?? []) : [];
  return [...regionsIn(body === undefined ? patch : { ...fieldsOf(body), ...patch }), ...named];
}
