/**
 * What a request asks of the version that Azure shows: a patch, computed once, at its acceptance. Pure. The same for a plan as for a
 * PUT or PATCH. Invariants:
 *  1. It is what a body says otherwise than Azure shows, or than an open operation asks; where what Azure shows is not certain, all
 *     that the body says.
 *  2. What the body leaves out of what was achieved is removed; regions, keys, flags, rule and protection are never removed by silence.
 *  3. A PUT of a version that is there says nothing of latest and of its rule, but by `true` of a region that it adds: pipelines repeat
 *     both in every body, and would undo what a person has said since. A PATCH says what it says.
 */
import type { ImageVersionRequest } from "../contract.js";
import { shownFields, latestIn, regionOfFlag, withLatest, withoutFlags } from "../latest/flags.js";
import {
  createdAs,
  isReleased,
  released,
  releasedIn,
  type Release,
  type ReleaseChange,
} from "../latest/release.js";
import { canonicalForm } from "../properties/canonical-form.js";
import {
  fieldsOf,
  nameIn,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  removedBy,
  sameAt,
  valueAt,
} from "../properties/fields.js";
import { askedOfSeen, leftOut, statedBy, takenAway, type Patch } from "../properties/patch.js";
import { END_OF_LIFE_DATE, EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import { isBusy, type Look } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import {
  isManaged,
  latestToBe,
  openRequests,
  sigilFieldsToBe,
  patchOf,
  releaseToBe,
} from "../state/fold.js";
import { mapped, type ImageVersionRecord } from "../state/record.js";
import type { Glance } from "./acceptance.js";
import { endOfLifeStays, ruleStays, stayingFlags } from "../state/staying.js";
import { namesOne, type ChangeOptions } from "./command.js";

export interface Asking {
  readonly command: Pick<ChangeOptions, "ifMatch" | "pasted">;
  /** Canonical. */
  readonly body: ImageVersionRequest;
  readonly removeRegions: readonly string[];
  /** The merge patch that was sent, where one was. */
  readonly patch?: unknown;
  readonly glance: Glance;
}

export interface Asked {
  readonly patch: Patch;
  readonly release?: ReleaseChange;
  /** True where the promotion rule that there is ends with it. */
  readonly endsRule?: true;
  /** True of a whole body: what it says and Azure shows is Sigil's from then on. */
  readonly adopts?: true;
  /** What the body says and the request does not ask, and how to say it. */
  readonly stays: readonly RuleFinding[];
}

/** Only what differs from what Azure shows is asked: that was read, as a patch, an ETag or a pasted answer says. */
export function asksOnlyChanges({
  patch,
  command: { ifMatch, pasted },
}: Pick<Asking, "patch" | "command">): boolean {
  return patch !== undefined || namesOne(ifMatch) || pasted === true;
}

/** `record`: of the life that Azure shows; absent where nothing of that is known. */
export function askedOf(request: Asking, record: ImageVersionRecord | undefined): Asked {
  const { body, removeRegions, glance, patch } = request;
  const { look } = glance;
  if (look === undefined) return creation(request, record);
  const all = without(saidBy(request, look, record), removeRegions);
  if (patch !== undefined)
    return { patch: all, ...latestByPatch(request, look, record), stays: [] };
  const { [PROMOTION]: rule, ...silent } = all;
  // The cancel of a creation has said nothing of where the version shall be: who asks for it again does.
  const isAnew = record?.release?.by === "cancel";
  // A version of others becomes Sigil's with all that the body says, read or not.
  const isWhole = !asksOnlyChanges(request) || !record || !isManaged(record);
  const kept = withoutEarlierEnd(request, isAnew ? all : silent, look);
  return {
    patch: kept.patch,
    ...(isAnew ? madeAnew(body) : heldBack(body, look, record)),
    ...(isWhole && { adopts: true }),
    stays: [
      ...kept.stays,
      ...stayingFlags(body, look.resource),
      ...(rule === undefined || isAnew ? [] : [ruleStays()]),
    ],
  };
}

/** Azure has no such version: the body says all that it shall be, but for latest where another that is open creates it. */
function creation({ body, removeRegions }: Asking, record: ImageVersionRecord | undefined): Asked {
  const open = record ? openRequests(record) : [];
  const other = open.find(([, { creates }]) => creates)?.[1].body;
  return {
    // Another that is creating it may have what this one removes.
    patch: without(fieldsOf(body), removeRegions),
    ...(other === undefined && madeAnew(body)),
    stays: other === undefined ? [] : stayingFlags(body, asCreated(other)),
  };
}

function asCreated(body: ImageVersionRequest): ImageVersionRequest {
  const regions = regionsIn(shownFields(body));
  return withLatest(body, releasedIn(createdAs(body), regions));
}

/** Invariants 1 and 2. Of a version that its caller has read only what differs is asked; of a patch all that it says in so many words. */
function saidBy(request: Asking, look: Look, record: ImageVersionRecord | undefined): Patch {
  const { body, patch, glance } = request;
  const shown = { ...shownFields(look.resource), ...(record && sigilFieldsToBe(record)) };
  const fields = fieldsOf(body);
  const open = openPatchOf(record);
  const leaving = removedBy(open).map((name) => `${regionField(name)}/name`);
  const there = regionsIn(shown);
  // Of a region that is to come others may ask otherwise than what is meant by silence.
  const comes = (field: string): boolean =>
    regionOf(field) !== undefined && !there.includes(regionOf(field) ?? "");
  const isSure = glance.seen && !isBusy(look);
  const isToBeAsked = ([field, value]: readonly [string, unknown]): boolean =>
    !sameAt(field, valueAt(shown, field), value ?? undefined) ||
    isOtherwise(field, value, open) ||
    comes(field) ||
    leaving.includes(field) ||
    (!isSure && propertyOf(field).mutability === "mutable");
  const amongThem = (said: Patch): Patch =>
    Object.fromEntries(Object.entries(said).filter(isToBeAsked));
  if (!asksOnlyChanges(request)) {
    const { [PROMOTION]: _, ...spec } = record?.spec ?? {};
    const achieved = mapped(spec, (__, field) => valueAt(shown, field));
    return { ...leftOut(achieved, fields), ...amongThem(fields) };
  }
  const changes = askedOfSeen(shown, { ...fields, ...shownFields(body) });
  return patch === undefined
    ? changes
    : {
        ...changes,
        ...amongThem(statedBy(patch, fields)),
        ...takenAway(
          { ...fieldsOf(canonicalForm(look.resource)), ...(record && sigilFieldsToBe(record)) },
          fields,
        ),
      };
}

/** Open operations ask it, and otherwise. */
function isOtherwise(field: string, value: unknown, open: Patch): boolean {
  const other = nameIn(open, field);
  return other !== undefined && !sameAt(field, open[other] ?? undefined, value ?? undefined);
}

/** What open operations ask together. */
export function openPatchOf(record: ImageVersionRecord | undefined): Patch {
  return record ? patchOf(openRequests(record).map(([, one]) => one)) : {};
}

/** Regions that are to be removed are removed with all that is said of them. What is said of latest is no field. */
function without(patch: Patch, removeRegions: readonly string[]): Patch {
  return {
    ...Object.fromEntries(
      Object.entries(withoutFlags(patch)).filter(
        ([field]) => !removeRegions.includes(regionOf(field) ?? ""),
      ),
    ),
    ...Object.fromEntries(removeRegions.map((name) => [regionField(name), null])),
  };
}

type OfLatest = Pick<Asked, "release" | "endsRule">;

function madeAnew(body: ImageVersionRequest): OfLatest {
  return { release: { kind: "set", release: createdAs(body) } };
}

/** Invariant 3: a region that is added, and of which the body says true, is held back. */
function heldBack(
  body: ImageVersionRequest,
  { resource }: Look,
  record: ImageVersionRecord | undefined,
): OfLatest {
  const there = regionsIn(shownFields(resource));
  const included = latestIn(body);
  const regions = regionsIn(shownFields(body)).filter(
    (name) => !there.includes(name) && !included.includes(name),
  );
  const by = record?.release?.by ?? "request";
  return regions.length === 0 ? {} : { release: { kind: "exclude", by, regions } };
}

/** A flag or rule that a patch says in so many words. */
function latestByPatch(
  { patch, body }: Asking,
  { resource }: Look,
  record: ImageVersionRecord | undefined,
): OfLatest {
  const stated = statedBy(patch, fieldsOf(body), "lists");
  const excluded = stated[EXCLUDE_FROM_LATEST];
  if (excluded === true) return { release: { kind: "exclude", by: "person" }, endsRule: true };
  const toBe = latestToBe(record, resource);
  const before = releaseToBe(record, resource);
  const regions = regionsIn({ ...shownFields(resource), ...shownFields(body) });
  const include = { kind: "include", by: "person" } as const;
  const from = excluded === false ? released(before, include, regions) : before;
  // Silence of a region in the list of a patch says nothing of it.
  const others = Object.entries(stated).flatMap(([field, value]) => {
    const region = regionOfFlag(field);
    return region === undefined || isReleased(from, region) === (value === false) ? [] : [region];
  });
  if (others.length > 0)
    return {
      release: { kind: "set", release: turned(from, others, regions) },
      endsRule: true,
    };
  if (excluded === false) return { release: include, endsRule: true };
  if (!(PROMOTION in stated)) return {};
  // A rule takes nothing out of latest.
  const isToPromote = stated[PROMOTION] !== null && toBe.length === 0;
  return {
    release: {
      kind: "set",
      release: isToPromote
        ? { in: "none", but: before.but, by: "rule" }
        : { ...before, by: "request" },
    },
  };
}

/** With these regions in latest that were not, and out of it that were. */
function turned(before: Release, turning: readonly string[], regions: readonly string[]): Release {
  const held = releasedIn(before, turning);
  const coming = turning.filter((name) => !held.includes(name));
  const by = "person";
  const out = released(before, { kind: "exclude", by, regions: held }, regions);
  return held.length === releasedIn(before, regions).length && coming.length === 0
    ? { in: "none", but: [], by }
    : released(out, { kind: "include", by, regions: coming }, regions);
}

/** A PUT does not bring forward the end of life: retention deletes by it. Who sends an ETag has seen it. */
function withoutEarlierEnd(
  { body, command: { ifMatch } }: Asking,
  patch: Patch,
  { resource }: Look,
): Pick<Asked, "patch" | "stays"> {
  const { [END_OF_LIFE_DATE]: said, ...kept } = patch;
  const shown = resource.properties.publishingProfile?.endOfLifeDate;
  const isLater = shown !== undefined && Date.parse(String(said)) >= Date.parse(shown);
  return typeof said !== "string" || namesOne(ifMatch) || isLater
    ? { patch, stays: [] }
    : { patch: kept, stays: [endOfLifeStays(body, shown, said)] };
}
