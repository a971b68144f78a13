/** Which disk encryption set fits which disk in which region, and which one the rule names. */
import { parseResourceId, type Schemas } from "@sigil/client";
import { canonicalRegion } from "../../geography.js";
import type { ImageName } from "../../routes.js";
import {
  disksOf,
  isChosenByRule,
  isConfidential,
  patternFor,
  takesSet,
  type Disk,
  type Form,
  type RegionRow,
} from "./form.js";

export type DiskEncryptionSet = Schemas["DiskEncryptionSet"];
type EncryptionType = Schemas["EncryptionType"];

type Encrypted = Pick<Form, "encryption" | "confidentialData">;

/** The types of a set that fit, the one to make first. */
export function typesFor(form: Encrypted, disk: Disk): readonly EncryptionType[] {
  switch (form.encryption) {
    case "platform":
      return [];
    case "customer":
      return ["EncryptionAtRestWithCustomerKey"];
    case "double":
      return ["EncryptionAtRestWithPlatformAndCustomerKeys"];
    case "confidential":
      return isConfidential(form, disk)
        ? ["ConfidentialVmEncryptedWithCustomerKey"]
        : ["EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys"];
  }
}

/** The name in a set's id; the id itself where it is none. */
export function setName(id: string): string {
  const { type, names: [name] = [] } = parseResourceId(id) ?? {};
  return type === "diskencryptionsets" ? (name ?? id) : id;
}

/** Azure does not tell ids apart by case, nor by a leading slash. */
export function sameId(a: string, b: string): boolean {
  const key = (id: string): string => id.toLowerCase().replace(/^\/|\/$/gu, "");
  return key(a) === key(b);
}

export function findSet(
  sets: readonly DiskEncryptionSet[],
  id: string,
): DiskEncryptionSet | undefined {
  return sets.find((set) => sameId(set.id, id));
}

/** The sets that fit a disk in a region of the form. */
export type Fitting = (region: Pick<RegionRow, "name">, disk: Disk) => readonly DiskEncryptionSet[];

/** Those of the subscription that are in the region and have the type, by name. */
export function fittingIn(
  form: Encrypted,
  sets: readonly DiskEncryptionSet[],
  subscriptionId: string,
): Fitting {
  return ({ name }, disk) =>
    sets
      .filter(
        ({ id, region, encryptionType }) =>
          canonicalRegion(region) === canonicalRegion(name) &&
          typesFor(form, disk).includes(encryptionType) &&
          parseResourceId(id)?.subscriptionId.toLowerCase() === subscriptionId.toLowerCase(),
      )
      .sort((a, b) => setName(a.id).localeCompare(setName(b.id)));
}

/**
 * The rule's name for the disk in the region, and the matching set with that name; undefined: the
 * rule names none.
 */
export function namedByRule(
  form: Form,
  { subscriptionId, resourceGroupName, imageName }: ImageName,
  fitting: Fitting,
  region: RegionRow,
  disk: Disk,
): { readonly name: string; readonly set?: DiskEncryptionSet } | undefined {
  const pattern = patternFor(form, disk);
  if (pattern === undefined || !takesSet(form, disk)) return undefined;
  const name = pattern
    .replaceAll(/\{image\}/giu, () => imageName)
    .replaceAll(/\{region\}/giu, () => canonicalRegion(region.name))
    .replaceAll(/\{lun\}/giu, () => disk);
  const [own, group = resourceGroupName] = name.split("/").reverse();
  const id = name.startsWith("/")
    ? name
    : `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/diskEncryptionSets/${own}`;
  const set = fitting(region, disk).find((each) => sameId(each.id, id));
  return { name, ...(set && { set }) };
}

/** Patterns that the names of sets follow, those of most regions first: what a rule could be. */
export function patternsIn(sets: readonly DiskEncryptionSet[]): readonly string[] {
  const found = new Map<string, { pattern: string; count: number }>();
  for (const { id, region } of sets) {
    const pattern = patternOf(id, region);
    if (pattern === undefined) continue;
    const { count } = found.get(pattern.toLowerCase()) ?? { count: 0 };
    found.set(pattern.toLowerCase(), { pattern, count: count + 1 });
  }
  return [...found.values()]
    .sort((a, b) => b.count - a.count || a.pattern.localeCompare(b.pattern))
    .map(({ pattern }) => pattern);
}

/** A disk in a region for which there is no set. */
export interface Gap {
  readonly region: RegionRow;
  readonly disk: Disk;
  /** The expected name of the set; absent: any is possible. */
  readonly name?: string;
}

/**
 * `WestUSDiskEncryptionSet1` in westus: `{region}DiskEncryptionSet1`. Undefined if the set's name
 * does not contain the region's.
 */
export function patternOf(setId: string, region: string): string | undefined {
  const name = setName(setId);
  const canonical = canonicalRegion(region);
  const at = canonical === "" ? -1 : name.toLowerCase().indexOf(canonical);
  return at === -1 ? undefined : `${name.slice(0, at)}{region}${name.slice(at + canonical.length)}`;
}

/** Disks whose set by rule is not there, and those that have none by rule and none to choose from. */
export function gapsOf(form: Form, image: ImageName, fitting: Fitting): readonly Gap[] {
  return form.regions
    .filter(({ name }) => name.trim() !== "")
    .flatMap((region) =>
      disksOf(form).flatMap((disk): Gap[] => {
        if (!isOpenTo(form, region, disk)) return [];
        const named = namedByRule(form, image, fitting, region, disk);
        if (named !== undefined)
          return named.set === undefined
            ? [
                {
                  region,
                  disk,
                  name: setName(named.name).split("/").at(-1) ?? "",
                },
              ]
            : [];
        return fitting(region, disk).length === 0 && !isChosenByRule(form, disk)
          ? [{ region, disk }]
          : [];
      }),
    );
}

/** Whether a set is still to be chosen, by rule or by hand. */
export function isOpenTo(form: Form, region: RegionRow, disk: Disk): boolean {
  return takesSet(form, disk) && !region.fixed.includes(disk) && !region.sets[disk];
}
