/**
 * What was sent, and how old a look is: Azure is asked through replicas that may be some minutes behind. Pure. Invariants:
 *  1. A look that shows what a write of the last minutes has replaced is older than that write, however many came after it.
 *     Example, with three writes of one tag, each accepted:
 *
 *       was 1 ──▶ 2 ──▶ 3 ──▶ 2      a look that shows 1 or 3 is old; one that shows 2 is taken for the last
 *
 *  2. An attempt that ARM has refused replaces nothing. What was sent before it, and is in force or may be, stays known.
 *  3. A write without an answer may be sent again long before it is certain that ARM has not carried it out.
 *  4. A region that is taken away and added again as it was is told from what it was by nothing that can be asked. A look
 *     at rest that shows it counts once ARM was seen at work on it; that it has failed, once no look can be older:
 *
 *       there ──▶ taken away ──▶ added again      a look at rest that shows it: of before both, or of after?
 *
 *  5. A write is shown as a whole: a look that shows something which only that write has set is not older than it. What else it
 *     shows otherwise, others have changed since. A flag tells nothing, nor does what Sigil had set before and others have
 *     changed: it was so before.
 *  6. A look of while Azure created the version, once Sigil has seen that done, is older: that happens once in a life.
 */
import type { TransitionContext } from "../../operation/ports.js";
import {
  fieldsOf,
  isOwn,
  nameIn,
  propertyOf,
  regionField,
  regionOf,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import { unmetBy, type Patch, type Unmet } from "../properties/patch.js";
import { hasFailed, isBusy, type Look } from "../resources.js";
import { isBehind } from "./adoption.js";
import {
  attemptsIn,
  sentLast,
  type Attempt,
  type ImageVersionRecord,
  type Write,
} from "./record.js";

export type Time = Pick<TransitionContext, "now" | "pace">;

/** So many attempts are remembered beside the last. */
const MOST_BEFORE = 4;

/** So many writes of the last minutes are remembered. */
const MOST_WRITES = 20;

type Known = Pick<
  ImageVersionRecord,
  "lastAttempt" | "publishedDate" | "observed" | "writes"
>;

/** The look is older than the last write, or of an earlier life: it changes nothing, and nothing is written by it. Invariant 1. */
export function isOld(record: Known, look: Look, time: Time): boolean {
  return (
    isBehind(record, look) ||
    isOfCreation(record, look, time) ||
    (!isOfLaterLife(record, look) &&
      namesIn(record).some((name) => ageAt(name, record, look, time) === "old"))
  );
}

/** Invariant 6. */
function isOfCreation(
  { observed }: Known,
  { provisioningState, publishedDate }: Look,
  time: Time,
): boolean {
  return (
    provisioningState === "Creating" &&
    observed?.provisioningState === "Succeeded" &&
    observed.publishedDate === publishedDate &&
    sinceMs(observed.time, time) < time.pace.staleMs
  );
}

/** Others have made the version again: what was written was of the life before. */
function isOfLaterLife(
  { publishedDate }: Known,
  { publishedDate: shown }: Look,
): boolean {
  return Date.parse(shown ?? "") > Date.parse(publishedDate ?? "");
}

/**
 * What the look shows of these fields may be from before a write that had no answer: it does not tell that they are, and
 * will stay, as they are asked to be. Invariant 3.
 */
export function isUncertain(
  record: Known,
  look: Look,
  wanted: Patch,
  time: Time,
): boolean {
  const names = byField(wanted);
  return namesIn(record).some(
    (name) =>
      nameIn(names, name) !== undefined &&
      ageAt(name, record, look, time) !== "current",
  );
}

/** That look, or the last one that was not old, where that one is; of a version that is gone there is none. */
export function latestOf(
  record: ImageVersionRecord | undefined,
  look: Look | undefined,
  time: Time,
): Look | undefined {
  return record !== undefined && look !== undefined && isOld(record, look, time)
    ? record.observed
    : look;
}

function namesIn({ writes = [] }: Known): readonly string[] {
  return [...new Set(writes.flatMap(({ changes }) => Object.keys(changes)))];
}

/** Values that a field has had, in order, and what has set each; none: it was so, or others have set it. */
interface Value {
  readonly value: unknown;
  readonly setBy?: Write;
}

function valuesOf(name: string, { writes = [] }: Known): readonly Value[] {
  const values: Value[] = [];
  for (const write of writes) {
    const own = nameIn(write.changes, name);
    if (own === undefined) continue;
    const last = values.at(-1);
    const was = write.was[own] ?? undefined;
    if (last === undefined || !sameAt(name, last.value, was))
      values.push({ value: was });
    values.push({ value: write.changes[own] ?? undefined, setBy: write });
  }
  return values;
}

type Age = "old" | "uncertain" | "current";

function ageAt(name: string, record: Known, look: Look, time: Time): Age {
  const shown = fieldsOf(look.resource);
  const { writes = [] } = record;
  const reflected = writes.findLastIndex((write) =>
    isReflected(write, record, shown),
  );
  // Invariant 5.
  const isSeen = ({ setBy }: Value): boolean =>
    setBy !== undefined && writes.indexOf(setBy) <= reflected;
  const region = regionOf(name);
  const ownName = region && `${regionField(region)}/name`;
  // Of a region that is not there its name alone says that.
  if (
    ownName !== undefined &&
    name !== ownName &&
    valueAt(shown, ownName) === undefined
  )
    return "current";
  const values = valuesOf(name, record);
  const isShown = ({ value }: Value): boolean =>
    sameAt(name, value, valueAt(shown, name));
  const last = values.findLastIndex(isShown);
  if (last === -1) return "current";
  const first = values.findIndex(isShown);
  const shownAs = values[last] ?? { value: undefined };
  const { setBy } = shownAs;
  if (
    !isSeen(shownAs) &&
    region !== undefined &&
    name === ownName &&
    setBy?.begun !== true &&
    !isAtWork(look, region) &&
    isAsBefore(region, record, shown, setBy)
  )
    return ageBefore(setBy, time); // Invariant 4.
  // What had no answer, and takes back what was before it, is told from that by nothing.
  const from = isAnswered(setBy) ? last : first;
  return oldest(
    values
      .slice(from + 1)
      .flatMap((later) =>
        later.setBy === undefined || later.setBy === setBy || isSeen(later)
          ? []
          : [ageBefore(later.setBy, time)],
      ),
  );
}

/**
 * It shows what this write has set, of the whole version, and nothing was so before. Of a region that does not tell: it may have
 * been taken away meanwhile, and what it had then is not known. Invariant 5.
 */
function isReflected(write: Write, record: Known, shown: Fields): boolean {
  return Object.keys(write.changes).some(
    (name) =>
      regionOf(name) === undefined &&
      propertyOf(name).restated !== true &&
      write.again?.includes(name) !== true &&
      valuesOf(name, record).find(({ value }) =>
        sameAt(name, value, valueAt(shown, name)),
      )?.setBy === write,
  );
}

/** The region has nothing that it had not before it was taken away, as far as that is remembered. */
function isAsBefore(
  region: string,
  record: Known,
  shown: Fields,
  addedBy: Write | undefined,
): addedBy is Write {
  if (addedBy?.acceptedTime === undefined) return false;
  return Object.keys(addedBy.changes)
    .filter((name) => regionOf(name) === region)
    .every((name) => {
      const earlier = valuesOf(name, record).filter(
        ({ setBy }) => setBy !== addedBy,
      );
      const had = earlier.filter(
        ({ value, setBy }) => setBy === undefined || value !== undefined,
      );
      return had.length < earlier.length
        ? had.some(({ value }) => sameAt(name, value, valueAt(shown, name)))
        : name !== `${regionField(region)}/name`; // It was not taken away.
    });
}

/** Whether the region has failed, again, or the look is of before it was added again as it was. Invariant 4. */
export function mayHaveFailedBefore(
  region: string,
  record: Known,
  look: Look,
  time: Time,
): boolean {
  const { setBy } =
    valuesOf(`${regionField(region)}/name`, record).at(-1) ?? {};
  return (
    hasFailed(look, region) &&
    !isBusy(look) &&
    isAsBefore(region, record, fieldsOf(look.resource), setBy) &&
    ageBefore(setBy, time) === "old"
  );
}

/** How old a look is that does not show this write. */
function ageBefore(write: Write, time: Time): Age {
  const { putTimeoutMs, staleMs } = time.pace;
  const ms = sinceMs(write.acceptedTime ?? write.sentTime, time);
  if (isAnswered(write)) return ms < staleMs ? "old" : "current";
  return ms < putTimeoutMs * 2 ? "old" : ms < staleMs ? "uncertain" : "current";
}

function isAnswered(write: Write | undefined): boolean {
  return write === undefined || write.acceptedTime !== undefined;
}

function oldest(ages: readonly Age[]): Age {
  return ages.includes("old")
    ? "old"
    : ages.includes("uncertain")
      ? "uncertain"
      : "current";
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

/** Azure has made the version, or given it back, so lately that a look that shows none may be older. */
export function isJustThere(
  record: Pick<
    ImageVersionRecord,
    "observed" | "publishedDate" | "restoredTime"
  >,
  time: Time,
): boolean {
  const { publishedDate = "" } = record.observed ?? record;
  return [publishedDate, record.restoredTime ?? ""].some(
    (since) => sinceMs(since, time) < time.pace.staleMs,
  );
}

/** An attempt without an answer may have been carried out, and looks need not show that yet. */
export function mayBeDone(
  record: Pick<ImageVersionRecord, "lastAttempt">,
  time: Time,
): boolean {
  const sent = sentLast(record);
  return (
    sent?.outcome === "unknown" &&
    sinceMs(sent.sentTime, time) < time.pace.staleMs
  );
}

function sinceMs(since: string, { now }: Pick<Time, "now">): number {
  return now.getTime() - Date.parse(since);
}

/** The last attempt, and the one that is in force, where this look shows what that has changed. */
export function attemptAfter(
  { lastAttempt }: Pick<ImageVersionRecord, "lastAttempt">,
  look: Look,
): Attempt | undefined {
  if (lastAttempt === undefined) return undefined;
  if (lastAttempt.outcome === "refused") {
    const before =
      lastAttempt.before &&
      attemptAfter({ lastAttempt: lastAttempt.before }, look);
    return before === lastAttempt.before || before === undefined
      ? lastAttempt
      : { ...lastAttempt, before };
  }
  return lastAttempt.outcome !== "shown" &&
    unmetBy(fieldsOf(look.resource), lastAttempt.changes).length === 0
    ? { ...lastAttempt, outcome: "shown" }
    : lastAttempt;
}

/** What is remembered beside an attempt that is about to be made. Invariant 2. */
export function before(
  record: Pick<ImageVersionRecord, "lastAttempt">,
): Pick<Attempt, "before"> {
  const last = sentLast(record);
  if (last?.outcome !== "unknown")
    return last === undefined ? {} : chained([last]);
  const [newest = last, ...others] = [...attemptsIn(record)].reverse();
  return chained(
    [
      newest,
      // What is tried again and again is one.
      ...others.filter(
        ({ changes }) =>
          JSON.stringify(changes) !== JSON.stringify(newest.changes),
      ),
    ].slice(0, MOST_BEFORE),
  );
}

function chained([attempt, ...others]: readonly Attempt[]): Pick<
  Attempt,
  "before"
> {
  if (attempt === undefined) return {};
  const { before: _, ...own } = attempt;
  return { before: { ...own, ...chained(others) } };
}

/** The writes of the last minutes, with one that is about to be sent. Of a creation there is nothing before it. */
export function writesWith(
  record: ImageVersionRecord,
  sent: Patch,
  time: Time,
): readonly Write[] {
  const { writes = [], observed, lastApplied = {} } = record;
  const recent = writes.filter(
    ({ sentTime, acceptedTime = sentTime }) =>
      sinceMs(acceptedTime, time) < time.pace.staleMs,
  );
  if (observed === undefined) return recent;
  const shown = fieldsOf(observed.resource);
  const changes = { ...removedBy(sent, shown), ...byField(sent) };
  const was = Object.fromEntries(
    Object.keys(changes).map((name) => [name, valueAt(shown, name) ?? null]),
  );
  const again = Object.keys(changes).filter(
    (name) =>
      valueAt(lastApplied, name) !== undefined &&
      sameAt(name, valueAt(lastApplied, name), changes[name]),
  );
  const write = { changes, was, sentTime: time.now.toISOString() };
  return [...recent, again.length === 0 ? write : { ...write, again }].slice(
    -MOST_WRITES,
  );
}

/** The same, once ARM has answered the last attempt, or a look has shown it. */
export function writesAfter(
  { writes }: Pick<ImageVersionRecord, "writes">,
  { sentTime }: Pick<Attempt, "sentTime">,
  answer: "refused" | { readonly acceptedTime: string },
): Pick<ImageVersionRecord, "writes"> {
  return writes === undefined
    ? {}
    : {
        writes: writes.flatMap((write) =>
          write.sentTime !== sentTime || write.acceptedTime !== undefined
            ? [write]
            : answer === "refused"
              ? []
              : [{ ...write, acceptedTime: answer.acceptedTime }],
        ),
      };
}

/** The same, once ARM is seen at work on what was written: the look is not old. Invariant 4. */
export function writesBegun(
  { writes }: Pick<ImageVersionRecord, "writes">,
  look: Look,
): Pick<ImageVersionRecord, "writes"> {
  if (writes === undefined) return {};
  const names = look.regions
    .map(({ name }) => name)
    .filter((name) => isAtWork(look, name))
    .map((name) => `${regionField(name)}/name`);
  const isBegun = ({ changes }: Write): boolean =>
    isBusy(look) || names.some((name) => changes[name] != null);
  return {
    writes: writes.map((write) =>
      isBegun(write) ? { ...write, begun: true as const } : write,
    ),
  };
}

/** ARM copies to the region: it had done with that, one way or the other, when the region was taken away. */
function isAtWork(look: Look, region: string): boolean {
  const seen = look.regions.find(({ name }) => name === region);
  return (
    isBusy(look) || seen?.state === "Replicating" || seen?.state === "Unknown"
  );
}

/** All that a region had which is taken away: added again with less, it is told from what it was by that. */
function removedBy(sent: Patch, shown: Fields): Patch {
  const isRemoved = (region: string | undefined): boolean =>
    region !== undefined && sent[regionField(region)] === null;
  return Object.fromEntries(
    Object.keys(shown)
      .filter(
        (name) =>
          isRemoved(regionOf(name)) &&
          // What Azure fills in by itself comes back as it was.
          propertyOf(name).default !== undefined,
      )
      .map((name) => [name, null]),
  );
}

/** A patch of fields alone: a region that is taken away has no name. What is Sigil's own, Azure does not show. */
function byField(patch: Patch): Patch {
  return Object.fromEntries(
    Object.entries(patch).flatMap(([name, value]) => {
      const region = regionOf(name);
      if (region !== undefined && name === regionField(region))
        return [[`${name}/name`, null]];
      return isOwn(name) ? [] : [[name, value]];
    }),
  );
}
