/**
 * Applies a confirmed look to the record: a look at the same life, a new life, another version, or no version. Pure. Invariants:
 *  1. A write is dropped when its outcome is known: a confirmed look shows it, or shows that others changed its fields, or two looks at
 *     an idle version do not show it, so far apart that it can no longer be in flight.
 *  2. A confirmed change that Sigil's write does not explain was made by others.
 */
import { omit } from "../../objects.js";
import type { TransitionContext } from "../../operation/ports.js";
import { shownFields, isFlag } from "../latest/flags.js";
import { releaseOf } from "../latest/release.js";
import {
  isSigilField,
  nameIn,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import { impossibleAmong, unmetBy, type Unmet } from "../properties/patch.js";
import { isBusy, type Look } from "../resources.js";
import { differences, lostIn } from "../properties/differences.js";
import { heldIn, inWords } from "./held.js";
import {
  withoutOrigin,
  type ImageVersionRecord,
  type VersionRequest,
  type Write,
} from "./record.js";

export type Time = Pick<TransitionContext, "now" | "pace">;

/** The changes that a confirmed look brings. */
export interface Confirmed {
  /** `begun`: the first confirmed look of a life. `replaced`: others created another version under the same number. */
  readonly life: "same" | "begun" | "replaced" | "gone";
  /**
   * Fields that others changed; `after` null: they removed it. `before` null: a flag that the region itself did not have, in a region
   * where the version was out of latest already.
   */
  readonly others: readonly Unmet[];
  /** Canonical regions that others newly excluded by the region's own flag; absent: none. */
  readonly held?: readonly string[];
  /** The outcome of the open write. */
  readonly write?: Write & {
    readonly fate: "shown" | "overwritten" | "unanswered" | "notShown";
  };
}

/** Whether it shows only what was known. */
export function showsNothingNew({ life, others, write }: Confirmed): boolean {
  return life === "same" && others.length === 0 && write === undefined;
}

export interface Observed {
  readonly record: ImageVersionRecord;
  /** Absent: the look is not confirmed. */
  readonly confirmed?: Confirmed;
}

/** The assumed maximum difference between the clocks of Azure and Sigil. */
const CLOCKS_MS = 30_000;

/** Whether this write created or restored the version, exactly as it was sent. */
export function isMadeBy(write: Write, look: Look): boolean {
  if (write.restores === true) return true;
  const shown = shownFields(look.resource);
  const sent = regionsIn(write.changes);
  return (
    isShown(write, shown) &&
    regionsIn(shown).every((name) => sent.includes(name)) &&
    isSince(write, look)
  );
}

function isSince({ sentTime }: Write, { publishedDate = "" }: Look): boolean {
  return !(Date.parse(publishedDate) < Date.parse(sentTime) - CLOCKS_MS);
}

export function isShown({ changes }: Write, shown: Fields): boolean {
  return unmetBy(shown, changes).length === 0;
}

/** Whether Azure added this field to something that the write created. */
export function isAddedByAzure({ field, before }: Unmet, { creates, changes }: Write): boolean {
  if (before !== undefined) return false;
  const region = regionOf(field);
  return (
    creates === true || (region !== undefined && changes[`${regionField(region)}/name`] != null)
  );
}

export function isOtherLife(
  { publishedDate }: { readonly publishedDate?: string | undefined },
  look: Pick<Look, "publishedDate">,
): boolean {
  return (
    publishedDate !== undefined &&
    look.publishedDate !== undefined &&
    publishedDate !== look.publishedDate
  );
}

/** Whether the request applies to another life. */
export function isOfOtherLife(
  { life }: VersionRequest,
  look: Pick<Look, "publishedDate">,
): boolean {
  return isOtherLife({ publishedDate: life }, look);
}

export function withConfirmed(before: ImageVersionRecord, look: Look, time: Time): Observed {
  const record = omit(before, "unconfirmed");
  const { status, write } = record;
  if (status === undefined) return begun(record, look, time);
  if (isOtherLife(record, look)) return replaced(record, look, time);
  const known = shownFields(status.resource);
  const fields = shownFields(look.resource);
  const changed = differences(known, fields).filter(
    (change) => write === undefined || !isOurs(change, write),
  );
  const held = heldIn(record, look);
  const others = [...changed, ...inWords(held, changed)];
  const dates = look.publishedDate ?? record.publishedDate;
  const dated = dates !== undefined && { publishedDate: dates };
  const after = afterWrite(record, known, look, time);
  const { fate } = after;
  const isChanged = others.length > 0 || fate === "shown";
  const lost = lostIn(others);
  return {
    record: {
      ...after.record,
      status: look,
      regions: record.regions.filter(({ name }) => !lost.includes(name)),
      ...dated,
      ...(isChanged && { changedTime: time.now.toISOString() }),
      // Invariant 3 of record.ts.
      ...(record.spec && { spec: withoutThose(record.spec, others) }),
    },
    confirmed: {
      life: "same",
      others,
      ...(held.length > 0 && { held }),
      ...fateOf(write, fate),
    },
  };
}

export function fateOf(
  write: Write | undefined,
  fate: NonNullable<Confirmed["write"]>["fate"] | undefined,
): Pick<Confirmed, "write"> {
  return write === undefined || fate === undefined ? {} : { write: { ...write, fate } };
}

/** Applies the first confirmed look of a life. */
function begun(record: ImageVersionRecord, look: Look, time: Time): Observed {
  const { write } = record;
  const isMadeBySigil = write !== undefined && isItsVersion(write, look);
  if (!isMadeBySigil && isOtherLife(record, look)) return replaced(record, look, time);
  const fields = shownFields(look.resource);
  const others = isMadeBySigil ? changedSince(write, look) : [];
  const isOpen = isMadeBySigil && others.length === 0 && !isShown(write, fields);
  const kept = omit(record, "write", "spec", "left");
  const isSameLife = look.publishedDate === record.publishedDate;
  return {
    record: {
      ...(isMadeBySigil || isSameLife ? kept : withoutOrigin(kept)),
      ...(isOpen && { write }),
      ...achievedBefore(record, look, isMadeBySigil, isSameLife),
      // Others changed the flags before the first look.
      ...(others.some(({ field }) => isFlag(field)) && {
        release: releaseOf(look.resource, "person"),
      }),
      ...shownBy(look, time),
      // Regions that the write named and others' version does not have never existed.
      ...(!isMadeBySigil &&
        write !== undefined && {
          regions: record.regions.filter(({ name }) => regionsIn(fields).includes(name)),
        }),
    },
    confirmed: {
      life: "begun",
      others,
      ...(!isOpen && fateOf(write, isMadeBySigil ? "shown" : "overwritten")),
    },
  };
}

/** Whether the version is the write's. If ARM accepted the write, it is, even if it looks different; the write then stays open. */
function isItsVersion(write: Write, look: Look): boolean {
  return isMadeBy(write, look) || (write.answer === "accepted" && isSince(write, look));
}

/** A version that comes back, by others or a restore, is the earlier version. */
function achievedBefore(
  { write, spec, release }: ImageVersionRecord,
  look: Look,
  isMadeBySigil: boolean,
  isSameLife: boolean,
): Pick<ImageVersionRecord, "spec" | "release"> {
  const isBack = isSameLife && spec !== undefined;
  return {
    ...(isBack && write?.creates !== true && { spec }),
    release:
      (isMadeBySigil ? write?.release : undefined) ??
      (isBack ? release : undefined) ??
      releaseOf(look.resource),
  };
}

function shownBy(
  look: Look,
  { now }: Time,
): Pick<ImageVersionRecord, "status" | "changedTime" | "publishedDate"> {
  return {
    status: look,
    changedTime: now.toISOString(),
    ...(look.publishedDate !== undefined && {
      publishedDate: look.publishedDate,
    }),
  };
}

/** Fields that the first confirmed look shows with another value than was sent. Fields that it does not show may still arrive. */
function changedSince({ changes }: Write, { resource }: Look): Unmet[] {
  const missing = unmetBy(shownFields(resource), changes);
  const never = impossibleAmong(missing);
  return missing.flatMap((one) =>
    one.before === undefined || never.includes(one)
      ? []
      : [{ field: one.field, before: one.after, after: one.before }],
  );
}

/** Others replaced the version, so drops what was known about the old one. */
function replaced(before: ImageVersionRecord, look: Look, time: Time): Observed {
  return {
    record: {
      ...omit(withoutOrigin(before), "spec", "write", "rollout", "window"),
      ...shownBy(look, time),
      release: releaseOf(look.resource),
      regions: [],
      repairs: {},
      conditions: [],
      updates: 0,
    },
    confirmed: { life: "replaced", others: [], ...fateOf(before.write, "overwritten") },
  };
}

/** Invariant 1. */
function afterWrite(
  record: ImageVersionRecord,
  known: Fields,
  look: Look,
  time: Time,
): {
  readonly record: ImageVersionRecord;
  readonly fate?: NonNullable<Confirmed["write"]>["fate"];
} {
  const { write, ...rest } = record;
  if (write === undefined) return { record };
  if (write.deletes === true) return notVisibleYet(record, write, isBusy(look), time);
  const fields = shownFields(look.resource);
  const missing = unmetBy(fields, write.changes);
  if (missing.length === 0)
    return {
      record: { ...rest, ...(write.release && { release: write.release }) },
      fate: "shown",
    };
  if (missing.some(({ field, before }) => isForeignValue(field, before, known)))
    return { record: rest, fate: "overwritten" };
  return notVisibleYet(record, write, isBusy(look), time);
}

/** Whether the value is neither the one sent nor the one before. */
function isForeignValue(field: string, shown: unknown, known: Fields): boolean {
  const region = regionOf(field);
  return region !== undefined && field === regionField(region)
    ? false
    : !sameAt(field, shown, valueAt(known, field));
}

/** Handles a look that does not show all of the write. */
export function notVisibleYet(
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
  const isAnswered = write.answer === "accepted";
  if (mayArrive(since, isAnswered, time))
    return { record: { ...record, write: { ...write, unshownSince: since } } };
  const forgotten = omit(record, "write");
  return { record: forgotten, fate: isAnswered ? "notShown" : "unanswered" };
}

/** The version is gone. `spec` stays, because the same version may come back. */
export function gone(record: ImageVersionRecord, { now }: Pick<Time, "now">): ImageVersionRecord {
  return {
    ...omit(record, "status", "write", "unconfirmed", "window"),
    ...(record.status && { left: record.status.resource }),
    changedTime: now.toISOString(),
    regions: [],
    repairs: {},
    conditions: [],
  };
}

/** Whether the write, or what Azure adds to it, explains the change. */
function isOurs(change: Unmet, write: Write): boolean {
  const { field, after } = change;
  const region = regionOf(field);
  if (region !== undefined && write.changes[regionField(region)] === null) return after === null;
  const sent = nameIn(write.changes, field);
  if (sent === undefined) return isAddedByAzure(change, write);
  return sameAt(field, write.changes[sent] ?? undefined, after ?? undefined);
}

/** `spec` without the fields that others changed. Sigil's own fields stay. */
function withoutThose(spec: Fields, others: readonly Unmet[]): Fields {
  const changed = Object.fromEntries(others.map(({ field, after }) => [field, after]));
  const theirs = (field: string): boolean =>
    nameIn(changed, field) !== undefined ||
    // A removed region takes all its fields with it.
    changed[`${regionField(regionOf(field) ?? "")}/name`] === null;
  return Object.fromEntries(
    Object.entries(spec).filter(([field]) => isSigilField(field) || !theirs(field)),
  );
}

/** Whether a write that no look has shown since then may still be in flight, or not have reached all replicas. */
export function mayArrive(since: string, isAccepted: boolean, time: Time): boolean {
  const { confirmMs, putTimeoutMs, staleMs } = time.pace;
  return sinceMs(since, time) < (isAccepted ? staleMs : Math.max(confirmMs, putTimeoutMs * 2));
}

/** Milliseconds since then; Infinity for an invalid time. */
export function sinceMs(since: string, { now }: Pick<Time, "now">): number {
  const ms = now.getTime() - Date.parse(since);
  return Number.isNaN(ms) ? Infinity : ms;
}
