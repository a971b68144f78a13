/**
 * What a look makes of a version that no operation works on. Pure. Invariants:
 *  1. A look of what Azure is still working on, or that may be older than Sigil's last write, changes nothing and tells nothing.
 *  2. What is told is stored as shown in the same commit: it is told once.
 *  3. That the version is gone counts at the second look, `pace.confirmMs` after the first or later, with none between that
 *     shows it.
 */
import { isDeepStrictEqual } from "node:util";
import { closing } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { Effect } from "../../operation/records.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import { isBusy, type ListedImageVersion, type Look } from "../resources.js";
import { heldRow } from "./accepting.js";
import {
  endedByOthers,
  isMadeByOthers,
  known,
  withoutLife,
} from "./adoption.js";
import { isJustThere, isOld } from "./attempts.js";
import {
  changedByOthers,
  deletedOutside,
  deletionByOthers,
  drift,
  exclusionEvents,
  isKept,
  outsideEvents,
} from "./outside.js";
import {
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
} from "./record.js";
import { includedAfter } from "./held.js";
import { heldBackBy, withLook, withOldLook } from "./see.js";
import { isFinal } from "./states.js";
import { presentRule } from "./wanted.js";

const GONE = "gone-at-rest";

/** Azure had the version as Sigil has made or adopted it when it was seen last, and no operation works on it. */
export function isKeptAtRest(record: ImageVersionRecord): boolean {
  return isFinal(record.state) && isKept(record);
}

/** What Azure lists says nothing that is not known: no look is needed. */
export function isAsKnown(
  record: ImageVersionRecord,
  listed: ListedImageVersion,
): boolean {
  const { observed, outside, outsideTold = [], doubt } = record;
  const isOpen =
    doubt?.what === GONE ||
    outside?.returnedTime !== undefined ||
    (outside !== undefined && outside.told !== true) ||
    outsideTold.some(({ returnedTime }) => returnedTime !== undefined);
  return (
    (isBusy(listed) && doubt?.what !== GONE) ||
    (!isOpen &&
      observed !== undefined &&
      listed.publishedDate === observed.publishedDate &&
      drift(fieldsOf(observed.resource), fieldsOf(listed.resource)).length ===
        0)
  );
}

/** One look; undefined where it changes nothing. */
export function seeAtRest(
  pair: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { record } = pair;
  if (look === undefined) return missing(pair, context);
  // Invariant 1. It is there all the same.
  if (isBusy(look) || isOld(record, look, context)) {
    const seen = withOldLook(pair, look);
    return undoubted(seen) ?? (seen === pair ? undefined : seen);
  }
  if (isMadeByOthers(record, look))
    return endedOutside(pair, look.publishedDate, context);
  // Of operations that are over, what was applied alone counts, and one of them tells.
  const others = changedByOthers(record, look, context);
  const known = { ...record, requests: {}, members: [] };
  const { record: shown } = withLook({ ...pair, record: known }, look, context);
  const {
    outside: _,
    outsideTold: __,
    latestGone: ___,
    doubt: ____,
    ...kept
  } = {
    ...shown,
    requests: record.requests,
    members: record.members,
  };
  const there = regionsIn(fieldsOf(look.resource));
  const held = {
    ...kept,
    ...others.remembered,
    ...heldBackBy(others, known),
    regions: record.regions.filter(({ name }) => there.includes(name)),
  };
  const seen: ImageVersionRecord = { ...held, ...includedAfter(held, look) };
  const told = [
    ...exclusionEvents({ ...pair, record: known }, others, look, context),
    ...outsideEvents(pair, others, look, context),
  ];
  // What its rule waits for may be another now.
  const listed =
    told.length > 0 ? heldRow(record.resourceId, presentRule(known)) : [];
  return told.length === 0 && isSame(record, seen)
    ? undefined
    : telling({ ...pair, record: seen }, [...told, ...listed]);
}

/** Invariant 3. */
function undoubted(pair: ImageVersionPair): ImageVersionPair | undefined {
  const { doubt, ...record } = pair.record;
  return doubt?.what === GONE ? { ...pair, record } : undefined;
}

/** But for when, and how far its regions were. */
function isSame(one: ImageVersionRecord, other: ImageVersionRecord): boolean {
  const { observed: before, ...known } = one;
  const { observed: after, ...seen } = other;
  return (
    isDeepStrictEqual(known, seen) &&
    before !== undefined &&
    after !== undefined &&
    drift(fieldsOf(before.resource), fieldsOf(after.resource)).length === 0
  );
}

/** Invariant 3. */
function missing(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { record } = pair;
  const { now, pace } = context;
  const { sentTime, acceptedTime = sentTime } = sentLast(record) ?? {};
  // Invariant 1: it may be of before the version was made.
  if (
    isJustThere(record, context) ||
    now.getTime() - Date.parse(acceptedTime ?? "") < pace.staleMs
  )
    return undefined;
  const { doubt } = record;
  if (doubt?.what !== GONE)
    return {
      ...pair,
      record: { ...record, doubt: { what: GONE, since: now.toISOString() } },
    };
  return now.getTime() - Date.parse(doubt.since) < pace.confirmMs
    ? undefined
    : endedOutside(pair, undefined, context);
}

/**
 * The record as after a deletion: its number may be made again by a PUT that says so. `publishedDate` is of the version that
 * others have made under it since.
 */
function endedOutside(
  pair: ImageVersionPair,
  publishedDate: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const {
    doubt: _,
    outside: __,
    outsideTold: ___,
    ...record
  } = withoutLife(pair.record, context.now);
  return telling(
    {
      ...pair,
      record: {
        ...record,
        ...endedByOthers(pair.record, context.now),
        state: "Deleted",
        deletedOutside: true,
        requests: {},
        updates: 0,
      },
    },
    [deletedOutside(pair.operation, publishedDate, context)],
  );
}

/** What is made or restored where others have deleted the version: that is told first, where no look has found it. */
export function tellingEnd(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionRecord {
  return isKeptAtRest(pair.record)
    ? telling(pair, [deletedOutside(pair.operation, undefined, context)]).record
    : pair.record;
}

/** The record as something is asked of what the look shows: that others have made that in place of Sigil's is told first, too. */
export function knownAtRest(
  pair: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
): ImageVersionRecord {
  const { record } = pair;
  return look !== undefined && isFinal(record.state)
    ? known(telling(pair, deletionByOthers(pair, look, context)).record, look)
    : known(record, look);
}

/** What the reconciler finds where the process dies. */
export function telling(
  pair: ImageVersionPair,
  told: readonly Effect[],
): ImageVersionPair {
  if (told.length === 0) return pair;
  const { record, operation } = pair;
  return {
    ...pair,
    record: {
      ...record,
      outbox: [...record.outbox, ...told, closing(operation.id)],
    },
  };
}
