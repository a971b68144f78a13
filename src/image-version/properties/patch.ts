/**
 * What requests ask of a version, as patches of its fields. Pure. Of a region, or of a key of one, silence takes nothing away: a
 * region goes only where it is named as one to be removed.
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

/** By field name, the value that Azure shall show; null: it shall show none. A region's own name with null removes it. */
export type Patch = Readonly<Record<string, unknown>>;

/** What a body asks of a version that its caller has seen: the difference. Silence about exclusion from latest keeps it. */
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

/** What a body leaves out of these fields, and that takes away. */
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
 * What a merge patch says in so many words, changed by it or not: another request that asks otherwise contradicts it. `to`
 * is the version as it would be; with "lists", all that it has of a list that the patch replaces.
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
 * What a merge patch takes away, and no update can clear: it is asked as a removal, and so refused instead of passed over.
 * `from` is the version as it is, `to` as it would be, both canonical. What a list lacks of its regions and edge zones is
 * kept.
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

/** What a merge patch takes away as a whole: the parents of properties, such as `/tags`. */
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

/** What several ask, in the order in which they were accepted: the later says the last word. */
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

/** Sets a field; a tag takes the place of the one that is spelled in another case. */
function put(fields: Record<string, unknown>, name: string, value: unknown): void {
  const present = nameIn(fields, name);
  if (present !== undefined && present !== name) delete fields[present];
  fields[name] = value;
}

/** A field that two requests ask differently. */
export interface Conflict {
  readonly field: string;
  readonly theirs: unknown;
  readonly ours: unknown;
}

/** Where a request changes what another, accepted before it, changes otherwise, or names a region that the other removes. */
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

/** One field that Azure does not show as a patch asks; `before` is what it shows. */
export interface Unmet {
  readonly field: string;
  readonly before: unknown;
  /** Null where it shall be gone. */
  readonly after: unknown;
}

/**
 * What Azure does not show of what a patch asks. What is Sigil's own is no affair of Azure's; what never changes, has no
 * default and Azure does not show at all (some sources) is no finding. `inWords`: fields whose default does not do.
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

/** Those that no update can bring about: what is immutable, or may only be added, and is there otherwise. */
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

/** What was applied, with a patch that Azure has been seen to show. */
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

/** The last part of a field's name, as ARM spells it, and the region that it is said of: a message begins with it. */
export function describeField(field: string): string {
  const parts = partsOf(field);
  const region = regionOf(field);
  if (region === undefined)
    return `${field.startsWith("/tags/") ? "Tag " : ""}${parts.at(-1) ?? field}`;
  return field === regionField(region)
    ? `Target region ${region}`
    : `${parts.slice(parts.indexOf(region) + 1).join("/")} of ${region}`;
}
