/**
 * What requests change in a version, as patches of its fields. Pure. Leaving out a region, or a
 * region's key, removes nothing: a region only goes if the request names it for removal.
 */
import {
  comparableAt,
  isSigilField,
  nameIn,
  partsOf,
  placeOf,
  propertyOf,
  regionField,
  regionOf,
  sameAt,
  valueAt,
  type Fields,
} from "./fields.js";
import { escapePointer } from "../../errors.js";
import { isMap, propertyAt } from "./table.js";

/**
 * By field name, the value that Azure must show; null: none. A region's own name with null removes
 * the region.
 */
export type Patch = Readonly<Record<string, unknown>>;

/**
 * The changes of a body whose caller read the version: the difference. An exclusion from latest
 * that it leaves out is kept.
 */
export function askedOfSeen(seen: Fields, requested: Fields): Patch {
  return {
    ...Object.fromEntries(
      Object.entries(requested).filter(
        ([name, value]) => !sameAt(name, valueAt(seen, name), value),
      ),
    ),
    ...leftOut(seen, requested),
  };
}

/** The fields that a body leaves out and thereby removes. */
export function leftOut(from: Fields, requested: Fields): Patch {
  const named = placesIn(requested);
  return Object.fromEntries(
    Object.keys(from)
      .filter((name) => {
        const place = placeOf(name);
        return (
          valueAt(requested, name) === undefined &&
          (place === undefined || named.has(place)) &&
          propertyOf(name).omitted === "cleared" &&
          !isDefault(name, from[name])
        );
      })
      .map((name) => [name, null]),
  );
}

/**
 * Everything that a merge patch states, whether it changes it or not: a request with another value
 * contradicts it. `to` is the version after the patch. With "lists", includes all of a list that
 * the patch replaces.
 */
export function statedBy(patch: unknown, to: Fields, what?: "lists"): Patch {
  const stated: Record<string, unknown> = {};
  const visit = (name: string, path: string, value: unknown): void => {
    const property = propertyAt(path);
    if (property !== undefined) {
      if (property.mutability === "mutable") stated[name] = valueAt(to, name) ?? null;
      return;
    }
    if (what === "lists" && Array.isArray(value))
      for (const [field, item] of Object.entries(to))
        if (field.startsWith(`${name}/`)) stated[field] = item;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    for (const [member, item] of Object.entries(value))
      visit(`${name}/${escapePointer(member)}`, `${path}/${isMap(path) ? "*" : member}`, item);
  };
  visit("", "", patch);
  return stated;
}

/**
 * What a merge patch removes and no update can clear: it becomes a removal, and so is refused
 * instead of ignored. `from` is the version before, `to` after, both canonical. Regions and edge
 * zones that a list lacks are kept.
 */
export function takenAway(from: Fields, to: Fields): Patch {
  return Object.fromEntries(
    Object.keys(from)
      .filter(
        (name) =>
          placeOf(name) === undefined &&
          propertyOf(name).cleared === undefined &&
          valueAt(to, name) === undefined &&
          !isDefault(name, from[name]),
      )
      .map((name) => [name, null]),
  );
}

/** The objects that a merge patch removes as a whole, such as `/tags`. */
export function clearedBy(patch: unknown, name = ""): readonly string[] {
  if (patch === null) return propertyAt(name) === undefined ? [name] : [];
  if (typeof patch !== "object" || Array.isArray(patch)) return [];
  return Object.entries(patch).flatMap(([member, value]: [string, unknown]) =>
    clearedBy(value, `${name}/${escapePointer(member)}`),
  );
}

function placesIn(fields: Fields): ReadonlySet<string> {
  return new Set(Object.keys(fields).flatMap((name) => placeOf(name) ?? []));
}

function isDefault(name: string, value: unknown): boolean {
  return sameAt(name, value, undefined);
}

/** Several patches in the order of acceptance: the later wins. */
export function combined(requests: readonly Patch[]): Patch {
  const patch: Record<string, unknown> = {};
  for (const request of requests)
    for (const [name, value] of Object.entries(request)) {
      const region = regionOf(name);
      if (region !== undefined && name === regionField(region))
        for (const other of Object.keys(patch)) if (regionOf(other) === region) delete patch[other];
      if (region !== undefined && name !== regionField(region)) delete patch[regionField(region)];
      put(patch, name, value);
    }
  return patch;
}

