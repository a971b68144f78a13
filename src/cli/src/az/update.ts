/**
 * `az sig image-version update`: reads the version, changes it as the options say, and sends the
 * difference as a merge patch. Paths are az's, without `properties`. Regions are addressed by name,
 * because an index changes meaning once a region is added.
 */
import type { Schemas } from "@sigil/client";
import { UsageError } from "../exit-codes.js";
import type { Values } from "../options.js";
import { endOfLifeOf, tagsOf } from "./image-version-body.js";
import type { Place } from "./names.js";
import { edgeZonesOf, targetRegionsOf } from "./regions.js";
import { canonicalRegion, fromAz, toAz, type AzVersion } from "./shape.js";

export interface Update {
  /** RFC 7396. */
  readonly patch: Schemas["GalleryImageVersionPatch"];
  /** Regions to remove from the version. A list that lacks a region does not remove it. */
  readonly removedRegions: readonly string[];
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

export function updateOf(version: Schemas["ImageVersion"], values: Values, place: Place): Update {
  return difference(toAz(version) as unknown as JsonObject, values, place);
}

/** What the options change in a version as az shows it. */
function difference(before: JsonObject, values: Values, place: Place): Update {
  const after = structuredClone(before);
  applyOptions(after, values, place);
  for (const { name, values: given } of values.occurrences) {
    if (name === "--set") set(after, given, values.boolean("--force-string"));
    if (name === "--add") add(after, given, values.boolean("--force-string"));
    if (name === "--remove") remove(after, given);
  }
  const kept = regionNames(after);
  return {
    patch: mergePatch(
      fromAz(before as unknown as AzVersion) as unknown as Json,
      fromAz(after as unknown as AzVersion) as unknown as Json,
    ) as Update["patch"],
    removedRegions: regionNames(before).filter((name) => !kept.includes(name)),
  };
}

/** Options that mean something else for each version, and what to use for many. */
const NOT_FOR_MANY: Readonly<Record<string, string>> = {
  "--target-regions":
    "Use --add publishingProfile.targetRegions name=REGION, or --remove-regions REGION.",
  "--target-edge-zones": "Change them for each version alone.",
  "--tags": "Use --set tags.NAME=VALUE, or --remove tags.NAME.",
};

/** An update that is made without reading a version. */
export interface CommonUpdate extends Update {
  /** Regions that it changes and does not add. Every version must have them. */
  readonly changedRegions: readonly string[];
}

/**
 * One update for many versions: a region in the patch is added or changed, and all others stay.
 * Throws UsageError for an option that depends on a version's own value.
 */
export function commonUpdateOf(values: Values): CommonUpdate {
  for (const [option, instead] of Object.entries(NOT_FOR_MANY))
    if (values.has(option))
      throw new UsageError(`${option} replaces what each version has. ${instead}`);
  const regions: JsonObject[] = [];
  const before: JsonObject = { publishingProfile: { targetRegions: regions } };
  const named = (name: string): number => regions.push({ name: canonicalRegion(name) });
  for (const region of values.list("--remove-regions") ?? []) named(region);
  const changed = values.all("--set").flatMap((each) => {
    const { path } = assignment(each);
    const [, region, rest = path] = OF_REGION.exec(path) ?? [];
    refuseLists("--set", rest);
    return region === undefined ? [] : [canonicalRegion(region)];
  });
  for (const { name: option, values: given } of values.occurrences) {
    const [path = "", item] = given;
    if (option === "--add" && path !== REGIONS) refuseLists("--add", `${path}[]`);
    if (option === "--remove" && item !== undefined && path === REGIONS) named(item);
    if (option !== "--remove" || path === REGIONS) continue;
    refuseLists("--remove", item === undefined ? path : `${path}[${item}]`);
    const { parent, name } = parentOf(before, path, "--remove");
    parent[name] = null;
  }
  for (const region of new Set(changed)) named(region);
  const { patch, removedRegions } = difference(before, values, NO_PLACE);
  return {
    patch: withoutEmptyRegions(patch as JsonObject),
    ...{ removedRegions, changedRegions: [...new Set(changed)] },
  };
}

const REGIONS = "publishingProfile.targetRegions";
const OF_REGION = /^publishingProfile\.targetRegions\[name=([^\]]+)\]\.(.+)$/u;
/** No option that is left names anything by its place. */
const NO_PLACE: Place = { subscriptionId: "", resourceGroupName: "" };

function refuseLists(option: string, path: string): void {
  if (path === REGIONS || /[[\]]/u.test(path))
    throw new UsageError(
      `${option} ${path} depends on the list that each version has. Change it for each version alone.`,
    );
}

