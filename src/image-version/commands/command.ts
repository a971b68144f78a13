/**
 * What all commands on a version share: who asks, the state it must still have, and the one
 * operation that a key leads to.
 */
import { ServiceError, type ErrorCode, type Finding } from "../../errors.js";
import type { EventReference, Requester } from "../../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  sameResourceId,
  type ImageVersionId,
} from "../../resource-id.js";
import { isOfCapture, mustBeOfNumber } from "../capture/admit.js";
import type { ImageVersionRequest } from "../contract.js";
import type { NoLatest } from "../preflight/latest.js";
import { namedResources, requireFewReads } from "../preflight/named.js";
import { usedResources, type UsedResource } from "../properties/resource-references.js";
import { knownNumbers } from "../queries/known-numbers.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { etagOf, matches } from "../queries/etag.js";
import { notFound } from "../queries/not-found.js";
import { HAVE_IT_AGAIN } from "../state/reconcile.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isRestoring } from "../state/states.js";
import { nextVersionNumber } from "../../version-numbers.js";
import type { DeletedImageVersion, Look } from "../resources.js";

export interface Command {
  readonly id: ImageVersionId;
  readonly requestedBy: Requester;
  /** W3C trace context, which all messages and events of the operation carry. */
  readonly traceparent: string;
  /**
   * Repeating a key with the same request returns the first one's operation, whatever its outcome.
   */
  readonly idempotencyKey?: string;
  /** The operation that requests it. */
  readonly parent?: string;
  /**
   * Answers with the operation as it would be accepted, and stores nothing. `leaving`: numbers of
   * versions that leave latest before.
   */
  readonly rehearsal?: { readonly leaving: readonly string[] };
  /** The ETag of the version that the caller read; `*`: the version exists. */
  readonly ifMatch?: string;
  /** The CloudEvent that asks for it. */
  readonly event?: EventReference;
  /**
   * The life for which automation asks. Refused if anything else is in progress, and checked again
   * right before it is sent.
   */
  readonly byMachine?: { readonly publishedDate: string };
}

/** Whether an `If-Match` names a version that was read: `*` only asks that one exists. */
export function namesOne(ifMatch: string | undefined): ifMatch is string {
  return ifMatch !== undefined && ifMatch !== "*";
}

/** The options of a request next to its body; the same for a plan. */
export interface ChangeOptions extends Pick<Command, "id" | "ifMatch" | "rehearsal">, NoLatest {
  /**
   * True if the body had members that only an answer has: it is a version that was read, pasted
   * back.
   */
  readonly pasted?: boolean;
  /** Regions to remove, in any spelling. */
  readonly removeRegions?: readonly string[];
  /** Removes regions even if the version is, or may be, in use there. */
  readonly ignoreUse?: boolean;
  /** True if the caller may remove the protection from deletion. */
  readonly mayUnprotect?: boolean;
  /** `*`: the version must not exist. */
  readonly ifNoneMatch?: "*";
  /**
   * True if Sigil chose the number for this request. If anybody asks for it by name meanwhile, that
   * version is left alone.
   */
  readonly isNew?: true;
  /**
   * Throws if the caller may not create a version from these, or encrypt one with them; absent:
   * everybody may.
   */
  readonly requireMayUse?: (resources: readonly UsedResource[]) => void;
}

/** A command that changes a version, by its desired state. */
export interface ChangeCommand extends Command, ChangeOptions {
  /** `require`: refuse the request if its plan has an error, before anything is stored. */
  readonly plan?: "require";
}

/**
 * Throws ServiceError TooManyReads or what `requireMayUse` throws: before anything that the body
 * names is read, and before anything is stored. What the version already has needs no permission.
 */
export function mustBeAdmitted(
  { maxReads, requiredRegistrations }: Dependencies,
  { id, requireMayUse }: ChangeOptions,
  body: ImageVersionRequest,
  observed?: ImageVersionRequest,
): void {
  requireFewReads(maxReads, requiredRegistrations.length, namedResources(id, body));
  const had = observed === undefined ? [] : usedResources(observed);
  const used = usedResources(body).filter(
    (one) => !had.some(({ kind, id }) => kind === one.kind && sameResourceId(id, one.id)),
  );
  mustBeOfNumber(used, id);
  requireMayUse?.(used.filter((one) => !isOfCapture(one)));
}