/** Sets a field; a tag replaces the one with another case. */
function put(fields: Record<string, unknown>, name: string, value: unknown): void {
  const present = nameIn(fields, name);
  if (present !== undefined && present !== name) delete fields[present];
  fields[name] = value;
}

/** A field that two requests set to different values. */
export interface Conflict {
  readonly field: string;
  readonly theirs: unknown;
  readonly ours: unknown;
}

/**
 * Conflicts with a request that was accepted before: another value, or a region that one of the two
 * removes.
 */
export function conflictsBetween(theirs: Patch, ours: Patch): readonly Conflict[] {
  return Object.entries(ours).flatMap(([field, value]): Conflict[] => {
    const region = regionOf(field);
    if (region !== undefined && field === regionField(region)) {
      const other = Object.entries(theirs).find(
        ([name, their]) => regionOf(name) === region && their !== null,
      );
      return other === undefined ? [] : [{ field, theirs: other[1], ours: value }];
    }
    if (region !== undefined && theirs[regionField(region)] === null)
      return [{ field, theirs: null, ours: value }];
    const name = nameIn(theirs, field);
    if (name === undefined) return [];
    const their = theirs[name];
    return comparableAt(field, their) === comparableAt(field, value)
      ? []
      : [{ field, theirs: their, ours: value }];
  });
}

/** A field that Azure does not show as the patch sets it; `before`: the value that Azure shows. */
export interface Unmet {
  readonly field: string;
  readonly before: unknown;
  /** Null: it must be gone. */
  readonly after: unknown;
}

/**
 * The part of a patch that Azure does not show. Sigil's own fields do not count, nor do immutable
 * fields without a default that Azure never shows (some sources). `inWords`: fields for which the
 * default does not count as shown.
 */
export function unmetBy(
  observed: Fields,
  patch: Patch,
  inWords: readonly string[] = [],
): readonly Unmet[] {
  const places = placesIn(observed);
  return Object.entries(patch).flatMap(([field, after]): Unmet[] => {
    const region = regionOf(field);
    if (region !== undefined && field === regionField(region))
      return places.has(field) ? [{ field, before: region, after: null }] : [];
    const property = propertyOf(field);
    if (isSigilField(field)) return [];
    const place = placeOf(field);
    const isThere = place === undefined || places.has(place);
    const before = valueAt(observed, field);
    const isUnknown = before === undefined && property.default === undefined;
    if (isUnknown && property.mutability === "immutable" && isThere) return [];
    const isSame =
      sameAt(field, before, after) && (before !== undefined || !inWords.includes(field));
    return isSame ? [] : [{ field, before, after }];
  });
}

/** Those that no update can reach: immutable, or only to be added, with another value in Azure. */
export function impossibleAmong(unmet: readonly Unmet[]): readonly Unmet[] {
  return unmet.filter(({ field, before, after }) => {
    const region = regionOf(field);
    if (region !== undefined && field === regionField(region)) return false;
    const { mutability, default: standard } = propertyOf(field);
    return (
      (mutability === "immutable" && (before ?? standard) !== undefined) ||
      (mutability === "growsOnly" && before !== undefined) ||
      (mutability !== "mutable" && after === null)
    );
  });
}

/** The applied fields after a patch that Azure was seen to show. */
export function withApplied(lastApplied: Fields | undefined, patch: Patch): Fields {
  const applied: Record<string, unknown> = { ...lastApplied };
  for (const [name, value] of Object.entries(patch)) {
    if (value !== null) {
      put(applied, name, value);
      continue;
    }
    const region = regionOf(name);
    if (region !== undefined && name === regionField(region)) {
      for (const other of Object.keys(applied))
        if (regionOf(other) === region) delete applied[other];
    } else delete applied[nameIn(applied, name) ?? name];
  }
  return applied;
}

/** The last part of a field's name, as ARM spells it, and its region, to start a message with. */
export function describeField(field: string): string {
  const parts = partsOf(field);
  const region = regionOf(field);
  if (region === undefined)
    return `${field.startsWith("/tags/") ? "Tag " : ""}${parts.at(-1) ?? field}`;
  return field === regionField(region)
    ? `Target region ${region}`
    : `${parts.slice(parts.indexOf(region) + 1).join("/")} of ${region}`;
}
