/**
 * The one place where a look becomes a fact. Azure is asked through replicas that may be some minutes behind: a look that
 * contradicts what is known is a fact only once a second one agrees. All else reads `record.status`. Pure. Invariants:
 *  1. A look that shows what is known, or that and the last write with what Azure adds to what the write has made, is a fact at once.
 *  2. Any other look within `pace.staleMs` of the last change is unconfirmed, and so is every look after it, until two in a row agree,
 *     `pace.confirmMs` apart, or nothing has changed for `pace.staleMs`. Nothing is written, ended or told by it.
 *  3. That the version is gone is never a fact at one look, nor where Azure lists it.
 *  4. A write is forgotten once its fate is known: a fact shows it, a fact shows that others have changed its fields, or two looks at
 *     an idle version show nothing of it, so far apart that it can no longer be under way.
 *  5. What becomes a fact and was not Sigil's write is others'.
 */
import { createHash } from "node:crypto";
import type { TransitionContext } from "../../operation/ports.js";
import { factsIn } from "../latest/flags.js";
import { releaseOf } from "../latest/release.js";
import {
  isOwn,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import {
  impossibleAmong,
  unmetBy,
  withApplied,
  type Patch,
  type Unmet,
} from "../properties/patch.js";
import { isBusy, type Look } from "../resources.js";
import type { ImageVersionRecord, Write } from "./record.js";

export type Time = Pick<TransitionContext, "now" | "pace">;

/** What a fact has changed. */
export interface Fact {
  /** `begun`: the first fact of a life. `replaced`: others have made another version under the number. */
  readonly life: "same" | "begun" | "replaced" | "gone";
  /** Fields that others have changed; `after` null: there is none. */
  readonly others: readonly Unmet[];
  /** What has become of the write that was open. */
  readonly write?: {
    readonly fate: "shown" | "overwritten" | "unanswered" | "notShown";
    readonly sentFor: readonly string[];
  };
}

interface Observed {
  readonly record: ImageVersionRecord;
  /** Absent where the look is no fact. */
  readonly fact?: Fact;
}

/** Clocks of Azure and of Sigil are never further apart. */
const CLOCKS_MS = 30_000;

const ABSENT = "absent";

/** One look; undefined: Azure answers 404. `isListed`: whether Azure lists the version, asked where `asksForList` says so. */
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
    return withFact(record, look, time);
  return unconfirmed(record, shows, time); // Invariant 2.
}

/**
 * What Azure is taken to have by a look of this moment, for who asks without a step: the look where it is a fact, else the status.
 * `isFact`: whether that is so.
 */
export function believed(
  record: ImageVersionRecord | undefined,
  look: Look | undefined,
  time: Time,
): { readonly look: Look | undefined; readonly isFact: boolean } {
  // That nothing is there is asked of the list as well (queries/look-at.ts) by whoever asks.
  if (record === undefined || look === undefined) return { look, isFact: true };
  const { fact } = observe(record, look, time);
  return fact === undefined
    ? { look: record.status, isFact: false }
    : { look, isFact: true };
}

/** Whether a look that shows no version is worth a list: it would be a fact if that lacks the version, too. */
export function asksForList(
  record: ImageVersionRecord,
  look: Look | undefined,
  time: Time,
): boolean {
  return (
    look === undefined &&
    record.status !== undefined &&
    isConfirmed(record, ABSENT, time)
  );
}

/** Why nothing is decided yet. */
export function whyUnconfirmed({
  unconfirmed: { shows, since } = { shows: "", since: "" },
}: ImageVersionRecord): string {
  return `Since ${since} Azure Resource Manager shows ${
    shows === ABSENT ? "no version" : "the version otherwise than is known"
  }: the answer may be older than the last change. The next polls decide.`;
}

function unconfirmed(
  record: ImageVersionRecord,
  shows: string,
  { now }: Time,
): Observed {
  const since =
    record.unconfirmed?.shows === shows
      ? record.unconfirmed.since
      : now.toISOString();
  return { record: { ...record, unconfirmed: { shows, since } } };
}

