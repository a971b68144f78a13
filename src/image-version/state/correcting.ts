/**
 * What others have changed of a version that asks for it (`sigil.drift` is `correct`) is put back by an update. Pure. Invariants:
 *  1. Put back is what a request through Sigil has set, and an update can. A region that is gone stays away, with all that it had,
 *     and so does the version; whether it is in latest is said by whoever has said it last.
 *  2. At most three updates in 24 hours: nothing fights for ever. That it has stopped is told once.
 *  3. Nothing is put back by a look of what Azure is still working on, or that may be older than a write.
 */
import { createHash } from "node:crypto";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { event } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { ImageVersionRequest } from "../contract.js";
import { changesOf } from "../properties/changes.js";
import {
  fieldsOf,
  isOwn,
  placeOf,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import { unmetBy, type Patch, type Unmet } from "../properties/patch.js";
import { DRIFT } from "../properties/table.js";
import { isBusy, type ListedImageVersion, type Look } from "../resources.js";
import { accept } from "./accepting.js";
import { isKeptAtRest, telling } from "./at-rest.js";
import { isOld, isUncertain } from "./attempts.js";
import { takenBack } from "./outside.js";
import type { ImageVersionPair, ImageVersionRecord } from "./record.js";

/** Invariant 2. */
const MOST_CORRECTIONS = 3;
const WITHIN_MS = 24 * 3_600_000;

/** By whom corrections are requested. */
const REQUESTED_BY = { name: "drift", policy: "drift" } as const;

/** True where a look may find something to put back, or to be told of that. */
export function isToBeCorrected(
  record: ImageVersionRecord,
  listed: ListedImageVersion,
  now: Date,
): boolean {
  return (
    !isBusy(listed) &&
    toPutBack(record, listed.resource).length > 0 &&
    (record.correctionStopped !== true ||
      recentOf(record, now).length < MOST_CORRECTIONS)
  );
}

/** The version with an operation that puts back what the look shows otherwise; undefined where that is nothing. */
export function correct(
  pair: ImageVersionPair,
  look: Look,
  traceparent: string,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { record } = pair;
  const changes = correctionBy(record, look, context);
  const times = recentOf(record, context.now);
  if (changes === undefined || times.length >= MOST_CORRECTIONS)
    return undefined;
  const { correctionStopped: _, ...kept } = record;
  const { key, resourceId } = record;
  const { publishedDate } = look;
  return accept(
    {
      kind: "UpdateImageVersion",
      key,
      resourceId,
      request: {
        changes,
        repeats: {},
        ...(publishedDate !== undefined && { publishedDate }),
      },
      regions: regionsIn(changes),
      fingerprint: createHash("sha256")
        .update(JSON.stringify(["correct", changes]))
        .digest("hex"),
      requestedBy: REQUESTED_BY,
      traceparent,
    },
    { ...kept, corrections: [...times, context.now.toISOString()] },
    context,
  );
}

/** The version once it is told that it is left as it is; undefined where it was told, or is not so. Invariant 2. */
export function stopped(
  pair: ImageVersionPair,
  look: Look,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { record, operation } = pair;
  const [first = "", ...others] = recentOf(record, context.now);
  if (
    record.correctionStopped === true ||
    others.length + 1 < MOST_CORRECTIONS ||
    correctionBy(record, look, context) === undefined
  )
    return undefined;
  const changes = changesOf(
    toPutBack(record, look.resource).map(({ field, before, after }) => ({
      field,
      before: after ?? undefined,
      after: before ?? null,
    })),
    look.resource,
  );
  return telling({ ...pair, record: { ...record, correctionStopped: true } }, [
    event(
      operation,
      context,
      IMAGE_VERSION_EVENT.correctionStopped,
      "correction-stopped",
      {
        changes,
        nextAttemptTime: new Date(Date.parse(first) + WITHIN_MS).toISOString(),
      },
    ),
  ]);
}

/** Invariant 3. */
function correctionBy(
  record: ImageVersionRecord,
  look: Look,
  context: TransitionContext,
): Patch | undefined {
  const changes = Object.fromEntries(
    toPutBack(record, look.resource).map(({ field, after }) => [field, after]),
  );
  return Object.keys(changes).length === 0 ||
    !isKeptAtRest(record) ||
    isBusy(look) ||
    look.publishedDate !== record.publishedDate ||
    isOld(record, look, context) ||
    Object.keys(takenBack(record, look, context)).length > 0 ||
    isUncertain(record, look, changes, context)
    ? undefined
    : changes;
}

/** Invariant 1. */
function toPutBack(
  { lastApplied = {} }: ImageVersionRecord,
  resource: ImageVersionRequest,
): readonly Unmet[] {
  if (lastApplied[DRIFT] !== "correct") return [];
  const shown = fieldsOf(resource);
  const places = Object.keys(shown).map(placeOf);
  return unmetBy(shown, lastApplied).filter(
    ({ field }) => isPutBack(field) && places.includes(placeOf(field)),
  );
}

/** Invariant 1. */
function isPutBack(field: string): boolean {
  return (
    propertyOf(field).mutability === "mutable" &&
    !field.endsWith("/excludeFromLatest")
  );
}

/**
 * Of what a request says, what was not applied so, also where Azure shows it: who says it sets it, and who leaves it out later
 * takes it away.
 */
export function settingAnew(
  says: Patch,
  lastApplied: Fields | undefined,
): Patch {
  return lastApplied === undefined
    ? {}
    : Object.fromEntries(
        Object.entries(says).filter(
          ([field, value]) =>
            !isOwn(field) &&
            field !== regionField(regionOf(field) ?? "") &&
            isPutBack(field) &&
            !sameAt(field, valueAt(lastApplied, field), value),
        ),
      );
}

function recentOf(
  { corrections = [] }: ImageVersionRecord,
  now: Date,
): readonly string[] {
  return corrections.filter(
    (time) => now.getTime() - Date.parse(time) < WITHIN_MS,
  );
}
