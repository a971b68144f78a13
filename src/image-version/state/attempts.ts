/**
 * What was sent, and what a look tells of it: Azure is asked through replicas that may be some minutes behind. Pure.
 * Invariants:
 *  1. A look that shows nothing of what was sent within the last minutes is old. What takes back a write of a moment before
 *     tells no such look from one after it: what else those writes have changed does.
 *  2. An attempt without an answer is remembered until ARM accepts one after it: it may be carried out all the same.
 */
import type { TransitionContext } from "../../operation/ports.js";
import {
  fieldsOf,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import { unmetBy, type Patch, type Unmet } from "../properties/patch.js";
import type { Look } from "../resources.js";
import { isBehind } from "./adoption.js";
import {
  attemptsIn,
  sentLast,
  type Attempt,
  type ImageVersionRecord,
} from "./record.js";

type Time = Pick<TransitionContext, "now" | "pace">;

/** So many attempts without an answer are remembered beside the last. */
const MOST_UNANSWERED = 3;

/**
 * An earlier life is shown; or nothing of the last write is, and that is not long ago. Where that was shown before, another
 * look that shows the same tells that others have undone it.
 */
export function isOld(
  record: Pick<
    ImageVersionRecord,
    "lastAttempt" | "publishedDate" | "observed" | "outside"
  >,
  look: Look,
  time: Time,
): boolean {
  if (isBehind(record, look)) return true;
  const sent = sentLast(record);
  if (sent === undefined) return false;
  const missing = missingOf(sent, look);
  const telling = tellingOf(sent);
  if (telling.length === 0) return isAsBefore(sent, look, missing, time);
  if (
    !isRecent(sent, time) ||
    !telling.every((name) => missing.some(({ field }) => field === name))
  )
    return false;
  const { outside } = record;
  return !(
    sent.outcome === "shown" &&
    outside?.what === JSON.stringify(missing) &&
    sinceMs(outside.since, time) >= time.pace.confirmMs
  );
}

/** Names of what was sent by which a look after it differs from one before it. */
function tellingOf({ changes, was = {} }: Attempt): readonly string[] {
  return Object.entries(changes).flatMap(([name, value]) => {
    const region = regionOf(name);
    const isRemoval = region !== undefined && name === regionField(region);
    const wasSo = isRemoval
      ? was[`${name}/name`] === null
      : name in was && sameAt(name, was[name] ?? undefined, value ?? undefined);
    return wasSo || (!isRemoval && propertyOf(name).own === true) ? [] : [name];
  });
}

/** All that was sent takes back what was sent a moment before: whether the look is older than both, the rest of that tells. */
function isAsBefore(
  { changes, was, sentTime, outcome }: Attempt,
  look: Look,
  missing: readonly Unmet[],
  time: Time,
): boolean {
  if (
    was === undefined ||
    missing.length > 0 ||
    sinceMs(sentTime, time) >= time.pace.staleMs
  )
    return false;
  const regions = regionsIn(changes);
  const rest = Object.entries(was).filter(
    ([name]) => !(name in changes) && !regions.includes(regionOf(name) ?? ""),
  );
  const shown = fieldsOf(look.resource);
  return rest.length === 0
    ? outcome === "unknown"
    : rest.every(([name, value]) =>
        sameAt(name, valueAt(shown, name), value ?? undefined),
      );
}

/** What a look does not show of what was sent: what it was before, and what is there instead. */
export function missingOf(
  { changes }: Pick<Attempt, "changes">,
  look: Look,
): readonly Unmet[] {
  return unmetBy(fieldsOf(look.resource), changes).map(
    ({ field, before, after }) => ({
      field,
      before: after ?? undefined,
      after: before ?? null,
    }),
  );
}

/** A look may still be older than what was sent. */
export function isRecent({ outcome, sentTime }: Attempt, time: Time): boolean {
  const { putTimeoutMs, staleMs } = time.pace;
  return (
    sinceMs(sentTime, time) <
    (outcome === "unknown" ? putTimeoutMs * 2 : staleMs)
  );
}

/** An attempt without an answer may have been carried out, and looks need not show that yet. */
export function mayBeDone(
  { lastAttempt }: Pick<ImageVersionRecord, "lastAttempt">,
  time: Time,
): boolean {
  return (
    lastAttempt?.outcome === "unknown" &&
    sinceMs(lastAttempt.sentTime, time) < time.pace.staleMs
  );
}

function sinceMs(since: string, { now }: Pick<Time, "now">): number {
  return now.getTime() - Date.parse(since);
}

/** The last write, where this look shows what it has changed. */
export function attemptAfter(
  { lastAttempt }: Pick<ImageVersionRecord, "lastAttempt">,
  look: Look,
): Attempt | undefined {
  return lastAttempt !== undefined &&
    ["unknown", "accepted"].includes(lastAttempt.outcome) &&
    unmetBy(fieldsOf(look.resource), lastAttempt.changes).length === 0
    ? { ...lastAttempt, outcome: "shown" }
    : lastAttempt;
}

/** What is remembered beside an attempt that is about to be made. */
export function rememberedBeside(
  record: ImageVersionRecord,
  changes: Patch,
  time: Time,
): Pick<Attempt, "unanswered" | "was"> {
  const last = sentLast(record);
  const shown = record.observed && fieldsOf(record.observed.resource);
  const isSoonAfter =
    last !== undefined && sinceMs(last.sentTime, time) < time.pace.staleMs;
  return {
    ...unansweredIn(record),
    ...(shown && {
      was: { ...fieldsNamed(shown, changes), ...(isSoonAfter && last.was) },
    }),
  };
}

/** What Azure shows of those fields; null: nothing. */
function fieldsNamed(shown: Fields, changes: Patch): Patch {
  return Object.fromEntries(
    Object.keys(changes).flatMap((name) => {
      const region = regionOf(name);
      return region !== undefined && name === regionField(region)
        ? Object.entries(shown).filter(([other]) => regionOf(other) === region)
        : [[name, valueAt(shown, name) ?? null]];
    }),
  );
}

/** Invariant 2. What is tried again and again is one. */
function unansweredIn({
  lastAttempt,
}: ImageVersionRecord): Pick<Attempt, "unanswered"> {
  if (lastAttempt?.outcome !== "unknown") return {};
  const [last = lastAttempt, ...before] = [
    ...attemptsIn({ lastAttempt }),
  ].reverse();
  const others = before.filter(
    ({ changes }) =>
      JSON.stringify(changes) !== JSON.stringify(lastAttempt.changes),
  );
  return chained([last, ...others].slice(0, MOST_UNANSWERED));
}

function chained([attempt, ...before]: readonly Attempt[]): Pick<
  Attempt,
  "unanswered"
> {
  return attempt === undefined
    ? {}
    : { unanswered: { ...attempt, ...chained(before) } };
}
