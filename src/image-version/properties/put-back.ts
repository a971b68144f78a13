/**
 * How a person restores earlier values of fields: a merge patch, and the command options for it.
 * Pure.
 */
import type { Change } from "../../conditions/conditions.js";
import type { ImageVersionRequest } from "../contract.js";
import { patched } from "./body.js";
import { partsOf, regionField, regionOf } from "./fields.js";
import { isMap, keyAt } from "./table.js";

/** The earlier value by field; absent: it did not exist. */
type Before = Readonly<Record<string, { readonly before?: unknown }>>;

/** `shown`: the version as Azure has it. */
export function putBack(shown: ImageVersionRequest, was: Before): Change {
  const added = Object.entries(was).flatMap(([field, { before }]) => {
    const region = regionOf(field);
    return region !== undefined && before === undefined && field === `${regionField(region)}/name`
      ? [region]
      : [];
  });
  const fields = Object.entries(was).filter(([field]) => !added.includes(regionOf(field) ?? ""));
  const document = patched(
    shown,
    Object.fromEntries([
      ...fields.map(([field, { before }]) => [field, before ?? null] as const),
      ...added.map((region) => [regionField(region), null] as const),
    ]),
  );
  const body = {};
  for (const [field] of fields) copyTo(body, document, partsOf(field));
  const options = [
    ...(added.length > 0 ? [`--remove-regions ${added.join(" ")}`] : []),
    ...fields.map(([field, { before }]) => optionOf(field, before)),
  ];
  const query = added.length > 0 ? `?removeRegions=${added.join(",")}` : "";
  return {
    ...(!options.includes(undefined) && { options: ` ${options.join(" ")}` }),
    request: `${query} ${JSON.stringify(body)}`,
  };
}

type Json = Record<string, unknown>;

/** A merge patch replaces a list as a whole, so the list is copied completely. */
function copyTo(body: Json, document: object, [part = "", ...parts]: readonly string[]): void {
  const value = (document as Json)[part];
  if (parts.length === 0 || Array.isArray(value) || value === undefined) body[part] = value ?? null;
  else copyTo((body[part] ??= {}) as Json, value as object, parts);
}

/** Undefined if no path of the command line can name the field. */
function optionOf(field: string, before: unknown): string | undefined {
  const region = regionOf(field);
  if (region !== undefined && field === `${regionField(region)}/name`)
    return `--add publishingProfile.targetRegions name=${region}`;
  const path = pathOf(partsOf(field));
  if (path === undefined) return undefined;
  if (before === undefined) return `--remove ${quoted(path)}`;
  const value = typeof before === "string" ? before : JSON.stringify(before);
  return `--set ${quoted(`${path}=${value}`)}`;
}

/** In az's form: `publishingProfile.targetRegions[name=eastus2].regionalReplicaCount`. */
function pathOf(parts: readonly string[]): string | undefined {
  let path = "";
  let place = "";
  for (const part of parts) {
    if (!/^[\w-]+$/u.test(part)) return undefined;
    if (keyAt(place) !== undefined)
      path += place.endsWith("/dataDiskImages") ? `[lun=${part}]` : `[name=${part}]`;
    else if (place !== "" || part !== "properties") path += path === "" ? part : `.${part}`;
    place += keyAt(place) !== undefined || isMap(place) ? "/*" : `/${part}`;
  }
  return path;
}

function quoted(text: string): string {
  return /^[\w./:=@-]+$/u.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
