/**
 * A version as a flat map of its fields. The name of a field is a JSON pointer in which the items of a list are named by
 * their keys and not by their places, so that two versions can be compared and merged field by field:
 *
 *   /properties/publishingProfile/targetRegions/westus/regionalReplicaCount  2
 *   /properties/publishingProfile/targetRegions/westus/encryption/dataDiskImages/0/diskEncryptionSetId  /subscriptions/…
 *   /tags/build  "4711"
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

/** No document changes, and many ask for the fields of one. */
const known = new WeakMap<ImageVersionRequest, Fields>();

/** The writable fields of a request, or of what ARM shows. */
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

/** Names repeat from look to look, and each is looked up many times. */
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

/** Each field that declares a parent, among fields or in a patch, with the parent as Sigil writes it. */
export function declaredIn(
  fields: Fields | undefined = {},
): readonly (readonly [field: string, id: string])[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    name.startsWith(`${BUILT_FROM}/`) && typeof value === "string" ? [[name, value] as const] : [],
  );
}

/** A field of Sigil's own: Azure does not know it. */
export function isSigilField(name: string): boolean {
  return name.startsWith("/sigil/");
}

export function comparableAt(name: string, value: unknown): unknown {
  return value === undefined || value === null
    ? undefined
    : propertyOf(name).form.comparable(value);
}

/** True where both mean the same; what is absent means the property's default. */
export function sameAt(name: string, one: unknown, other: unknown): boolean {
  const standard = propertyOf(name).default;
  return comparableAt(name, one ?? standard) === comparableAt(name, other ?? standard);
}

/** Members under which ARM may show one and the same source. */
const SOURCE = /^(.*\/source\/)(?:id|virtualMachineId|communityGalleryImageId|uri)$/u;
const SOURCE_MEMBERS = ["id", "virtualMachineId", "communityGalleryImageId", "uri"] as const;
const REGIONS = `${TARGET_REGIONS}/`;
const PLACES = [TARGET_REGIONS, TARGET_EXTENDED_LOCATIONS];
const WHOLE_SOURCE = "/properties/storageProfile/source/";
const OS_DISK_SOURCE = "/properties/storageProfile/osDiskImage/source/";

/**
 * What `fields` have under that name. A source is found under whichever member shows it, and a whole image where an OS
 * disk is asked for; a tag in whatever case: to ARM these are one.
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

/** The name under which `fields` have a field: of a tag it may be in another case, since to ARM both are one tag. */
export function nameIn(fields: Fields, name: string): string | undefined {
  if (fields[name] !== undefined) return name;
  if (!name.startsWith("/tags/")) return undefined;
  const tag = name.toLowerCase();
  return Object.keys(fields).find((other) => other.toLowerCase() === tag);
}

/** Field name of a region: the prefix of the names of all that is said of it. */
export function regionField(region: string): string {
  return `${TARGET_REGIONS}/${escapePointer(region)}`;
}

/** The canonical region that a field says something of, if it is one of a region. */
export function regionOf(name: string): string | undefined {
  if (!name.startsWith(REGIONS)) return undefined;
  const end = name.indexOf("/", REGIONS.length);
  return unescaped(name.slice(REGIONS.length, end === -1 ? undefined : end));
}

/** The region or edge zone that a field says something of: the prefix of the names of all that is said of it. */
export function placeOf(name: string): string | undefined {
  const list = PLACES.find((path) => name.startsWith(`${path}/`));
  if (list === undefined) return undefined;
  const end = name.indexOf("/", list.length + 1);
  return end === -1 ? name : name.slice(0, end);
}

/** The edge zones among fields, each as its region and its own name: `westus microsoftlosangeles1`. */
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

/** The canonical regions among fields, in their order. */
export function regionsIn(fields: Fields): readonly string[] {
  return [...new Set(Object.keys(fields).flatMap((name) => regionOf(name) ?? []))];
}

/** The regions that a patch adds to what is known. */
export function addedBy(patch: Readonly<Record<string, unknown>>): readonly string[] {
  return regionsIn(patch).filter((name) => patch[`${regionField(name)}/name`] != null);
}

/** The regions that a patch removes. */
export function removedBy(patch: Readonly<Record<string, unknown>>): readonly string[] {
  return regionsIn(patch).filter((name) => patch[regionField(name)] === null);
}

/**
 * RFC 6901 pointer into a document at what the field names. Where the document does not have that, it points to the
 * nearest place above that it has; `was`: to where it was, or of an item of a list to that list.
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