function isConfirmed(
  { unconfirmed: before }: ImageVersionRecord,
  shows: string,
  time: Time,
): boolean {
  return (
    before?.shows === shows &&
    sinceMs(before.since, time) >= time.pace.confirmMs
  );
}

/** Something has changed so lately that a look may be older. */
function isFresh(record: ImageVersionRecord, time: Time): boolean {
  const { write, changedTime, unconfirmed: before } = record;
  return [write?.sentTime, changedTime, before?.since].some(
    (since) => since !== undefined && sinceMs(since, time) < time.pace.staleMs,
  );
}

/** Invariant 1. */
function isKnown(record: ImageVersionRecord, look: Look): boolean {
  const { status, write } = record;
  const facts = factsIn(look.resource);
  if (status === undefined)
    return write === undefined ? false : isMadeBy(write, look);
  if (isOtherLife(record, look)) return false;
  const known = factsIn(status.resource);
  if (differences(known, facts).length === 0) return true;
  return (
    write !== undefined &&
    isShown(write, facts) &&
    differences(withApplied(known, write.changes), facts).every((change) =>
      isAzures(change, write),
    )
  );
}

/** The version that this write has created, or had restored, as it was sent. */
function isMadeBy(write: Write, look: Look): boolean {
  if (write.restores === true) return true;
  const facts = factsIn(look.resource);
  const sent = regionsIn(write.changes);
  return (
    isShown(write, facts) &&
    regionsIn(facts).every((name) => sent.includes(name)) &&
    isSince(write, look)
  );
}

function isSince({ sentTime }: Write, { publishedDate = "" }: Look): boolean {
  return !(Date.parse(publishedDate) < Date.parse(sentTime) - CLOCKS_MS);
}

function isShown({ changes }: Write, facts: Fields): boolean {
  return unmetBy(facts, changes).length === 0;
}

/** Azure itself says it of what the write has made. */
function isAzures(
  { field, before }: Unmet,
  { creates, changes }: Write,
): boolean {
  if (before !== undefined) return false;
  const region = regionOf(field);
  return (
    creates === true ||
    (region !== undefined && changes[`${regionField(region)}/name`] != null)
  );
}

export function isOtherLife(
  { publishedDate }: Pick<ImageVersionRecord, "publishedDate">,
  look: Pick<Look, "publishedDate">,
): boolean {
  return (
    publishedDate !== undefined &&
    look.publishedDate !== undefined &&
    publishedDate !== look.publishedDate
  );
}

function withFact(
  { unconfirmed: _, ...record }: ImageVersionRecord,
  look: Look,
  time: Time,
): Observed {
  const { status, write } = record;
  if (status === undefined) return begun(record, look, time);
  if (isOtherLife(record, look))
    return {
      record: anotherLife(record, look, time),
      fact: { life: "replaced", others: [], ...fateOf(write, "overwritten") },
    };
  const known = factsIn(status.resource);
  const facts = factsIn(look.resource);
  const others = differences(known, facts).filter(
    (change) => write === undefined || !isOurs(change, write),
  );
  const after = afterWrite(record, known, look, time);
  const { fate } = after;
  const isChanged = others.length > 0 || fate === "shown";
  const dates = look.publishedDate ?? record.publishedDate;
  const lost = others.flatMap(({ field, after: now }) =>
    now === null && field.endsWith("/name") ? (regionOf(field) ?? []) : [],
  );
  return {
    record: {
      ...after.record,
      status: look,
      regions: record.regions.filter(({ name }) => !lost.includes(name)),
      ...(dates !== undefined && { publishedDate: dates }),
      ...(isChanged && { changedTime: time.now.toISOString() }),
      // Invariant 3 of record.ts.
      ...(record.spec && { spec: withoutThose(record.spec, others) }),
    },
    fact: { life: "same", others, ...fateOf(write, fate) },
  };
}

function fateOf(
  write: Write | undefined,
  fate: NonNullable<Fact["write"]>["fate"] | undefined,
): Pick<Fact, "write"> {
  return write === undefined || fate === undefined
    ? {}
    : { write: { fate, sentFor: write.sentFor } };
}