/**
 * Throws ServiceError PreconditionFailed, with the current ETag, if the version is not the one that
 * the caller read.
 */
export function mustMatch(
  { id, ifMatch }: Pick<Command, "id" | "ifMatch">,
  look: Look | undefined,
  record: ImageVersionRecord | undefined,
  findings: readonly Finding[] = [],
): void {
  if (ifMatch === undefined) return;
  const etag = etagOf(look, record);
  if (matches(ifMatch, etag, look !== undefined)) return;
  throw new ServiceError(
    "PreconditionFailed",
    look === undefined
      ? `Azure has no ${formatImageVersionId(id)}: the condition If-Match is not met.`
      : `${formatImageVersionId(id)} was changed after you read it. Read it again and send the request with its ETag.`,
    { findings, fields: { etag } },
  );
}

/** The request conflicts with an operation on the version. */
export function conflict(message: string, existingOperationId: string | undefined): ServiceError {
  return new ServiceError("ImageVersionConflict", message, {
    fields: { existingOperationId },
  });
}

/**
 * Throws ServiceError ImageVersionConflict while the version is being restored: until Azure has it,
 * nothing can be changed.
 */
export function mustNotBeRestored(id: ImageVersionId, stored: StoredVersion | undefined): void {
  if (stored !== undefined && isRestoring(stored.record)) throw notFound(id, stored.record);
}

/** Errors that another number avoids. */
const TAKEN: readonly ErrorCode[] = ["ImageVersionConflict", "ImageVersionSoftDeleted"];

/**
 * The error with the next free number, if it is a conflict: one above every number that Azure has
 * or Sigil was asked for. Azure is asked only now; if it cannot be asked, or no number is left, the
 * error stays as it is.
 */
export async function withNextFreeVersion(
  deps: Dependencies,
  id: ImageVersionId,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof ServiceError) || !TAKEN.includes(error.code)) return error;
  const { code, message, findings, fields } = error;
  try {
    const { highest = id.versionName } = await knownNumbers(deps, imageIdOf(id));
    const nextFreeVersion = nextVersionNumber(highest, "patch");
    return new ServiceError(code, message, {
      findings,
      fields: { ...fields, nextFreeVersion },
      cause: error,
    });
  } catch (unread) {
    if (unread instanceof ServiceError) return error;
    throw unread;
  }
}

export function versionGone(id: ImageVersionId): ServiceError {
  return new ServiceError(
    "ImageVersionGone",
    `${formatImageVersionId(id)} existed, and was deleted. ${HAVE_IT_AGAIN} Or use another version name.`,
  );
}

/** Azure keeps a soft-deleted version with this number. */
export function keptByAzure(
  id: ImageVersionId,
  { hardDeletionTargetTime: until }: DeletedImageVersion,
  why: string,
): ServiceError {
  return new ServiceError(
    "ImageVersionSoftDeleted",
    `${formatImageVersionId(id)} is soft-deleted${until === undefined ? "" : ` until ${until}`}. ${why}`,
    {
      fields: { ...(until !== undefined && { hardDeletionTargetTime: until }) },
    },
  );
}

/** Canonical, sorted, without duplicates. */
export function canonicalRegions(names: readonly string[] = []): readonly string[] {
  return [...new Set(names.map(canonicalRegion))].sort();
}

/** Throws ServiceError if there are findings. */
export function refuse(
  code: ErrorCode,
  message: string,
  findings: readonly Finding[],
  fields: Readonly<Record<string, unknown>> = {},
): void {
  if (findings.length > 0) throw new ServiceError(code, message, { findings, fields });
}

export function errorsIn({ length }: readonly unknown[]): string {
  return `${length} error${length === 1 ? "" : "s"}`;
}
