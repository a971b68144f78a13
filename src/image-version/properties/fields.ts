/**
 * A version as a flat map of its fields. A field's name is a JSON pointer in which items of lists
 * have their keys instead of their indexes, so that two versions can be compared and merged field
 * by field:
 *
 *     /properties/publishingProfile/targetRegions/westus/regionalReplicaCount  2
 *     /properties/publishingProfile/targetRegions/westus/encryption/dataDiskImages/0/diskEncryptionSetId  /subscriptions/…
 *     /tags/build  "4711"
 */
import { BoundedMap } from "../../bounded-map.js";
import { escapePointer } from "../../errors.js";
import type { ImageVersionRequest } from "../contract.js";
import {
  BUILT_FROM,
  isKnown,
  isMap,
  keyAt,
  propertyAt,
  TARGET_EXTENDED_LOCATIONS,
  TARGET_REGIONS,
  type Property,
} from "./table.js";

/** By field name; values are canonical. */
export type Fields = Readonly<Record<string, unknown>>;

/** Documents never change, and the fields of one are read often. */
const known = new WeakMap<ImageVersionRequest, Fields>();

/** The writable fields of a request, or of ARM's resource. */
export function fieldsOf(document: ImageVersionRequest): Fields {
  const found = known.get(document);
  if (found !== undefined) return found;
  const fields: Record<string, unknown> = {};
  collect("", "", document, fields);
  known.set(document, fields);
  return fields;
}

function collect(
  name: string,
  path: string,
  value: unknown,
  fields: Record<string, unknown>,
): void {
  if (value === undefined || value === null) return;
  const property = propertyAt(path);
  if (property !== undefined) {
    if (typeof value !== "object" || Object.keys(value).length > 0)
      fields[name] = property.form.canonical(value);
    return;
  }
  if (typeof value !== "object") return;
  const keyOf = keyAt(path);
  if (Array.isArray(value)) {
    if (keyOf === undefined) return;
    for (const item of value as unknown[])
      if (typeof item === "string" || (typeof item === "object" && item !== null))
        collect(
          `${name}/${escapePointer(keyOf(item as Record<string, unknown>))}`,
          `${path}/*`,
          item,
          fields,
        );
    return;
  }
  for (const [member, item] of Object.entries(value)) {
    const place = `${path}/${isMap(path) ? "*" : member}`;
    if (isKnown(place)) collect(`${name}/${escapePointer(member)}`, place, item, fields);
  }
}

/** The parts of a field's name, unescaped. */
export function partsOf(name: string): readonly string[] {
  return name.slice(1).split("/").map(unescaped);
}

function unescaped(part: string): string {
  return part.includes("~") ? part.replace(/~1/gu, "/").replace(/~0/gu, "~") : part;
}

/** Names repeat from look to look, and each is used many times. */
export const patterns = new BoundedMap<string, string>(10_000);

/** A field's name with `*` for each key: the path of its property. */
export function patternOf(name: string): string {
  let pattern = patterns.get(name);
  if (pattern === undefined) {
    pattern = "";
    for (const part of name.slice(1).split("/"))
      pattern += keyAt(pattern) !== undefined || isMap(pattern) ? "/*" : `/${part}`;
    patterns.set(name, pattern);
  }
  return pattern;
}

export function propertyOf(name: string): Property {
  const property = propertyAt(patternOf(name));
  if (property === undefined) throw new TypeError(`${name} is no field`);
  return property;
}

/** Each field that declares a parent, in fields or a patch, with the parent in Sigil's spelling. */
export function declaredIn(
  fields: Fields | undefined = {},
): readonly (readonly [field: string, id: string])[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    name.startsWith(`${BUILT_FROM}/`) && typeof value === "string" ? [[name, value] as const] : [],
  );
}

/** Whether a field is Sigil's own, which Azure does not know. */
export function isSigilField(name: string): boolean {
  return name.startsWith("/sigil/");
}

export function comparableAt(name: string, value: unknown): unknown {
  return value === undefined || value === null
    ? undefined
    : propertyOf(name).form.comparable(value);
}

/** Whether both mean the same; an absent value means the property's default. */
export function sameAt(name: string, one: unknown, other: unknown): boolean {
  const standard = propertyOf(name).default;
  return comparableAt(name, one ?? standard) === comparableAt(name, other ?? standard);
}

