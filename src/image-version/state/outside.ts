/**
 * What others change of a version that is followed: told, and theirs to keep. Pure. Invariants:
 *  1. A change is told at the first look that shows it, and once. One of what Sigil has sent in the last minutes is told by
 *     two looks: the first may be older than what was sent.
 *  2. A look that shows again what a told change has replaced may be older than that: that it was taken back is told by two
 *     looks, `pace.confirmMs` apart or more, with no other between them.
 */
import { createHash } from "node:crypto";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { event, events } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { Effect, OperationRecord } from "../../operation/records.js";
import { changesOf } from "../properties/changes.js";
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
import { withApplied, type Patch, type Unmet } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { isBusy, type Look } from "../resources.js";
import { isMadeByOthers } from "./adoption.js";
import { missingOf } from "./attempts.js";
import {
  sentLast,
  type Attempt,
  type ImageVersionPair,
  type ImageVersionRecord,
  type ToldChange,
} from "./record.js";
import { exclusionIn } from "./waves.js";

/** Of the newest: a gallery's change of a version is rarely of more. */
const MOST_TOLD = 100;

type Time = Pick<TransitionContext, "now" | "pace">;

/** What is to be told of a look, and what is remembered for the next. */
export interface OthersChanges {
  readonly changes: readonly Unmet[];
  /** Whether the version was excluded from latest, and is: as it is told. */
  readonly excluded: {
    readonly was: boolean;
    readonly is: boolean;
    readonly byOthers: boolean;
  };
  readonly remembered: Pick<
    ImageVersionRecord,
    "outside" | "outsideTold" | "latestGone"
  >;
}

export function changedByOthers(
  record: ImageVersionRecord,
  look: Look,
  time: Time,
): OthersChanges {
  const { observed, exists, outsideTold = [] } = record;
  if (observed === undefined) return includedBeforeSeen(record, look);
  const recent = outsideTold.filter(
    (one) =>
      one.returnedTime !== undefined ||
      sinceMs(one.time, time) < time.pace.staleMs,
  );
  // What a look that may be old has shown again is not known to be so.
  const before = withApplied(
    fieldsOf(observed.resource),
    Object.fromEntries(
      recent.flatMap(({ field, after, returnedTime }) =>
        returnedTime === undefined ? [] : [[field, after]],
      ),
    ),
  );
  const sent = sentLast(record);
  const byOthers = drift(before, fieldsOf(look.resource)).filter(
    ({ field }) => !isUnderWay(field, sent),
  );
  const held = byOthers.filter((change) => {
    const told = recent.find((one) => takesBack(change, one));
    return (
      told !== undefined &&
      sinceMs(told.returnedTime ?? time.now.toISOString(), time) <
        time.pace.confirmMs
    );
  });
  const certain = byOthers.filter((change) => !held.includes(change));
  const overwritten = overwrittenBy(record, look, time);
  const after = withApplied(
    fieldsOf(look.resource),
    Object.fromEntries(held.map((one) => [one.field, one.before ?? null])),
  );
  const excluded = excludedIn(record, before, after);
  const isLatestGone =
    excluded.isByGoing && exists && !isMadeByOthers(record, look);
  return {
    changes: exists
      ? [
          ...certain.filter(
            (change) =>
              (isOfFalse(change)
                ? !isLeftOut(change, sent)
                : !(change.field in (sent?.changes ?? {}))) &&
              !mayBeAzures(change, observed, sent),
          ),
          ...(overwritten?.news ?? []),
        ]
      : [],
    excluded: {
      was: excluded.was,
      is: excluded.is,
      byOthers: sent === undefined || sent.outcome === "shown",
    },
    remembered: {
      ...(isLatestGone && { latestGone: true }),
      ...rememberedOf(recent, held, certain, sent, time),
      ...(overwritten?.outside && { outside: overwritten.outside }),
    },
  };
}