/** The first fact of a life. */
function begun(record: ImageVersionRecord, look: Look, time: Time): Observed {
  const { write, spec, release } = record;
  // What ARM has accepted it has made, though it may show it otherwise: then the write is open still.
  const isOwn =
    write !== undefined &&
    (isMadeBy(write, look) ||
      (write.answer === "accepted" && isSince(write, look)));
  if (!isOwn && isOtherLife(record, look))
    return {
      record: anotherLife(record, look, time),
      fact: { life: "replaced", others: [], ...fateOf(write, "overwritten") },
    };
  // What others, or a restore, have given back is the version that was there.
  const isBack = look.publishedDate === record.publishedDate && spec;
  const others = isOwn ? changedSince(write, look) : [];
  const isOpen =
    isOwn &&
    others.length === 0 &&
    unmetBy(factsIn(look.resource), write.changes).length > 0;
  const { write: _, spec: __, left: ___, ...kept } = record;
  const there = regionsIn(factsIn(look.resource));
  return {
    record: {
      ...kept,
      ...(isOpen && { write }),
      ...(isBack && write?.creates !== true && { spec }),
      release:
        (isOwn ? write.release : undefined) ??
        (isBack ? release : undefined) ??
        releaseOf(look.resource),
      status: look,
      changedTime: time.now.toISOString(),
      ...(look.publishedDate !== undefined && {
        publishedDate: look.publishedDate,
      }),
      // Regions that the write has named and others' version does not have were never there.
      ...(!isOwn &&
        write !== undefined && {
          regions: record.regions.filter(({ name }) => there.includes(name)),
        }),
    },
    fact: {
      life: "begun",
      others,
      ...(!isOpen && fateOf(write, isOwn ? "shown" : "overwritten")),
    },
  };
}

/** What the first fact shows otherwise than it was sent. What it does not show at all is awaited. */
function changedSince({ changes }: Write, { resource }: Look): Unmet[] {
  const missing = unmetBy(factsIn(resource), changes);
  const never = impossibleAmong(missing);
  return missing.flatMap((one) =>
    one.before === undefined || never.includes(one)
      ? []
      : [{ field: one.field, before: one.after, after: one.before }],
  );
}

/** Others have made the version: what was known was of one that is no more. */
function anotherLife(
  {
    spec: _,
    write: __,
    rollout: ___,
    window: ____,
    ...record
  }: ImageVersionRecord,
  look: Look,
  { now }: Time,
): ImageVersionRecord {
  return {
    ...record,
    status: look,
    changedTime: now.toISOString(),
    ...(look.publishedDate !== undefined && {
      publishedDate: look.publishedDate,
    }),
    release: releaseOf(look.resource),
    regions: [],
    repairs: {},
    conditions: [],
    updates: 0,
  };
}

/** Invariant 4. */
function afterWrite(
  record: ImageVersionRecord,
  known: Fields,
  look: Look,
  time: Time,
): {
  readonly record: ImageVersionRecord;
  readonly fate?: NonNullable<Fact["write"]>["fate"];
} {
  const { write, ...rest } = record;
  if (write === undefined) return { record };
  const facts = factsIn(look.resource);
  const missing = unmetBy(facts, write.changes);
  if (missing.length === 0)
    return {
      record: { ...rest, ...(write.release && { release: write.release }) },
      fate: "shown",
    };
  if (missing.some(({ field, before }) => isThird(field, before, known)))
    return { record: rest, fate: "overwritten" };
  return unshown(record, write, isBusy(look), time);
}

/** Neither what was sent nor what was there before. */
function isThird(field: string, shown: unknown, known: Fields): boolean {
  const region = regionOf(field);
  return region !== undefined && field === regionField(region)
    ? false
    : !sameAt(field, shown, valueAt(known, field));
}

/** A look shows nothing of the write, or not all of it. */
function unshown(
  record: ImageVersionRecord,
  write: Write,
  busy: boolean,
  time: Time,
): {
  readonly record: ImageVersionRecord;
  readonly fate?: "unanswered" | "notShown";
} {
  const { unshownSince, ...kept } = write;
  if (busy) return { record: { ...record, write: { ...kept, begun: true } } };
  const since = unshownSince ?? time.now.toISOString();
  const { confirmMs, putTimeoutMs, staleMs } = time.pace;
  const isAnswered = write.answer === "accepted";
  const enoughMs = isAnswered ? staleMs : Math.max(confirmMs, putTimeoutMs * 2);
  if (sinceMs(since, time) < enoughMs)
    return { record: { ...record, write: { ...write, unshownSince: since } } };
  const { write: _, ...forgotten } = record;
  return { record: forgotten, fate: isAnswered ? "notShown" : "unanswered" };
}