/** Without the list that only lost regions. */
function withoutEmptyRegions({ properties, ...patch }: JsonObject): Update["patch"] {
  const { publishingProfile, ...others } = (properties ?? {}) as JsonObject;
  const { targetRegions, ...profile } = (publishingProfile ?? {}) as JsonObject;
  const regions = (targetRegions ?? []) as Json[];
  if (regions.length > 0) profile["targetRegions"] = regions;
  if (Object.keys(profile).length > 0) others["publishingProfile"] = profile;
  return { ...patch, ...(Object.keys(others).length > 0 && { properties: others }) };
}

function applyOptions(version: JsonObject, values: Values, place: Place): void {
  const profile = objectAt(version, "publishingProfile");
  const regions = targetRegionsOf(values, place);
  if (regions !== undefined) {
    const present = (profile["targetRegions"] ?? []) as JsonObject[];
    // Keep the keys of a region that stays: az's command lists regions without them.
    profile["targetRegions"] = regions.map((region) => {
      const name = canonicalRegion(region.name);
      const now = present.find((each) => canonicalRegion(each["name"]) === name);
      const { encryption, excludeFromLatest } = now ?? {};
      return {
        ...(encryption !== undefined && { encryption }),
        ...(excludeFromLatest !== undefined && { excludeFromLatest }),
        ...(region as unknown as JsonObject),
      };
    });
  }
  const removed = values.list("--remove-regions") ?? [];
  for (const name of removed) remove(version, ["publishingProfile.targetRegions", name]);
  const zones = edgeZonesOf(values, place);
  if (zones?.length === 0) delete profile["targetExtendedLocations"];
  else if (zones !== undefined) profile["targetExtendedLocations"] = zones;
  applyPlainOptions(version, values);
}

function applyPlainOptions(version: JsonObject, values: Values): void {
  const profile = objectAt(version, "publishingProfile");
  const changes: [JsonObject, string, Json | undefined][] = [
    [profile, "replicaCount", values.number("--replica-count")],
    [profile, "excludeFromLatest", values.boolean("--exclude-from-latest")],
    [profile, "endOfLifeDate", endOfLifeOf(values.text("--end-of-life-date"))],
    [version, "tags", tagsOf(values.list("--tags"))],
  ];
  for (const [option, property] of [
    ["--allow-replicated-location-deletion", "allowDeletionOfReplicatedLocations"],
    ["--block-deletion-before-end-of-life", "blockDeletionBeforeEndOfLife"],
  ] as const)
    if (values.has(option))
      changes.push([objectAt(version, "safetyProfile"), property, values.boolean(option)]);
  for (const [object, name, value] of changes) if (value !== undefined) object[name] = value;
}

/** `--set publishingProfile.excludeFromLatest=true tags.build=4711` */
function set(version: JsonObject, given: readonly string[], forceString = false): void {
  for (const each of given) {
    const { path, text } = assignment(each);
    const { parent, name } = parentOf(version, path, "--set");
    parent[name] = valueOf(path, text, forceString);
  }
}

function assignment(given: string): { readonly path: string; readonly text: string } {
  const [, path, text] = /^((?:\[[^\]]*\]|[^=[])+)=(.*)$/su.exec(given) ?? [];
  if (path === undefined || text === undefined)
    throw new UsageError(`--set takes path=value, not "${given}".`);
  return { path, text };
}

/** `--add publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3`, or a JSON text. */
function add(
  version: JsonObject,
  [path = "", ...items]: readonly string[],
  forceString = false,
): void {
  if (items.length === 0)
    throw new UsageError(
      "--add takes a path and what to add, such as publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3.",
    );
  const { parent, name } = parentOf(version, path, "--add");
  const list = (parent[name] ??= []);
  if (!Array.isArray(list)) throw new UsageError(`--add: ${path} is no list.`);
  const pairs: JsonObject = {};
  for (const item of items) {
    const [, key, text] = /^([A-Za-z]\w*)=(.*)$/su.exec(item) ?? [];
    if (key === undefined || text === undefined) list.push(valueOf(path, item, forceString));
    else pairs[key] = valueOf(`${path}.${key}`, text, forceString);
  }
  if (Object.keys(pairs).length === 0) return;
  const taken = list.find(
    (each) =>
      typeof each === "object" &&
      canonicalRegion((each as JsonObject)["name"]) === canonicalRegion(pairs["name"]),
  );
  if (path.endsWith("targetRegions") && taken !== undefined)
    throw new UsageError(
      `--add: the version has ${nameOf(pairs)} already. Change it with --set ${path}[name=${nameOf(pairs)}].regionalReplicaCount=3.`,
    );
  list.push(pairs);
}

