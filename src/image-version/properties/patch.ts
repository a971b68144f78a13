/**
 * What one request asks of a version, as a three-way merge of what was applied before, what Azure shows and what is
 * requested now (`kubectl apply` does the same). Pure. Example, with the fields' names shortened:
 *
 *   lastApplied  westus/replicas 2, tags/a 1            what Sigil was asked for, and achieved
 *   observed     westus/replicas 2, tags/a 1, tags/p x  a policy has added tags/p
 *   requested    westus/replicas 3, westus/excluded …   tags/a is left out
 *   => changes   westus/replicas 3, tags/a null         tags/p is not mentioned: it stays
 *
 * Invariants:
 *  1. What a request does not mention, and what was applied did not mention either, stays as Azure shows it.
 *  2. A region, or a key of one, is taken away only where the request names the region as one to be removed. What a
 *     request says nothing of, a region or an edge zone, stays with all that it has.
 *  3. What a request merely repeats gives way to what another has changed through Sigil meanwhile, and to nothing else. A
 *     region that another is removing is not merely repeated: the later of the two is refused.
 */
import {
  comparableAt,
  isOwn,
  nameIn,
  partsOf,
  placeOf,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  valueAt,
  type Fields,
} from "./fields.js";
import { escapePointer } from "../../errors.js";
import { EXCLUDE_FROM_LATEST, isMap, PROMOTION, propertyAt } from "./table.js";

/** By field name, the value that Azure shall show; null: it shall show none. A region's own name with null removes it. */
export type Patch = Readonly<Record<string, unknown>>;

/** What a request asks: what it changes, and what it repeats of what was applied before. Invariant 3. */
export interface Asked {
  readonly changes: Patch;
  readonly repeats: Patch;
}

export const NOTHING_ASKED: Asked = { changes: {}, repeats: {} };

/**
 * What a body states of a version that Azure shows as `shown`, if it has it. A promotion rule says when the version is to be
 * in latest: beside it a body does not ask for what holds until then, such as one that was read, nor that it be in latest at
 * once, as tools say in every body.
 */
export function statedIn(body: Fields, shown: Fields | undefined): Fields {
  if (body[PROMOTION] === undefined) return body;
  const { [EXCLUDE_FROM_LATEST]: excluded, ...others } = body;
  const held = shown === undefined || shown[EXCLUDE_FROM_LATEST] === true;
  return excluded === false || held ? others : body;
}

/** What a whole body asks. `lastApplied` is absent where Sigil has not applied anything yet. */
export function askedBy(
  requested: Fields,
  lastApplied: Fields | undefined,
  removeRegions: readonly string[] = [],
): Asked {
  const changes: Record<string, unknown> = {};
  const repeats: Record<string, unknown> = {};
  const has = new Set(regionsIn(lastApplied ?? {}));
  for (const [name, value] of Object.entries(requested)) {
    const before = lastApplied && valueAt(lastApplied, name);
    const region = regionOf(name);
    if (lastApplied === undefined || !sameAt(name, before, value))
      changes[name] = value;
    else if (propertyOf(name).restated === true) continue;
    // Of a region that was not applied, nothing is repeated: not even what has its default.
    else if (region !== undefined && !has.has(region)) changes[name] = value;
    else repeats[name] = value;
  }
  const named = placesIn(requested);
  for (const name of Object.keys(lastApplied ?? {})) {
    if (valueAt(requested, name) !== undefined) continue;
    const place = placeOf(name);
    if (place !== undefined && !named.has(place)) continue; // Invariant 2.
    if (propertyOf(name).omitted === "cleared") changes[name] = null;
  }
  return withoutRegions({ changes, repeats }, removeRegions);
}

/** What it takes to make the one version of the other; regions that the other lacks stay. Invariant 2. */
export function difference(
  from: Fields,
  to: Fields,
  removeRegions: readonly string[] = [],
): Asked {
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(to))
    if (!sameAt(name, valueAt(from, name), value)) changes[name] = value;
  const named = placesIn(to);
  for (const name of Object.keys(from)) {
    if (valueAt(to, name) !== undefined) continue;
    const place = placeOf(name);
    if (place !== undefined && !named.has(place)) continue;
    if (propertyOf(name).cleared !== undefined && !isDefault(name, from[name]))
      changes[name] = null;
  }
  return withoutRegions({ changes, repeats: {} }, removeRegions);
}

/** What a body asks of a version that its caller has seen: the difference. Silence about exclusion from latest keeps it. */
export function askedOfSeen(
  seen: Fields,
  requested: Fields,
  removeRegions: readonly string[] = [],
): Asked {
  const { changes, repeats } = difference(seen, requested, removeRegions);
  return {
    changes: Object.fromEntries(
      Object.entries(changes).filter(
        ([name, value]) =>
          value !== null ||
          regionField(regionOf(name) ?? "") === name ||
          propertyOf(name).omitted === "cleared",
      ),
    ),
    repeats,
  };
}