/** Of a version that was made excluded from latest, and that the first look at it shows otherwise: nobody asked Sigil for that. */
function includedBeforeSeen(
  record: ImageVersionRecord,
  look: Look,
): OthersChanges {
  const isOwn = !isBusy(look) && !isMadeByOthers(record, look);
  const sent = isOwn ? Object.entries(sentLast(record)?.changes ?? {}) : [];
  const after = fieldsOf(look.resource);
  const before = withApplied(
    after,
    Object.fromEntries(
      sent.filter(
        ([field, value]) =>
          field.endsWith("/excludeFromLatest") && value === true,
      ),
    ),
  );
  const regions = regionsIn(after);
  const was = isExcludedIn(regions, before);
  const is = isExcludedIn(regions, after);
  return {
    changes: drift(before, after),
    excluded: { was, is, byOthers: was !== is },
    remembered: {},
  };
}

/**
 * Whether the version was excluded from latest, and is, as it is told: by flags that change, or by a region that comes included.
 * That a region goes says nothing of it, nor that it comes back, or that another takes its place.
 */
function excludedIn(
  { latestGone }: ImageVersionRecord,
  before: Fields,
  after: Fields,
): {
  readonly was: boolean;
  readonly is: boolean;
  readonly isByGoing: boolean;
} {
  const had = regionsIn(before);
  const regions = regionsIn(after);
  const stayed = regions.filter((name) => had.includes(name));
  const isShown = isExcludedIn(had, before);
  const is = isExcludedIn(regions, after);
  const wasTold = isShown && latestGone !== true;
  if (!is)
    return {
      was: wasTold || (isShown && !isExcludedIn(stayed, after)),
      is,
      isByGoing: false,
    };
  const was = isExcludedIn(stayed, before);
  return { was, is, isByGoing: was && !wasTold };
}

/** In each of these regions, by its own flag or the version's. */
function isExcludedIn(regions: readonly string[], fields: Fields): boolean {
  const version = fields[EXCLUDE_FROM_LATEST];
  return regions.length === 0
    ? version === true
    : regions.every((name) => (fields[exclusionIn(name)] ?? version) === true);
}

/** What the look shows again as it was before others had changed it, as they had: it may be older than that. Invariant 2. */
export function takenBack(
  record: ImageVersionRecord,
  look: Look,
  time: Time,
): Patch {
  const { outsideTold = [] } = changedByOthers(record, look, time).remembered;
  return Object.fromEntries(
    outsideTold.flatMap(({ field, after, returnedTime }) =>
      returnedTime === undefined ? [] : [[field, after]],
    ),
  );
}

function rememberedOf(
  recent: readonly ToldChange[],
  held: readonly Unmet[],
  certain: readonly Unmet[],
  sent: Attempt | undefined,
  { now }: Time,
): Pick<ImageVersionRecord, "outsideTold"> {
  const time = now.toISOString();
  const kept = recent
    .filter(
      ({ field }) =>
        !isUnderWay(field, sent) &&
        !certain.some((change) => change.field === field),
    )
    .map(({ returnedTime, ...one }): ToldChange => {
      const isHeld = held.some((change) => takesBack(change, one));
      return isHeld ? { ...one, returnedTime: returnedTime ?? time } : one;
    });
  const all = [...kept, ...certain.map((change) => ({ ...change, time }))];
  return all.length === 0 ? {} : { outsideTold: all.slice(-MOST_TOLD) };
}

function takesBack(
  { field, before, after }: Unmet,
  told: Omit<ToldChange, "returnedTime">,
): boolean {
  return (
    field === told.field &&
    sameAt(field, after ?? undefined, told.before) &&
    sameAt(field, before, told.after ?? undefined)
  );
}

/** Azure itself says it of a region while it works on what was sent of that, where nobody has. */
function mayBeAzures(
  { field, before }: Unmet,
  observed: Look,
  sent: Attempt | undefined,
): boolean {
  const region = regionOf(field);
  return (
    region !== undefined &&
    isBusy(observed) &&
    before === undefined &&
    propertyOf(field).default === undefined &&
    Object.keys(sent?.changes ?? {}).some((name) => regionOf(name) === region)
  );
}

/** Sigil has sent it, and no look has shown it before: that it is there now is no change by others. */
function isUnderWay(field: string, sent: Attempt | undefined): boolean {
  return sent?.outcome !== "shown" && isSent(field, sent);
}

/** Of what was sent, and of regions that come or go by it, only what is otherwise than it was sent is told. */
function isSent(field: string, sent: Attempt | undefined): boolean {
  const region = regionField(regionOf(field) ?? "");
  return [field, region, `${region}/name`].some(
    (name) => name in (sent?.changes ?? {}),
  );
}

