/** Changes of a version, in sentences. */
import type { Schemas } from "@sigil/client";
import { isObject, segment, segmentsOf, textIn } from "./create/model/json.js";
import { canonicalRegion } from "./geography.js";
import { inWords } from "./operations.js";
import { nameIn } from "./summaries.js";

type Change = Pick<Schemas["PropertyChange"], "pointer" | "before" | "after">;

/** `shown`: the names of the regions in the order in which Azure shows them, or the request has them. */
export function changeTexts(
  changes: readonly Change[],
  shown: readonly string[],
): readonly string[] {
  const removed = changes.flatMap(({ pointer, before }) =>
    pointer.endsWith("/targetRegions") ? [before] : [],
  );
  const regions = shown.filter((name) => !removed.includes(name));
  for (const { pointer, after } of changes) {
    const [, index] = /\/targetRegions\/(\d+)\/name$/u.exec(pointer) ?? [];
    if (index !== undefined) regions[Number(index)] = String(after);
  }
  return changes.map((change) => changeText(change, regions));
}

/** `regions`: their names in the order of the list that the pointer goes into. */
function changeText({ pointer, before, after }: Change, regions: readonly string[]): string {
  const [region, ...place] = placeOf(pointer, regions);
  if (region !== undefined && place[0] === "name") return `${region} is added.`;
  const isRegion = /\/targetRegions(?:\/[^/]*)?$/u.test(pointer);
  if (isRegion && after === undefined && typeof before === "string") return `${before} is removed.`;
  if (isRegion && isObject(after))
    return `${textIn(after, "name") || region} is added: ${leavesOf(after).join(", ") || "with what is usual"}.`;
  const what = `${labelOf(place)}${inText(region)}`;
  if (after === undefined) return `${what} is removed; it was ${shown(before)}.`;
  return before === undefined
    ? `${what} becomes ${shown(after)}.`
    : `${what} was ${shown(before)}, becomes ${shown(after)}.`;
}

/** The changes that a merge patch would undo, as sentences: `Tag cost was absent, is 42.` */
export function turnedTexts(was: unknown, is: unknown, pointer = ""): readonly string[] {
  if (isObject(was) || Array.isArray(was))
    return Object.entries(membersOf(was)).flatMap(([name, value]) =>
      turnedTexts(value, membersOf(is)[name], `${pointer}/${segment(name)}`),
    );
  const before = was ?? undefined;
  const [region, ...place] = placeOf(pointer, []);
  return place.at(-1) === "name" || before === is
    ? []
    : [`${labelOf(place)}${inText(region)} was ${shown(before)}, is ${shown(is)}.`];
}

/** Those of a list by what they are called. */
function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (!Array.isArray(value)) return isObject(value) ? value : {};
  return Object.fromEntries(
    value
      .filter(isObject)
      .map((item) => [canonicalRegion(textIn(item, "name") || textIn(item, "lun")), item]),
  );
}

function inText(region: string | undefined): string {
  return region === undefined ? "" : ` in ${region}`;
}

const LABELS: Readonly<Record<string, string>> = {
  regionalReplicaCount: "replicas",
  replicaCount: "replicas",
  storageAccountType: "storage",
  excludeFromLatest: "excluded from latest",
  endOfLifeDate: "end of life",
  promotion: "promotion rule",
  targetRegions: "regions",
  diskEncryptionSetId: "disk encryption set",
  osDiskImage: "OS disk",
  dataDiskImages: "data disks",
};

/** The region that a pointer leads into, and what of it, or of the version. */
function placeOf(
  pointer: string,
  regions: readonly string[],
): readonly [region: string | undefined, ...place: string[]] {
  const parts = segmentsOf(pointer);
  const index = parts.indexOf("targetRegions") + 1;
  const at = parts[index];
  return index === 0 || at === undefined
    ? [undefined, ...parts]
    : [regions[Number(at)] ?? at, ...parts.slice(index + 1)];
}

function labelOf(place: readonly string[]): string {
  const last = place.at(-1) ?? "";
  if (place[0] === "tags" && place.length > 1) return `Tag ${last}`;
  const disk = place.find((part) => part.endsWith("DiskImage") || part.endsWith("DiskImages"));
  const words = [last, ...(disk === undefined || disk === last ? [] : [disk])]
    .map((part) => LABELS[part] ?? inWords(part))
    .join(" of ");
  return words.replace(/^./u, (letter) => letter.toUpperCase());
}

/** The values of a new region, in words. */
function leavesOf(value: unknown, name = ""): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one) => leavesOf(one, name));
  if (!isObject(value)) return [`${LABELS[name] ?? inWords(name)} ${shown(value)}`];
  return Object.entries(value).flatMap(([key, one]) => (key === "name" ? [] : leavesOf(one, key)));
}

function shown(value: unknown): string {
  if (value === undefined) return "absent";
  if (typeof value !== "string") return JSON.stringify(value);
  return value.startsWith("/subscriptions/") ? nameIn(value) : value;
}