/** A rule that is asked for says when the version is to be in latest: not at once. */
export function withRuleAlone(changes: Patch, stated?: unknown): Patch {
  const { [EXCLUDE_FROM_LATEST]: excluded, ...others } = changes;
  const rule = changes[PROMOTION] ?? stated;
  return excluded === false && rule != null ? others : changes;
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
      if (property.mutability === "mutable")
        stated[name] = valueAt(to, name) ?? null;
      return;
    }
    if (what === "lists" && Array.isArray(value))
      for (const [field, item] of Object.entries(to))
        if (field.startsWith(`${name}/`)) stated[field] = item;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return;
    for (const [member, item] of Object.entries(value))
      visit(
        `${name}/${escapePointer(member)}`,
        `${path}/${isMap(path) ? "*" : member}`,
        item,
      );
  };
  visit("", "", patch);
  return stated;
}

/**
 * What a merge patch takes away, and no update can clear: it is asked as a removal, and so refused instead of passed over.
 * `from` is the version as it is, `to` as it would be, both canonical. What a list lacks of its regions and edge zones is
 * kept. Invariant 2.
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

function withoutRegions(asked: Asked, regions: readonly string[]): Asked {
  if (regions.length === 0) return asked;
  const kept = (patch: Patch): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(patch).filter(
        ([name]) => !regions.includes(regionOf(name) ?? ""),
      ),
    );
  return {
    changes: {
      ...kept(asked.changes),
      ...Object.fromEntries(regions.map((name) => [regionField(name), null])),
    },
    repeats: kept(asked.repeats),
  };
}

/**
 * What several ask, in the order in which they were accepted: the later change wins, and what one merely repeats gives
 * way to what has become of it since, in `applied` or by another's change.
 */
export function combined(
  requests: readonly Asked[],
  applied: Fields | undefined,
): Patch {
  const patch: Record<string, unknown> = {};
  const repeated = new Set<string>();
  const has = new Set(regionsIn(applied ?? {}));
  for (const { changes, repeats } of requests) {
    for (const [name, value] of Object.entries(repeats)) {
      const present = nameIn(patch, name);
      const region = regionOf(name);
      const overtaken =
        (present !== undefined && !repeated.has(present)) ||
        (applied !== undefined &&
          (!sameAt(name, valueAt(applied, name), value) ||
            (region !== undefined && !has.has(region))));
      if (overtaken || isRemoved(patch, name)) continue;
      put(patch, name, value);
      repeated.add(name);
    }
    for (const [name, value] of Object.entries(changes)) {
      const region = regionOf(name);
      if (region !== undefined && name === regionField(region))
        for (const other of Object.keys(patch))
          if (regionOf(other) === region) delete patch[other];
      if (region !== undefined && name !== regionField(region))
        delete patch[regionField(region)];
      put(patch, name, value);
      repeated.delete(name);
    }
  }
  return patch;
}

/** Sets a field; a tag takes the place of the one that is spelled in another case. */
function put(
  fields: Record<string, unknown>,
  name: string,
  value: unknown,
): void {
  const present = nameIn(fields, name);
  if (present !== undefined && present !== name) delete fields[present];
  fields[name] = value;
}

function isRemoved(patch: Patch, name: string): boolean {
  const region = regionOf(name);
  return region !== undefined && patch[regionField(region)] === null;
}

/** A field that two requests ask differently. */
export interface Conflict {
  readonly field: string;
  readonly theirs: unknown;
  readonly ours: unknown;
  /** Where the two values do not tell what is wrong. */
  readonly why?: string;
}

/** Where a request changes what another, accepted before it, changes otherwise, or names a region that the other removes. */
export function conflictsBetween(
  theirs: Asked,
  ours: Asked,
): readonly Conflict[] {
  const repeated = regionsIn(ours.repeats)
    .filter((name) => theirs.changes[regionField(name)] === null)
    .map((name): Conflict => {
      const field = regionField(name);
      return { field, theirs: null, ours: name };
    });
  return [
    ...repeated,
    ...Object.entries(ours.changes).flatMap(([field, value]): Conflict[] => {
      const region = regionOf(field);
      const removal = region !== undefined && field === regionField(region);
      if (removal) {
        const other = Object.entries(theirs.changes).find(
          ([name, their]) => regionOf(name) === region && their !== null,
        );
        return other === undefined
          ? []
          : [{ field, theirs: other[1], ours: value }];
      }
      if (isRemoved(theirs.changes, field))
        return [{ field, theirs: null, ours: value }];
      const name = nameIn(theirs.changes, field);
      if (name === undefined) return [];
      const their = theirs.changes[name];
      return comparableAt(field, their) === comparableAt(field, value)
        ? []
        : [{ field, theirs: their, ours: value }];
    }),
  ];
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
    if (isOwn(field)) return [];
    const place = placeOf(field);
    const isThere = place === undefined || places.has(place);
    const before = valueAt(observed, field);
    const isUnknown = before === undefined && property.default === undefined;
    if (isUnknown && property.mutability === "immutable" && isThere) return [];
    const isSame =
      sameAt(field, before, after) &&
      (before !== undefined || !inWords.includes(field));
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
export function withApplied(
  lastApplied: Fields | undefined,
  patch: Patch,
): Fields {
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
