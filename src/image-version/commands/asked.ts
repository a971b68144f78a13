/**
 * What a request asks of the version that Azure shows: a patch, computed once, on acceptance. Pure.
 * A plan uses the same as a PUT or PATCH. Invariants:
 *  1. It has the values of the body that differ from what Azure shows, or from an open operation;
 *     if Azure's state is uncertain, all values of the body.
 *  2. What Sigil achieved and the body leaves out is removed. Regions, keys, flags, rule and
 *     protection are never removed by being left out.
 *  3. A PUT of an existing version changes neither latest nor the rule, except by `true` in a
 *     region that it adds: pipelines repeat both in every body, and would undo what a person set
 *     since. A PATCH changes what it states.
 */
import { omit } from "../../objects.js";
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
  /** The merge patch as sent; absent: none was sent. */
  readonly patch?: unknown;
  readonly glance: Glance;
}

export interface Asked {
  readonly patch: Patch;
  readonly release?: ReleaseChange;
  /** True if it ends the existing promotion rule. */
  readonly endsRule?: true;
  /** True for a whole body: its fields that Azure shows are Sigil's from then on. */
  readonly adopts?: true;
  /** Values in the body that the request does not change, with how to change them. */
  readonly stays: readonly RuleFinding[];
}

/**
 * Whether only differences from Azure are asked for: a patch, an ETag or a pasted answer shows that
 * the caller read the version.
 */
export function asksOnlyChanges({
  patch,
  command: { ifMatch, pasted },
}: Pick<Asking, "patch" | "command">): boolean {
  return patch !== undefined || namesOne(ifMatch) || pasted === true;
}

/** `record`: of the life that Azure shows; absent: nothing is known of that life. */
export function askedOf(request: Asking, record: ImageVersionRecord | undefined): Asked {
  const { body, removeRegions, glance, patch } = request;
  const { look } = glance;
  if (look === undefined) return creation(request, record);
  const all = without(saidBy(request, look, record), removeRegions);
  if (patch !== undefined)
    return { patch: all, ...latestByPatch(request, look, record), stays: [] };
  const { [PROMOTION]: rule, ...silent } = all;
  // A canceled creation left no release, so a new request for the version sets it.
  const isAnew = record?.release?.by === "cancel";
  // A version of others becomes Sigil's with the whole body, even if the caller read it.
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

/**
 * For a version that Azure does not have: the body sets everything, except the release if another
 * open request creates it.
 */
function creation({ body, removeRegions }: Asking, record: ImageVersionRecord | undefined): Asked {
  const open = record ? openRequests(record) : [];
  const other = open.find(([, { creates }]) => creates)?.[1].body;
  return {
    // Another request that is creating the version may add what this one removes.
    patch: without(fieldsOf(body), removeRegions),
    ...(other === undefined && madeAnew(body)),
    stays: other === undefined ? [] : stayingFlags(body, asCreated(other)),
  };
}

function asCreated(body: ImageVersionRequest): ImageVersionRequest {
  const regions = regionsIn(shownFields(body));
  return withLatest(body, releasedIn(createdAs(body), regions));
}

/**
 * Invariants 1 and 2. If the caller read the version, only differences are asked for; a patch also
 * asks for everything it states.
 */
function saidBy(request: Asking, look: Look, record: ImageVersionRecord | undefined): Patch {
  const { body, patch, glance } = request;
  const shown = { ...shownFields(look.resource), ...(record && sigilFieldsToBe(record)) };
  const fields = fieldsOf(body);
  const open = openPatchOf(record);
  const leaving = removedBy(open).map((name) => `${regionField(name)}/name`);
  const there = regionsIn(shown);
  // For a region that is yet to come, others may ask for something other than a default left out.
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
    const spec = omit(record?.spec ?? {}, PROMOTION);
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

/** Whether open operations ask for another value. */
function isOtherwise(field: string, value: unknown, open: Patch): boolean {
  const other = nameIn(open, field);
  return other !== undefined && !sameAt(field, open[other] ?? undefined, value ?? undefined);
}

/** The patch of all open operations together. */
export function openPatchOf(record: ImageVersionRecord | undefined): Patch {
  return record ? patchOf(openRequests(record).map(([, one]) => one)) : {};
}

/** A removed region goes with all its fields. Flags of latest are not fields. */
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

/** Invariant 3: an added region with `true` in the body is held back. */
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

/** The flag or rule that a patch states explicitly. */
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
  // A region that a patch's list leaves out is left alone.
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
  // A rule never excludes.
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

/** Includes those of these regions that were excluded, and excludes those that were in latest. */
function turned(before: Release, turning: readonly string[], regions: readonly string[]): Release {
  const held = releasedIn(before, turning);
  const coming = turning.filter((name) => !held.includes(name));
  const by = "person";
  const out = released(before, { kind: "exclude", by, regions: held }, regions);
  return held.length === releasedIn(before, regions).length && coming.length === 0
    ? { in: "none", but: [], by }
    : released(out, { kind: "include", by, regions: coming }, regions);
}

/**
 * A PUT does not bring the end of life forward, because retention deletes by it. A caller who sends
 * an ETag has seen it.
 */
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