/** `--remove publishingProfile.endOfLifeDate`, or a list and a name in it. */
function remove(version: JsonObject, [path = "", item, ...more]: readonly string[]): void {
  if (path === "" || more.length > 0)
    throw new UsageError("--remove takes a path, and for a list the name to remove from it.");
  const { parent, name } = parentOf(version, path, "--remove");
  const list = parent[name];
  if (item === undefined) {
    if (Array.isArray(list) && path.endsWith("targetRegions"))
      throw new UsageError(
        `--remove ${path} would remove every region. Name one: --remove ${path} eastus2.`,
      );
    if (list === undefined) throw new UsageError(`--remove: the version has no ${path}.`);
    delete parent[name];
    return;
  }
  if (!Array.isArray(list)) throw new UsageError(`--remove: ${path} is no list.`);
  if (/^-?\d+$/u.test(item))
    throw new UsageError(
      `--remove ${path} ${item} uses an index, which means another entry after a change. Give the name, such as --remove ${path} eastus2.`,
    );
  const rest = list.filter((each) => !isNamed(each, item));
  if (rest.length === list.length)
    throw new UsageError(
      `--remove: there is no ${item} in ${path}. It has ${list.map(nameOf).join(", ")}.`,
    );
  parent[name] = rest;
}

/**
 * The object that holds the end of a path such as
 * `publishingProfile.targetRegions[name=eastus2].regionalReplicaCount`.
 */
function parentOf(
  version: JsonObject,
  path: string,
  option: string,
): { readonly parent: JsonObject; readonly name: string } {
  const steps = [...path.matchAll(/([^.[\]]+)((?:\[[^\]]*\])?)/gu)];
  const last = steps.pop();
  if (last === undefined || last[2] !== "")
    throw new UsageError(`${option}: "${path}" is no path to a property.`);
  const first = steps[0]?.[1] ?? last[1];
  if (first === "properties")
    throw new UsageError(
      `${option}: paths are az's, without "properties": ${path.replace(/^properties\./u, "")}.`,
    );
  // Every object inherits these names; no version has them.
  const alien = [...steps, last].find(([, name = ""]) => name in {});
  if (alien !== undefined) throw new UsageError(`${option}: there is no "${alien[1]}".`);
  let parent = version;
  for (const [, name = "", selector = ""] of steps) {
    if (selector === "") {
      parent = objectAt(parent, name);
      continue;
    }
    const [, key, value] = /^\[(\w+)=(.+)\]$/u.exec(selector) ?? [];
    const list = parent[name];
    if (key === undefined || value === undefined)
      throw new UsageError(
        `${option}: ${name}${selector} goes by an index. Give the name: ${name}[name=eastus2].`,
      );
    const found = Array.isArray(list)
      ? (list as JsonObject[]).find((each) =>
          key === "name" ? isNamed(each, value) : String(each[key] as string) === value,
        )
      : undefined;
    if (found === undefined) throw new UsageError(`${option}: there is no ${name}${selector}.`);
    parent = found;
  }
  return { parent, name: last[1] ?? "" };
}

function objectAt(parent: JsonObject, name: string): JsonObject {
  const value = (parent[name] ??= {});
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${name} is no object.`);
  return value;
}

/** Parses JSON if the text is JSON, as az does. A tag is always text. */
function valueOf(path: string, text: string, forceString: boolean): Json {
  if (forceString || /^tags\b/u.test(path)) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function isNamed(entry: Json, name: string): boolean {
  return canonicalRegion(nameOf(entry)) === canonicalRegion(name);
}

function nameOf(entry: Json | undefined): string {
  const name =
    typeof entry === "object" && entry !== null && !Array.isArray(entry) ? entry["name"] : entry;
  return typeof name === "string" ? name : JSON.stringify(name);
}

function regionNames(version: JsonObject): readonly string[] {
  const { targetRegions = [] } = objectAt(version, "publishingProfile");
  return (targetRegions as JsonObject[]).map((each) => canonicalRegion(each["name"]));
}

/** The merge patch (RFC 7396) that turns `from` into `to`. */
export function mergePatch(from: Json, to: Json): Json {
  if (!isObject(from) || !isObject(to)) return to;
  const patch: JsonObject = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [from[name], to[name]];
    if (after === undefined) patch[name] = null;
    else if (before === undefined) patch[name] = after;
    else if (JSON.stringify(before) !== JSON.stringify(after))
      patch[name] = mergePatch(before, after);
  }
  return patch;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