/** The members under which ARM may show the same source. */
const SOURCE = /^(.*\/source\/)(?:id|virtualMachineId|communityGalleryImageId|uri)$/u;
const SOURCE_MEMBERS = ["id", "virtualMachineId", "communityGalleryImageId", "uri"] as const;
const REGIONS = `${TARGET_REGIONS}/`;
const PLACES = [TARGET_REGIONS, TARGET_EXTENDED_LOCATIONS];
const WHOLE_SOURCE = "/properties/storageProfile/source/";
const OS_DISK_SOURCE = "/properties/storageProfile/osDiskImage/source/";

/**
 * The value of that name in `fields`. A source is found under whichever member shows it, a whole
 * image also as an OS disk's source, and a tag in any case, because ARM treats these as the same.
 */
export function valueAt(fields: Fields, name: string): unknown {
  const present = nameIn(fields, name);
  if (present !== undefined) return fields[present];
  const source = SOURCE.exec(name)?.[1];
  if (source === undefined) return undefined;
  const places =
    source === WHOLE_SOURCE
      ? [source, OS_DISK_SOURCE]
      : source === OS_DISK_SOURCE
        ? [source, WHOLE_SOURCE]
        : [source];
  return places
    .flatMap((place) => SOURCE_MEMBERS.map((member) => fields[place + member]))
    .find((value) => value !== undefined);
}

/**
 * The name of a field in `fields`: a tag may have another case, because ARM treats both as one tag.
 */
export function nameIn(fields: Fields, name: string): string | undefined {
  if (fields[name] !== undefined) return name;
  if (!name.startsWith("/tags/")) return undefined;
  const tag = name.toLowerCase();
  return Object.keys(fields).find((other) => other.toLowerCase() === tag);
}

/** The field name of a region: the prefix of all its fields. */
export function regionField(region: string): string {
  return `${TARGET_REGIONS}/${escapePointer(region)}`;
}

/** The canonical region of a field; undefined: it belongs to no region. */
export function regionOf(name: string): string | undefined {
  if (!name.startsWith(REGIONS)) return undefined;
  const end = name.indexOf("/", REGIONS.length);
  return unescaped(name.slice(REGIONS.length, end === -1 ? undefined : end));
}

/** The region or edge zone of a field, as the prefix of all its fields. */
export function placeOf(name: string): string | undefined {
  const list = PLACES.find((path) => name.startsWith(`${path}/`));
  if (list === undefined) return undefined;
  const end = name.indexOf("/", list.length + 1);
  return end === -1 ? name : name.slice(0, end);
}

/** The edge zones in fields, each as region and own name: `westus microsoftlosangeles1`. */
export function edgeZonesIn(fields: Fields): readonly string[] {
  const list = `${TARGET_EXTENDED_LOCATIONS}/`;
  return [
    ...new Set(
      Object.keys(fields)
        .filter((name) => name.startsWith(list))
        .flatMap((name) => partsOf(name)[list.split("/").length - 2] ?? []),
    ),
  ];
}

/** The canonical regions in fields, in their order. */
export function regionsIn(fields: Fields): readonly string[] {
  return [...new Set(Object.keys(fields).flatMap((name) => regionOf(name) ?? []))];
}

/** The regions that a patch adds. */
export function addedBy(patch: Readonly<Record<string, unknown>>): readonly string[] {
  return regionsIn(patch).filter((name) => patch[`${regionField(name)}/name`] != null);
}

/** The regions that a patch removes. */
export function removedBy(patch: Readonly<Record<string, unknown>>): readonly string[] {
  return regionsIn(patch).filter((name) => patch[regionField(name)] === null);
}

/**
 * RFC 6901 pointer to a field in a document. If the document does not have the field, it points to
 * the nearest parent; `was`: to where it was, or for an item of a list, to the list.
 */
export function pointerTo(document: unknown, name: string, was?: "was"): string {
  let pointer = "";
  let path = "";
  let value = document;
  for (const part of partsOf(name)) {
    const keyOf = keyAt(path);
    if (Array.isArray(value) && keyOf !== undefined) {
      const at = value.findIndex((item) => keyOf(item as Record<string, unknown>) === part);
      if (at === -1) return pointer;
      pointer += `/${at}`;
      path += "/*";
      value = (value as unknown[])[at];
      continue;
    }
    if (keyOf !== undefined) return pointer;
    const next = (value as Record<string, unknown> | null | undefined)?.[part];
    if (next === undefined && was === undefined) return pointer;
    pointer += `/${escapePointer(part)}`;
    path += `/${isMap(path) ? "*" : part}`;
    value = next;
  }
  return pointer;
}
