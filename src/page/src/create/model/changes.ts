/**
 * What others changed since a version was read, and the person's own changes on top of that. Items
 * of lists are matched by name or LUN.
 */
import type { Schemas } from "@sigil/client";
import { isObject, segment, textIn, type Json, type JsonObject } from "./json.js";

/** As the API says changes; a list's members by their names. */
export type Change = Pick<Schemas["PropertyChange"], "pointer" | "before" | "after">;

/** The items of a list by name; undefined: they have no names. */
function named(list: readonly Json[]): ReadonlyMap<string, JsonObject> | undefined {
  const entries = new Map<string, JsonObject>();
  for (const item of list) {
    if (!isObject(item)) return undefined;
    const key = textIn(item, "lun") || textIn(item, "name").toLowerCase().replaceAll(" ", "");
    if (key === "" || entries.has(key)) return undefined;
    entries.set(key, item);
  }
  return entries;
}

function membersOf(value: Json | undefined): ReadonlyMap<string, Json> | undefined {
  if (Array.isArray(value)) return named(value as Json[]);
  return isObject(value) ? new Map(Object.entries(value)) : undefined;
}

export function differences(
  before: Json | undefined,
  after: Json | undefined,
  pointer = "",
): readonly Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const [one, other] = [membersOf(before), membersOf(after)];
  if (one === undefined || other === undefined || Array.isArray(before) !== Array.isArray(after))
    return [{ pointer, before, after }];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((key) =>
    differences(one.get(key), other.get(key), `${pointer}/${segment(key)}`),
  );
}

/**
 * Applies the changes from `base` to `mine` to `theirs`. If both changed the same value, mine wins.
 */
export function rebased(
  base: Json | undefined,
  mine: Json | undefined,
  theirs: Json | undefined,
): Json | undefined {
  if (JSON.stringify(mine) === JSON.stringify(base)) return theirs;
  if (JSON.stringify(theirs) === JSON.stringify(base)) return mine;
  const members = [base, mine, theirs].map(membersOf);
  const [b, m, t] = members;
  const lists = [mine, theirs].map((each) => Array.isArray(each));
  if (m === undefined || t === undefined || lists[0] !== lists[1]) return mine;
  const entries = [...new Set([...t.keys(), ...m.keys()])].flatMap((key): [string, Json][] => {
    const value = rebased(b?.get(key), m.get(key), t.get(key));
    return value === undefined ? [] : [[key, value]];
  });
  return lists[0] === true ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/**
 * The JSON merge patch (RFC 7396) from `before` to `after`: a list is one value, and `null` removes
 * a member.
 */
export function mergePatch(before: JsonObject, after: JsonObject): JsonObject {
  return Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap(
      (name): [string, Json][] => {
        const [one, other] = [before[name], after[name]];
        if (JSON.stringify(one) === JSON.stringify(other)) return [];
        return [
          [name, isObject(one) && isObject(other) ? mergePatch(one, other) : (other ?? null)],
        ];
      },
    ),
  );
}