/** Invariant 3. */
function observeAbsence(
  record: ImageVersionRecord,
  time: Time,
  isListed: boolean,
): Observed {
  const { status, write, publishedDate = "" } = record;
  if (status === undefined) {
    const { unconfirmed: _, ...kept } = record;
    if (write === undefined)
      return { record: kept, fact: { life: "same", others: [] } };
    const after = unshown(kept, write, false, time);
    return {
      record: after.record,
      fact: { life: "same", others: [], ...fateOf(write, after.fate) },
    };
  }
  if (
    isListed ||
    !isConfirmed(record, ABSENT, time) ||
    sinceMs(publishedDate, time) < time.pace.staleMs
  )
    return unconfirmed(record, ABSENT, time);
  return {
    record: gone(record, time),
    fact: { life: "gone", others: [], ...fateOf(write, "overwritten") },
  };
}

/** Azure has the version no more. What was achieved stays: the same version again is the same. */
export function gone(
  {
    status,
    write: __,
    unconfirmed: ___,
    window: ____,
    ...record
  }: ImageVersionRecord,
  { now }: Pick<Time, "now">,
): ImageVersionRecord {
  return {
    ...record,
    ...(status && { left: status.resource }),
    changedTime: now.toISOString(),
    regions: [],
    repairs: {},
    conditions: [],
  };
}

/** It shows what the write has sent of the field, or what Azure adds to that. */
function isOurs(change: Unmet, write: Write): boolean {
  const { field, after } = change;
  const region = regionOf(field);
  if (region !== undefined && write.changes[regionField(region)] === null)
    return after === null;
  const sent = Object.keys(write.changes).find(
    (name) => name === field || isSameTag(name, field),
  );
  if (sent === undefined) return isAzures(change, write);
  return sameAt(field, write.changes[sent] ?? undefined, after ?? undefined);
}

function isSameTag(one: string, other: string): boolean {
  return one.startsWith("/tags/") && one.toLowerCase() === other.toLowerCase();
}

/** What others have changed is theirs: but for what is Sigil's own. */
function withoutThose(spec: Fields, others: readonly Unmet[]): Fields {
  const theirs = (field: string): boolean =>
    others.some(
      (change) =>
        change.field === field ||
        isSameTag(change.field, field) ||
        // With its region goes all that it has.
        (change.after === null &&
          change.field === `${regionField(regionOf(field) ?? "")}/name`),
    );
  return others.length === 0
    ? spec
    : Object.fromEntries(
        Object.entries(spec).filter(
          ([field]) => isOwn(field) || !theirs(field),
        ),
      );
}

/** In what two versions differ; `after` null: the second has none. */
export function differences(before: Fields, after: Fields): readonly Unmet[] {
  return [
    ...Object.entries(after).flatMap(([field, value]): Unmet[] => {
      const old = valueAt(before, field);
      return sameAt(field, old, value)
        ? []
        : [{ field, before: old, after: value }];
    }),
    ...Object.entries(before).flatMap(([field, value]): Unmet[] =>
      valueAt(after, field) === undefined && !sameAt(field, value, undefined)
        ? [{ field, before: value, after: null }]
        : [],
    ),
  ];
}

/** Regions that a patch adds to what is known. */
export function addedBy(changes: Patch): readonly string[] {
  return regionsIn(changes).filter(
    (name) => changes[`${regionField(name)}/name`] != null,
  );
}

function digestOf({ resource, publishedDate }: Look): string {
  const facts = Object.entries(factsIn(resource)).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return createHash("sha256")
    .update(JSON.stringify([publishedDate, facts]))
    .digest("hex")
    .slice(0, 16);
}

function sinceMs(since: string, { now }: Pick<Time, "now">): number {
  return now.getTime() - Date.parse(since);
}
