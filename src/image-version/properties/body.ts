/**
 * The body of a PUT: the raw resource from ARM, with a patch written into it. Whatever the patch
 * does not mention is sent back unchanged, including members that Sigil does not know. Invariant:
 * every region that stays is in the body with everything that ARM shows of it: keys, replicas,
 * storage.
 */
import type { ImageVersionRequest } from "../contract.js";
import {
  declaredIn,
  fieldsOf,
  partsOf,
  propertyOf,
  regionField,
  regionOf,
  sameAt,
  valueAt,
  type Fields,
} from "./fields.js";
import type { Patch } from "./patch.js";
import { BUILT_FROM, isMap, keyAt, READ_ONLY } from "./table.js";

type Json = Record<string, unknown>;

/** The version after the patch; without a version, only the patch. */
export function patched(shown: ImageVersionRequest | undefined, patch: Patch): ImageVersionRequest {
  const document = writable("", shown ?? { properties: {} }) as Json;
  const fields = shown === undefined ? {} : fieldsOf(shown);
  for (const [name, value] of Object.entries(patch)) {
    const region = regionOf(name);
    if (region !== undefined && name === regionField(region)) {
      remove(document, name);
      continue;
    }
    const present = valueAt(fields, name);
    if (value !== null) {
      // ARM's spelling stays if both mean the same.
      if (present === undefined || !sameAt(name, present, value)) set(document, name, value);
      continue;
    }
    if (present === undefined) continue;
    const { cleared, default: standard } = propertyOf(name);
    if (cleared === "default") set(document, name, standard);
    else if (cleared === "leftOut") remove(document, name);
  }
  return document as unknown as ImageVersionRequest;
}

/** The writable part of what ARM shows. */
function writable(path: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => writable(`${path}/*`, item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([member]) => !READ_ONLY.has(`${path}/${member}`))
      .map(([member, item]) => [member, writable(`${path}/${member}`, item)]),
  );
}

function set(document: Json, name: string, value: unknown): void {
  const { parent, list, item, member } = descend(document, name, true);
  if (list !== undefined && item === undefined) list.push(value);
  if (parent === undefined) return;
  const present = memberOf(parent, name, member);
  if (present !== undefined && present !== member) delete parent[present];
  // Assignment would fail for a tag called `__proto__`.
  Object.defineProperty(parent, member, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function remove(document: Json, name: string): void {
  const { parent, list, item, member } = descend(document, name, false);
  if (list !== undefined && item !== undefined) list.splice(list.indexOf(item), 1);
  else if (parent !== undefined) {
    const present = memberOf(parent, name, member);
    if (present !== undefined) delete parent[present];
  }
}

/** The existing member for a field: a tag may have another case. */
function memberOf(parent: Json, name: string, member: string): string | undefined {
  return Object.keys(parent).find(
    (other) =>
      other === member ||
      (name.startsWith("/tags/") && other.toLowerCase() === member.toLowerCase()),
  );
}

/** Finds the object that holds a field, or the list and item that the field names. */
function descend(
  document: Json,
  name: string,
  create: boolean,
): { parent?: Json; list?: unknown[]; item?: unknown; member: string } {
  const parts = partsOf(name);
  let value: Json = document;
  let path = "";
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i] as string;
    const last = i === parts.length - 1;
    if (last) return { parent: value, member: part };
    const place = `${path}/${isMap(path) ? "*" : part}`;
    const keyOf = keyAt(place);
    if (keyOf === undefined) {
      if (typeof value[part] !== "object" || value[part] === null) {
        if (!create) return { member: part };
        value[part] = {};
      }
      value = value[part] as Json;
      path = place;
      continue;
    }
    if (!Array.isArray(value[part])) {
      if (!create) return { member: part };
      value[part] = [];
    }
    const list = value[part] as Json[];
    const key = parts[i + 1] as string;
    let item = list.find((one) => keyOf(one) === key);
    if (i + 2 === parts.length) return { list, ...(item !== undefined && { item }), member: key };
    if (item === undefined) {
      if (!create) return { member: key };
      item = named(place, key);
      list.push(item);
    }
    value = item;
    path = `${place}/*`;
    i += 1;
  }
  return { member: "" };
}

/** A new item of a list, with the members of its key. */
function named(path: string, key: string): Json {
  if (path.endsWith("/dataDiskImages")) return { lun: Number(key) };
  const at = key.indexOf(" ");
  if (at === -1) return { name: key };
  const zone = key.slice(at + 1); // A zone's name may contain spaces, a region's cannot.
  return {
    ...(at > 0 && { name: key.slice(0, at) }),
    ...(zone !== "" && { extendedLocation: { name: zone } }),
  };
}

/** A body that may be edited and sent back: ARM's resource with Sigil's own members. */
export function writableForm(shown: ImageVersionRequest, own: Fields): ImageVersionRequest {
  const form = writable("", shown) as ImageVersionRequest;
  const parents = declaredIn(own).map(([, id]) => id);
  const sigil = {
    ...Object.fromEntries(
      Object.entries(own).flatMap(([name, value]) =>
        name.startsWith(`${BUILT_FROM}/`) ? [] : [[name.slice("/sigil/".length), value]],
      ),
    ),
    ...(parents.length > 0 && { builtFrom: parents }),
  };
  return Object.keys(sigil).length === 0 ? form : { ...form, sigil };
}
