/**
 * Confirms looks; this is the only place. Azure answers from replicas that may be minutes behind,
 * so a look that contradicts what is known is confirmed only when a second one agrees. Everything
 * else reads `record.status`. Pure. Invariants:
 *  1. A look that shows what is known, or that plus the last write and what Azure adds to it, is
 *     confirmed at once.
 *  2. Any other look within `pace.staleMs` of the last change is unconfirmed, and so is every look
 *     after it, until two in a row agree, `pace.confirmMs` apart, or nothing has changed for
 *     `pace.staleMs`. Sigil writes, ends and reports nothing because of it.
 *  3. That the version is gone is never confirmed by one look, nor while Azure lists it.
 */
import { createHash } from "node:crypto";
import { omit } from "../../objects.js";
import { shownFields, ownFlagsOf } from "../latest/flags.js";
import { withApplied } from "../properties/patch.js";
import type { Look } from "../resources.js";
import { heldIn } from "./held.js";
import type { ImageVersionRecord } from "./record.js";
import {
  type Time,
  type Observed,
  withConfirmed,
  sinceMs,
  isMadeBy,
  isOtherLife,
  isShown,
  isAddedByAzure,
  notVisibleYet,
  fateOf,
  gone,
} from "./confirmed.js";
import { differences } from "../properties/differences.js";

const ABSENT = "absent";

/**
 * Applies one look; undefined: Azure answers 404. `isListed`: whether Azure lists the version,
 * which is read if `asksForList` says so.
 */
export function observe(
  record: ImageVersionRecord,
  look: Look | undefined,
  time: Time,
  isListed = false,
): Observed {
  if (look === undefined) return observeAbsence(record, time, isListed);
  const shows = digestOf(look);
  const isExpected = record.unconfirmed === undefined && isKnown(record, look); // Invariant 1.
  if (isExpected || !isFresh(record, time) || isConfirmed(record, shows, time))
    return withConfirmed(record, look, time);
  return unconfirmed(record, shows, time); // Invariant 2.
}

/**
 * What Azure is assumed to have by a look of this moment, for callers without a step: the look if
 * it is confirmed (`isFact`), else the status.
 */
export function believed(
  record: ImageVersionRecord | undefined,
  look: Look | undefined,
  time: Time,
): { readonly look: Look | undefined; readonly isFact: boolean } {
  // The caller checks a 404 with the list as well (queries/look-at.ts).
  if (record === undefined || look === undefined) return { look, isFact: true };
  const { confirmed } = observe(record, look, time);
  return confirmed === undefined ? { look: record.status, isFact: false } : { look, isFact: true };
}

/**
 * Whether a look without the version is worth a list: it would be confirmed if the list lacks the
 * version, too.
 */
export function asksForList(record: ImageVersionRecord, time: Time): boolean {
  return record.status === undefined ? isToBeDeleted(record) : isConfirmed(record, ABSENT, time);
}

function isToBeDeleted({ requests }: ImageVersionRecord): boolean {
  return Object.values(requests).some(({ deletion }) => deletion !== undefined);
}

/** Why nothing is decided yet. */
export function whyUnconfirmed({
  shows,
  since,
}: NonNullable<ImageVersionRecord["unconfirmed"]>): string {
  return `Since ${since} Azure Resource Manager shows ${
    shows === ABSENT ? "no version" : "the version otherwise than is known"
  }: the answer may be older than the last change. The next polls decide.`;
}

/**
 * The time until a PUT without an answer can no longer be in flight and ARM accepts the next one,
 * and the reason to wait.
 */
export function untilQuiet(
  { write, throttledUntil }: Pick<ImageVersionRecord, "write" | "throttledUntil">,
  { now, pace }: Time,
): { readonly waitMs: number; readonly waits?: string } {
  const sentMs =
    write?.answer === "none"
      ? Date.parse(write.sentTime) + pace.putTimeoutMs * 2 - now.getTime()
      : 0;
  const throttledMs = Date.parse(throttledUntil ?? "") - now.getTime();
  if (throttledMs > Math.max(0, sentMs))
    return {
      waitMs: throttledMs,
      waits: "Azure Resource Manager asked Sigil to wait before the next request.",
    };
  return sentMs > 0
    ? {
        waitMs: sentMs,
        waits: "An earlier request to Azure Resource Manager may still be in flight.",
      }
    : { waitMs: 0 };
}

function unconfirmed(record: ImageVersionRecord, shows: string, { now }: Time): Observed {
  const since = record.unconfirmed?.shows === shows ? record.unconfirmed.since : now.toISOString();
  return { record: { ...record, unconfirmed: { shows, since } } };
}

function isConfirmed(
  { unconfirmed: before, write }: ImageVersionRecord,
  shows: string,
  time: Time,
): boolean {
  const { confirmMs, pollInitialMs } = time.pace;
  // Its absence is what its DELETE was sent for.
  const isAwaited = shows === ABSENT && write?.deletes === true;
  return (
    before?.shows === shows &&
    sinceMs(before.since, time) >= (isAwaited ? pollInitialMs * 2 : confirmMs)
  );
}

/** Whether something changed so recently that a look may be older. */
function isFresh(record: ImageVersionRecord, time: Time): boolean {
  const { write, changedTime, unconfirmed: before } = record;
  return [write?.sentTime, changedTime, before?.since].some(
    (since) => since !== undefined && sinceMs(since, time) < time.pace.staleMs,
  );
}

/** Invariant 1. */
function isKnown(record: ImageVersionRecord, look: Look): boolean {
  const { status, write } = record;
  const shown = shownFields(look.resource);
  if (status === undefined) return write === undefined ? false : isMadeBy(write, look);
  if (isOtherLife(record, look) || heldIn(record, look).length > 0) return false;
  const known = shownFields(status.resource);
  if (differences(known, shown).length === 0) return true;
  return (
    write !== undefined &&
    isShown(write, shown) &&
    differences(withApplied(known, write.changes), shown).every((change) =>
      isAddedByAzure(change, write),
    )
  );
}

/** Invariant 3. */
function observeAbsence(record: ImageVersionRecord, time: Time, isListed: boolean): Observed {
  const { status, write, publishedDate = "" } = record;
  if (status === undefined) {
    if (isListed) return unconfirmed(record, ABSENT, time);
    const kept = omit(record, "unconfirmed");
    if (write === undefined) return { record: kept, confirmed: { life: "same", others: [] } };
    const after = notVisibleYet(kept, write, false, time);
    return {
      record: after.record,
      confirmed: { life: "same", others: [], ...fateOf(write, after.fate) },
    };
  }
  const isOurs = write?.deletes === true;
  if (
    isListed ||
    !isConfirmed(record, ABSENT, time) ||
    (!isOurs && sinceMs(publishedDate, time) < time.pace.staleMs)
  )
    return unconfirmed(record, ABSENT, time);
  const fate = isOurs ? "shown" : "overwritten";
  return {
    record: gone(record, time),
    confirmed: { life: "gone", others: [], ...fateOf(write, fate) },
  };
}

function digestOf({ resource, publishedDate }: Look): string {
  const sorted = (values: object) => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  const shows = [shownFields(resource), ownFlagsOf(resource)].map(sorted);
  return createHash("sha256")
    .update(JSON.stringify([publishedDate, ...shows]))
    .digest("hex")
    .slice(0, 16);
}
