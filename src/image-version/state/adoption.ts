/**
 * Whose a version is: Sigil's, or that of others who made it under a number that Sigil was asked for as well. Pure.
 * Invariants:
 *  1. A version that Sigil did not make, and that is not what was asked for, is never written over unless the caller has
 *     said which version it saw.
 *  2. An operation is about one life of the version, known by its date of publishing: the one that was seen when it was
 *     accepted, or that it makes. A later life gets nothing of what was asked of the one before, and is told nothing of it.
 *  3. Who would create finds a version of others only by two looks, `pace.confirmMs` apart or more: the first may be of one
 *     that is gone.
 */
import type { Finding } from "../../errors.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure } from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import { differs } from "../properties/changes.js";
import {
  fieldsOf,
  regionField,
  regionOf,
  regionsIn,
  type Fields,
} from "../properties/fields.js";
import {
  statedIn,
  unmetBy,
  withApplied,
  type Patch,
} from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import type { Look } from "../resources.js";
import { emptyRecord, unseen } from "./accepting.js";
import {
  batchOf,
  sentLast,
  type Attempt,
  type Doubt,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { keptOf, openRequests, ruleOf, wantedBy } from "./wanted.js";

/** Clocks of Azure and of Sigil are never further apart. */
const CLOCKS_MS = 30_000;

/** For so long after a look a replica of ARM that is behind may still show the life before. */
const BEHIND_MS = 600_000;

export const BEHIND =
  "Azure Resource Manager shows a version that was under the number before.";

const OF_OTHERS =
  "Azure Resource Manager shows a version of others under the number. They may have deleted it a moment ago: the next polls decide.";

/** A record of a version that Azure shows: what was sent and is shown was applied, though nobody stayed to see it. */
export function known(
  record: ImageVersionRecord,
  look: Look | undefined,
): ImageVersionRecord {
  if (look === undefined) return record;
  if (isMadeByOthers(record, look)) return ofOthers(record, look);
  const sent = sentLast(record);
  if (sent === undefined || isBehind(record, look)) return record;
  const seen = { ...record, ...keptOf({ ...record, observed: look }) };
  const { asked = {} } = sent;
  return record.unmanaged === true ||
    sent.outcome === "shown" ||
    Object.keys(asked).length === 0 ||
    !shows(look, sent)
    ? seen
    : {
        ...seen,
        exists: true,
        lastApplied: withApplied(seen.lastApplied, asked),
      };
}

/** A version that others have made: from now on there is a record of it, though nothing of it was applied by Sigil. */
export function found(
  look: Look,
  { key, resourceId }: Pick<ImageVersionRecord, "key" | "resourceId">,
  now: Date,
): ImageVersionRecord {
  return known(emptyRecord(key, resourceId, now.toISOString()), look);
}

/** What an operation that is over has sent, and no look has shown yet: whether it was applied the next look will tell. */
export function unsettled(
  record: ImageVersionRecord,
  look: Look | undefined,
): Patch | undefined {
  const sent = sentLast(record);
  if (
    sent === undefined ||
    sent.outcome === "shown" ||
    record.unmanaged === true ||
    (look !== undefined && shows(look, sent)) ||
    openRequests(record).some(([id]) => sent.sentFor?.includes(id))
  )
    return undefined;
  return sent.asked;
}

/** What Azure shows is not what Sigil made, or knew. */
export function isMadeByOthers(
  record: ImageVersionRecord,
  look: Look,
): boolean {
  if (isBehind(record, look)) return false;
  const sent = sentLast(record);
  return (
    isOtherLife(record, look) ||
    (!record.exists &&
      !(
        sent !== undefined &&
        shows(look, sent) &&
        hasNoMoreRegions(look, sent)
      ))
  );
}

/** What tools say in every body includes nothing that others hold back, nor where a region's own flag does. */
function heldBackStill(stated: Fields, { resource }: Look): Fields {
  const shown = fieldsOf(resource);
  return Object.fromEntries(
    Object.entries(stated).filter(
      ([name, value]) =>
        value !== false ||
        !name.endsWith("/excludeFromLatest") ||
        (shown[name] ?? shown[EXCLUDE_FROM_LATEST]) !== true,
    ),
  );
}

/** What a body leaves out was to be cleared of the life that it was compared with; regions go where they are named. */
function withoutOmitted(changes: Patch): Patch {
  return Object.fromEntries(
    Object.entries(changes).filter(
      ([name, value]) =>
        value !== null || name === regionField(regionOf(name) ?? ""),
    ),
  );
}

/** Others have made it: what Sigil knew, and is asked already, was of another life. */
export function ofOthers(
  {
    lastApplied: _,
    lastAttempt: __,
    writes: ____,
    excludedByCancel: ___,
    deletedLife,
    rollout: _____,
    ...kept
  }: ImageVersionRecord,
  look: Look,
): ImageVersionRecord {
  const { publishedDate } = look;
  const before = (request: VersionRequest): VersionRequest => {
    const life = lifeOf(kept, request);
    const dated =
      life === undefined ? request : { ...request, publishedDate: life };
    // A body that may create says all that the version shall be: of this life nothing of it was applied.
    return request.creates === true && request.body !== undefined
      ? {
          ...dated,
          changes: {
            ...withoutOmitted(request.changes),
            ...heldBackStill(
              statedIn(fieldsOf(request.body), fieldsOf(look.resource)),
              look,
            ),
          },
          repeats: {},
        }
      : dated;
  };
  return {
    ...kept,
    exists: true,
    unmanaged: true,
    ...(isSameLife(deletedLife, publishedDate) && {
      deletedLife,
      restoredTime: look.time,
    }),
    observed: look,
    opened: false,
    repairs: {},
    regions: kept.regions.map(({ name, attempts }) => ({
      ...unseen(name),
      // What is told of it now is of another attempt.
      attempts: attempts === 0 ? 0 : attempts + 1,
    })),
    requests: Object.fromEntries(
      Object.entries(kept.requests).map(([id, request]) => [
        id,
        before(request),
      ]),
    ),
    queued: kept.queued.map((queued) => ({
      ...queued,
      request: before(queued.request),
    })),
    ...(publishedDate !== undefined && { publishedDate }),
  };
}

function lifeOf(
  record: Pick<ImageVersionRecord, "publishedDate">,
  request: VersionRequest | undefined,
): string | undefined {
  return request?.publishedDate ?? record.publishedDate;
}

/** Invariant 2: Azure shows another life than the one that the request is about. What is not known is no other. */
export function isOfOtherLife(
  record: ImageVersionRecord,
  request: VersionRequest | undefined,
  { publishedDate }: Pick<Look, "publishedDate">,
): boolean {
  const life = lifeOf(record, request);
  return (
    life !== undefined && publishedDate !== undefined && life !== publishedDate
  );
}

/** Azure shows another version than the one whose deletion was asked. */
export function isNotMeant(
  record: ImageVersionRecord,
  request: VersionRequest,
  look: Look,
): boolean {
  return (
    isOfOtherLife(record, request, look) ||
    (request.absent === true &&
      lifeOf(record, request) === undefined &&
      isMadeByOthers(record, look))
  );
}

/** Made no later than clocks can tell from the time: whoever asked then may have meant it. */
export function mayBeFromBefore(
  { publishedDate = "" }: Pick<Look, "publishedDate">,
  time: string,
): boolean {
  return Date.parse(publishedDate) < Date.parse(time) + CLOCKS_MS;
}

/**
 * The look is of a replica that is behind: it shows a life before the one that was seen, or made, a moment ago, or one that
 * was found to be over then.
 */
export function isBehind(
  record: Pick<
    ImageVersionRecord,
    "publishedDate" | "observed" | "lifeBefore" | "lastAttempt"
  >,
  look: Look,
): boolean {
  const { publishedDate = "", observed, lifeBefore } = record;
  const shown = Date.parse(look.publishedDate ?? "");
  const isRecent = (time = ""): boolean =>
    Date.parse(look.time) - Date.parse(time) < BEHIND_MS;
  const { sentTime = "", acceptedTime } = sentLast(record) ?? {};
  return (
    (shown < Date.parse(publishedDate) && isRecent(observed?.time)) ||
    (shown <= Date.parse(lifeBefore?.publishedDate ?? "") &&
      isRecent(lifeBefore?.endTime)) ||
    // Nothing of what was made has been seen yet.
    (observed === undefined &&
      shown < Date.parse(sentTime) - CLOCKS_MS &&
      isRecent(acceptedTime))
  );
}

/** Why nothing can be decided by this look about a version that Sigil has not made yet; with what a later one confirms. */
export function doubtful(
  record: ImageVersionRecord,
  look: Look | undefined,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): { readonly why: string; readonly doubt?: Doubt } | undefined {
  if (record.exists) return undefined;
  if (look === undefined)
    return wasOfOthers(record.doubt)
      ? confirmedBy(record, GONE, { now, pace })
      : undefined;
  if (isBehind(record, look)) return { why: BEHIND };
  const mayCreate = batchOf(record).some(([, { creates }]) => creates === true);
  if (!mayCreate || !isMadeByOthers(record, look)) return undefined;
  return confirmedBy(record, `${OTHERS}${look.publishedDate ?? ""}`, {
    now,
    pace,
  });
}

const OTHERS = "others/";
const GONE = "others-gone";

/** A look has shown a version of others, or none after one that has. */
function wasOfOthers(doubt: Doubt | undefined): boolean {
  return doubt?.what.startsWith(OTHERS) === true || doubt?.what === GONE;
}

/** The life of others that a look of the operation that leads has shown. */
export function lifeOfOthers({
  doubt,
}: Pick<ImageVersionRecord, "doubt">): string | undefined {
  const life = doubt?.what.startsWith(OTHERS)
    ? doubt.what.slice(OTHERS.length)
    : "";
  return life === "" ? undefined : life;
}

/** Invariant 3. */
function confirmedBy(
  { doubt: before }: ImageVersionRecord,
  what: string,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): { readonly why: string; readonly doubt: Doubt } | undefined {
  const doubt =
    before?.what === what ? before : { what, since: now.toISOString() };
  return now.getTime() - Date.parse(doubt.since) >= pace.confirmMs
    ? undefined
    : { why: OF_OTHERS, doubt };
}

/** What is remembered of a life that is found to be over. */
export function lifeOver(
  publishedDate: string | undefined,
  { lifeBefore }: Pick<ImageVersionRecord, "lifeBefore">,
  now: Date,
): Pick<ImageVersionRecord, "lifeBefore"> {
  return publishedDate === undefined
    ? { ...(lifeBefore && { lifeBefore }) }
    : { lifeBefore: { publishedDate, endTime: now.toISOString() } };
}

/** What Sigil knew was of a version that is no more. */
export function withoutLife(
  record: ImageVersionRecord,
  now: Date,
): ImageVersionRecord {
  const {
    lastApplied: _,
    observed: __,
    publishedDate,
    lastAttempt: ____,
    writes: ________,
    overriddenRule: _____,
    unmanaged: ______,
    excludedByCancel: _______,
    deletedLife: _________,
    rollout: __________,
    ...kept
  } = record;
  return {
    ...kept,
    ...lifeOver(publishedDate, record, now),
    exists: false,
    regions: [],
    repairs: {},
    opened: false,
  };
}

/**
 * What is kept of a life that is over: what it had, as far as it was known; of one before, where this one was never seen. One
 * that others had restored, and nobody has adopted since, is Sigil's as it was when it was deleted before.
 */
export function endedLife(
  record: ImageVersionRecord,
  now: Date,
): Pick<ImageVersionRecord, "deletedLife"> {
  const { observed, publishedDate, deletedLife } = record;
  if (observed === undefined) return deletedLife ? { deletedLife } : {};
  const { lastApplied, overriddenRule, unmanaged, excludedByCancel } =
    record.lastApplied === undefined && isSameLife(deletedLife, publishedDate)
      ? // What was done with it since was done by hand: no rule of before goes on.
        { ...deletedLife, overriddenRule: ruleOf(deletedLife.lastApplied) }
      : record;
  return {
    deletedLife: {
      resource: observed.resource,
      endTime: now.toISOString(),
      ...(publishedDate !== undefined && { publishedDate }),
      ...(lastApplied && { lastApplied }),
      ...(overriddenRule && { overriddenRule }),
      ...(unmanaged && { unmanaged }),
      ...(excludedByCancel && { excludedByCancel }),
    },
  };
}

/** The same of a life that others have ended: what they had changed before that was not told. */
export function endedByOthers(
  record: ImageVersionRecord,
  now: Date,
): Pick<ImageVersionRecord, "deletedLife"> {
  const { deletedLife } = endedLife(record, now);
  if (deletedLife === undefined) return {};
  // What Sigil has sent and no look has shown is no change of theirs.
  const { outcome = "shown" } = sentLast(record) ?? {};
  const isKnown = record.observed !== undefined && outcome === "shown";
  return {
    deletedLife: { ...deletedLife, ...(isKnown && { byOthers: true }) },
  };
}

/** Azure shows the life again that was deleted, by whomever it was restored. */
export function isSameLife(
  life: ImageVersionRecord["deletedLife"],
  publishedDate: string | undefined,
): life is NonNullable<ImageVersionRecord["deletedLife"]> {
  return (
    life?.publishedDate !== undefined && life.publishedDate === publishedDate
  );
}

/** How an operation ends whose version is another one now. */
export function madeAgain(
  { resourceId }: Pick<ImageVersionRecord, "resourceId">,
  { publishedDate }: Look,
): OperationFailure {
  return {
    code: "ChangedOutside",
    message: `${resourceId} was deleted and created again after this request: the version that Azure has under this number now, published ${publishedDate}, is another one. It was left as it is. GET it, and send the request again if it is meant for that version.`,
    errors: [],
  };
}

/** Why the batch may not be applied to what Azure shows: others have made it. Invariants 1 and 2. */
export function adoptionRefusal(
  record: ImageVersionRecord,
  look: Look | undefined,
): OperationFailure | undefined {
  if (look === undefined || isBehind(record, look)) return undefined;
  if (
    batchOf(record).some(
      // A body that may create says all that the version shall be, of whichever life.
      ([, request]) =>
        request.creates !== true && isOfOtherLife(record, request, look),
    )
  )
    return madeAgain(record, look);
  if (!(record.unmanaged === true || isMadeByOthers(record, look)))
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
      ? "was not made by this request"
      : "was made by others, or changed by a policy while the answer to Sigil's create request was lost";
  return {
    code: "ImageVersionConflict",
    message: `${record.resourceId} exists in Azure already, ${whose}, and differs from the request. Sigil writes nothing more to it. Send the request with If-Match to change it, or use another version name.`,
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

function hasNoMoreRegions(look: Look, { changes }: Attempt): boolean {
  const sent = regionsIn(changes);
  return regionsIn(fieldsOf(look.resource)).every((name) =>
    sent.includes(name),
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