function sinceMs(since: string, { now }: Time): number {
  return now.getTime() - Date.parse(since);
}

/** What others have changed of what was sent last and shown since. Invariant 1. */
function overwrittenBy(
  record: ImageVersionRecord,
  look: Look,
  time: Time,
):
  | {
      readonly outside?: NonNullable<ImageVersionRecord["outside"]>;
      readonly news: readonly Unmet[];
    }
  | undefined {
  const { outside } = record;
  const now = time.now.toISOString();
  const sent = sentLast(record);
  if (sent?.outcome !== "shown") return doubtedBefore(outside, sent, look);
  const changes = ofFields(missingOf(sent, look));
  const told = outside?.told === true ? outside.what : outside?.toldBefore;
  if (changes.length === 0) {
    if (outside === undefined || told === undefined) return undefined;
    // Invariant 2.
    const { returnedTime = now } = outside;
    return sinceMs(returnedTime, time) < time.pace.confirmMs
      ? { outside: { ...outside, returnedTime }, news: [] }
      : { news: newsSince(told, []) };
  }
  if (isBusy(look)) return outside && { outside, news: [] };
  const what = JSON.stringify(changes);
  const { returnedTime: _, ...doubt } =
    outside?.what === what
      ? outside
      : {
          what,
          since: now,
          ...(told !== undefined && { toldBefore: told }),
        };
  const certain =
    sinceMs(doubt.since, time) >= time.pace.confirmMs ||
    sinceMs(sent.sentTime, time) >= time.pace.staleMs;
  return certain && doubt.told !== true
    ? {
        outside: { what: doubt.what, since: doubt.since, told: true },
        news: newsSince(told ?? "[]", changes),
      }
    : { outside: doubt, news: [] };
}

/** What was not certain yet when Sigil has written once more, by a look that showed it: what is so still, and not by that. */
function doubtedBefore(
  outside: ImageVersionRecord["outside"],
  sent: Attempt | undefined,
  look: Look,
): { readonly news: readonly Unmet[] } | undefined {
  // Without an attempt it is a version of others.
  if (sent === undefined || outside === undefined || outside.told === true)
    return undefined;
  const shown = fieldsOf(look.resource);
  const doubted = ofFields(JSON.parse(outside.what) as readonly Unmet[]);
  return {
    news: newsSince(outside.toldBefore ?? "[]", doubted).filter(
      ({ field, after }) =>
        !isSent(field, sent) &&
        sameAt(field, valueAt(shown, field), after ?? undefined),
    ),
  };
}

/** Of a region that was sent to be removed, and that others have added again, the looks tell by themselves. */
function ofFields(changes: readonly Unmet[]): readonly Unmet[] {
  return changes.filter(
    ({ field }) => field !== regionField(regionOf(field) ?? ""),
  );
}

/** What was not told yet; and what was told and is so no more, the other way round. */
function newsSince(
  toldBefore: string,
  changes: readonly Unmet[],
): readonly Unmet[] {
  const told = ofFields(JSON.parse(toldBefore) as readonly Unmet[]);
  return [
    ...changes.filter(
      ({ field, before, after }) =>
        !told.some(
          (one) =>
            one.field === field &&
            sameAt(field, one.before, before) &&
            sameAt(field, one.after ?? undefined, after ?? undefined),
        ),
    ),
    ...told
      .filter(({ field }) => !changes.some((change) => change.field === field))
      .map(({ field, before, after }) => ({
        field,
        before: after ?? undefined,
        after: before ?? null,
      })),
  ];
}

/** Told at the first look that shows it, by whomever the update was sent: ARM may go on replicating for hours. */
export function exclusionEvents(
  pair: ImageVersionPair,
  { excluded: { was, is, byOthers } }: OthersChanges,
  look: Look,
  context: TransitionContext,
): Effect[] {
  if (was === is) return [];
  // Others may do it again and again between two updates.
  return events(
    pair,
    context,
    is ? IMAGE_VERSION_EVENT.demoted : IMAGE_VERSION_EVENT.promoted,
    `${is ? "demoted" : "promoted"}/${pair.record.updates}${byOthers ? `/${look.time}` : ""}`,
    {},
  );
}

