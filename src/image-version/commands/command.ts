/** What every command on a version shares: who asks, what it must still be, and the one operation that a key leads to. */
import { ServiceError, type ErrorCode, type Finding } from "../../errors.js";
import type { EventReference, Requester } from "../../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  sameResourceId,
  type ImageVersionId,
} from "../../resource-id.js";
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
import { nextVersionNumber } from "../version-numbers.js";
import type { DeletedImageVersion, Look } from "../resources.js";

export interface Command {
  readonly id: ImageVersionId;
  readonly requestedBy: Requester;
  /** W3C trace context that all messages and events of the operation will carry. */
  readonly traceparent: string;
  /** Whoever repeats a key with the same request gets the operation that the first got, whatever became of it. */
  readonly idempotencyKey?: string;
  /** The ETag of the version that the caller has seen; `*`: any that is there. */
  readonly ifMatch?: string;
  /** The CloudEvent that asks. */
  readonly event?: EventReference;
  /** Begun by a rule or a policy, of this life: refused where anything is under way, and asked again right before it is sent. */
  readonly byMachine?: { readonly publishedDate: string };
}

/** Whether an `If-Match` names a version that was read: `*` says only that there is one. */
export function namesOne(ifMatch: string | undefined): ifMatch is string {
  return ifMatch !== undefined && ifMatch !== "*";
}

/** What is said beside a body; the same of a plan. */
export interface ChangeOptions extends Pick<Command, "id" | "ifMatch">, NoLatest {
  /** True where the body had what only an answer has: it is a version that was read, pasted back. */
  readonly pasted?: boolean;
  /** Regions that are to be removed, in any spelling. */
  readonly removeRegions?: readonly string[];
  /** Regions are removed also where the version is in use there, or nobody knows. */
  readonly ignoreUse?: boolean;
  /** True for who may take off what protects the version from deletion. */
  readonly mayUnprotect?: boolean;
  /** `*`: the version shall not be there. */
  readonly ifNoneMatch?: "*";
  /** The number was given to this request: whoever asks for it by name meanwhile has a version that it does not change. */
  readonly isNew?: true;
  /** Throws where the caller may not make a version of these, or encrypt one with them; absent: anybody may. */
  readonly requireMayUse?: (resources: readonly UsedResource[]) => void;
}

/** A command that changes a version by what it shall be. */
export interface ChangeCommand extends Command, ChangeOptions {
  /** `require`: refuse what a plan finds an error in, before anything is stored. */
  readonly plan?: "require";
}

/**
 * Throws ServiceError TooManyReads or what `requireMayUse` throws: before anything of what the body names is read, and
 * before anything is stored. What the version has already is not asked for.
 */
export function mustBeAdmitted(
  { maxReads, requiredRegistrations }: Dependencies,
  { id, requireMayUse }: ChangeOptions,
  body: ImageVersionRequest,
  observed?: ImageVersionRequest,
): void {
  requireFewReads(maxReads, requiredRegistrations.length, namedResources(id, body));
  const had = observed === undefined ? [] : usedResources(observed);
  requireMayUse?.(
    usedResources(body).filter(
      (used) => !had.some(({ kind, id }) => kind === used.kind && sameResourceId(id, used.id)),
    ),
  );
}

/** Throws ServiceError PreconditionFailed, with the present ETag, where the version is not the one that the caller saw. */
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

/** What is asked does not go with an operation of the version. */
export function conflict(message: string, existingOperationId: string | undefined): ServiceError {
  return new ServiceError("ImageVersionConflict", message, {
    fields: { existingOperationId },
  });
}

/** Throws ServiceError ImageVersionConflict while the version is being restored: until Azure has it, nothing can be asked of it. */
export function mustNotBeRestored(id: ImageVersionId, stored: StoredVersion | undefined): void {
  if (stored !== undefined && isRestoring(stored.record)) throw notFound(id, stored.record);
}

/** Errors that another number is free of. */
const TAKEN: readonly ErrorCode[] = ["ImageVersionConflict", "ImageVersionSoftDeleted"];

/**
 * The error with the next free number, where it is a conflict: above all that Azure has or Sigil was asked for. Azure is asked only
 * now, and where it cannot be asked, or none is left, the error has none.
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

/** Azure keeps the deleted version that has the number. */
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

/** Canonical, in order, each once. */
export function canonicalRegions(names: readonly string[] = []): readonly string[] {
  return [...new Set(names.map(canonicalRegion))].sort();
}

/** Throws ServiceError where something was found. */
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