export function outsideEvents(
  pair: ImageVersionPair,
  { changes: all }: Pick<OthersChanges, "changes">,
  look: Look,
  context: TransitionContext,
): Effect[] {
  // Of a region that is not there its name alone says that.
  const there = regionsIn(fieldsOf(look.resource));
  const changes = all.filter(({ field }) => {
    const region = regionOf(field);
    return (
      region === undefined ||
      there.includes(region) ||
      field === `${regionField(region)}/name`
    );
  });
  if (changes.length === 0) return [];
  // Regions that are new to the version.
  const regions = regionsIn(
    Object.fromEntries(
      changes.flatMap(({ field, before, after }) =>
        before === undefined && /\/name$/u.test(field) ? [[field, after]] : [],
      ),
    ),
  );
  const shown = changesOf(changes, look.resource);
  const hash = createHash("sha256")
    .update(JSON.stringify([look.time, shown]))
    .digest("hex")
    .slice(0, 16);
  return [
    event(
      pair.operation,
      context,
      IMAGE_VERSION_EVENT.changedOutside,
      `outside/${hash}`,
      { changes: shown, ...(regions.length > 0 && { regions }) },
    ),
    ...lostIn(changes).map((region) =>
      event(
        pair.operation,
        context,
        IMAGE_VERSION_EVENT.regionLost,
        `${region}/lost/${hash}`,
        { region },
      ),
    ),
  ];
}

/** Others have made what the look shows in place of the version that Sigil knew, which they have deleted. */
export function deletionByOthers(
  { record, operation }: ImageVersionPair,
  look: Look,
  context: TransitionContext,
): Effect[] {
  return isKept(record) && isMadeByOthers(record, look)
    ? [deletedOutside(operation, look.publishedDate, context)]
    : [];
}

/** Azure had the version as Sigil has made or adopted it when it was seen last. */
export function isKept({
  exists,
  unmanaged,
  observed,
}: ImageVersionRecord): boolean {
  return exists && unmanaged !== true && observed !== undefined;
}

/** `publishedDate` is of the version that others have made under the number since. */
export function deletedOutside(
  operation: OperationRecord,
  publishedDate: string | undefined,
  context: TransitionContext,
): Effect {
  return event(
    operation,
    context,
    IMAGE_VERSION_EVENT.deletedOutside,
    // Others may do it again and again beside one operation.
    `deleted-outside${publishedDate === undefined ? "" : `/${publishedDate}`}`,
    { ...(publishedDate !== undefined && { publishedDate }) },
  );
}

/** Regions that were there, and that others have taken away. */
export function lostIn(changes: readonly Unmet[]): readonly string[] {
  return changes.flatMap(({ field, before, after }) => {
    const region = regionOf(field);
    return region !== undefined &&
      field === `${regionField(region)}/name` &&
      before !== undefined &&
      after === null
      ? [region]
      : [];
  });
}

/** That a region's own flag is false, or none: beside the version's true that is not the same. */
function isOfFalse({ field, before, after }: Unmet): boolean {
  return (
    field === exclusionIn(regionOf(field) ?? "") &&
    before !== true &&
    after !== true
  );
}

/** Sigil says no region's false: with what it has sent of the version's flag, or of the region's, that goes. */
function isLeftOut({ field }: Unmet, sent: Attempt | undefined): boolean {
  return (
    sent !== undefined &&
    sent.outcome !== "shown" &&
    (field in sent.changes || EXCLUDE_FROM_LATEST in sent.changes)
  );
}

/** In what two looks differ. */
export function drift(before: Fields, after: Fields): readonly Unmet[] {
  const isSame = (field: string, old: unknown, value: unknown): boolean =>
    sameAt(field, old, value) &&
    (old === value ||
      field !== exclusionIn(regionOf(field) ?? "") ||
      [before, after].every((one) => one[EXCLUDE_FROM_LATEST] !== true));
  return [
    ...Object.entries(after).flatMap(([field, value]): Unmet[] => {
      const old = valueAt(before, field);
      return isSame(field, old, value)
        ? []
        : [{ field, before: old, after: value }];
    }),
    ...Object.entries(before).flatMap(([field, value]): Unmet[] =>
      valueAt(after, field) === undefined && !isSame(field, value, undefined)
        ? [{ field, before: value, after: null }]
        : [],
    ),
  ];
}
