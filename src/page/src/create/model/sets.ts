/** Which disk encryption set fits which disk in which region, and how to choose many at once. */
import type { Schemas } from "@sigil/client";
import {
  canonicalRegion,
  disksOf,
  isConfidential,
  OS_DISK,
  takesSet,
  type Disk,
  type Form,
  type RegionRow,
} from "./form.js";

export type DiskEncryptionSet = Schemas["DiskEncryptionSet"];
type EncryptionType = Schemas["EncryptionType"];

type Encrypted = Pick<Form, "encryption" | "confidentialData">;

/** The types of a set that fit, the one to make first. */
export function typesFor(
  form: Encrypted,
  disk: Disk,
): readonly EncryptionType[] {
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
        : [
            "EncryptionAtRestWithCustomerKey",
            "EncryptionAtRestWithPlatformAndCustomerKeys",
          ];
  }
}

const SET_ID =
  /^\/?subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Compute\/diskEncryptionSets\/([^/]+)\/?$/iu;

/** The name in a set's id; the id itself where it is none. */
export function setName(id: string): string {
  return SET_ID.exec(id)?.[3] ?? id;
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

/** Sets of this subscription that are in the region and have the type, by name. */
export function fittingSets(
  sets: readonly DiskEncryptionSet[],
  place: Encrypted & {
    readonly subscriptionId: string;
    readonly region: string;
    readonly disk: Disk;
  },
): readonly DiskEncryptionSet[] {
  const types = typesFor(place, place.disk);
  const region = canonicalRegion(place.region);
  return sets
    .filter(
      (set) =>
        canonicalRegion(set.region) === region &&
        types.includes(set.encryptionType) &&
        SET_ID.exec(set.id)?.[1]?.toLowerCase() ===
          place.subscriptionId.toLowerCase(),
    )
    .sort((a, b) => setName(a.id).localeCompare(setName(b.id)));
}

/** The sets that fit a disk in a region of the form. */
export type Fitting = (
  region: RegionRow,
  disk: Disk,
) => readonly DiskEncryptionSet[];

export function fittingIn(
  { encryption, confidentialData }: Encrypted,
  sets: readonly DiskEncryptionSet[],
  subscriptionId: string,
): Fitting {
  return ({ name }, disk) =>
    fittingSets(sets, {
      subscriptionId,
      encryption,
      confidentialData,
      region: name,
      disk,
    });
}

/** How sets are named, such as `{region}-os` and `{region}-data-{lun}`; `{image}` is the image definition's name. */
interface NamingRule {
  readonly image: string;
  readonly osDisk: string;
  readonly dataDisk: string;
}

function nameBy(rule: NamingRule, region: string, disk: Disk): string {
  const pattern = disk === OS_DISK ? rule.osDisk : rule.dataDisk;
  return pattern
    .replaceAll(/\{image\}/giu, () => rule.image)
    .replaceAll(/\{region\}/giu, () => canonicalRegion(region))
    .replaceAll(/\{lun\}/giu, () => (disk === OS_DISK ? "" : disk));
}

/** A place in the table for which there is no such set. */
export interface Gap {
  readonly region: RegionRow;
  readonly disk: Disk;
  /** The name that a set was looked for under; absent where any would do. */
  readonly name?: string;
}

export interface Filled {
  readonly form: Form;
  readonly gaps: readonly Gap[];
}

/** Chooses by name, for every disk in every region whose key is not fixed; where there is no such set, what is chosen stays. */
export function fillByName(
  form: Form,
  fitting: Fitting,
  rule: NamingRule,
): Filled {
  const gaps: Gap[] = [];
  const filled = fill(form, (region, disk, chosen) => {
    const name = nameBy(rule, region.name, disk);
    const found = fitting(region, disk).find(
      ({ id }) => setName(id).toLowerCase() === name.toLowerCase(),
    );
    if (found === undefined) gaps.push({ region, disk, name });
    return found?.id ?? chosen;
  });
  return { form: filled, gaps };
}

/** For one disk, in every region that has no set for it yet: the set that is named as those that are chosen, or the only one. */
export function fillRow(form: Form, fitting: Fitting, disk: Disk): Filled {
  const patterns = form.regions.flatMap(({ name, sets }) => {
    const pattern = patternOf(sets[disk] ?? "", name);
    return pattern === undefined ? [] : [pattern];
  });
  return fillEmpty(form, fitting, (region, each) =>
    each === disk
      ? patterns.map((pattern) =>
          pattern.replaceAll("{region}", () => canonicalRegion(region.name)),
        )
      : undefined,
  );
}

/** In one region, for every disk that has no set yet: the one that another disk has there, or the only one. */
export function fillColumn(
  form: Form,
  fitting: Fitting,
  regionId: string,
): Filled {
  return fillEmpty(form, fitting, (region) =>
    region.id === regionId
      ? disksOf(form).flatMap((disk) => {
          const set = region.sets[disk];
          return set ? [setName(set)] : [];
        })
      : undefined,
  );
}

/** `names` answers those to look for, the first that is there wins; undefined: the place is left alone. */
function fillEmpty(
  form: Form,
  fitting: Fitting,
  names: (region: RegionRow, disk: Disk) => readonly string[] | undefined,
): Filled {
  const gaps: Gap[] = [];
  const filled = fill(form, (region, disk, chosen) => {
    const wanted = names(region, disk);
    if (wanted === undefined || chosen) return chosen;
    const sets = fitting(region, disk);
    const found =
      wanted
        .map((name) =>
          sets.find(
            ({ id }) => setName(id).toLowerCase() === name.toLowerCase(),
          ),
        )
        .find((set) => set !== undefined) ??
      (sets.length === 1 ? sets[0] : undefined);
    if (found === undefined && sets.length === 0) gaps.push({ region, disk });
    return found?.id;
  });
  return { form: filled, gaps };
}

function fill(
  form: Form,
  choose: (
    region: RegionRow,
    disk: Disk,
    chosen: string | undefined,
  ) => string | undefined,
): Form {
  const disks = disksOf(form).filter((disk) => takesSet(form, disk));
  return {
    ...form,
    regions: form.regions.map((region) => {
      const sets = { ...region.sets };
      for (const disk of disks) {
        if (region.fixed.includes(disk)) continue;
        const set = choose(region, disk, sets[disk]);
        if (set) sets[disk] = set;
      }
      return { ...region, sets };
    }),
  };
}

/** `WestUSDiskEncryptionSet1` in westus: `{region}DiskEncryptionSet1`. Undefined where its name does not have the region's. */
export function patternOf(setId: string, region: string): string | undefined {
  const name = setName(setId);
  const canonical = canonicalRegion(region);
  const at = canonical === "" ? -1 : name.toLowerCase().indexOf(canonical);
  return at === -1
    ? undefined
    : `${name.slice(0, at)}{region}${name.slice(at + canonical.length)}`;
}

/** Places of the table that take a set, and have none that fits to choose from. */
export function gapsOf(form: Form, fitting: Fitting): readonly Gap[] {
  return form.regions
    .filter(({ name }) => name.trim() !== "")
    .flatMap((region) =>
      disksOf(form)
        .filter(
          (disk) =>
            takesSet(form, disk) &&
            !region.fixed.includes(disk) &&
            fitting(region, disk).length === 0,
        )
        .map((disk) => ({ region, disk })),
    );
}

/** The key of a set, as one reads it: its vault, its name, and how its version begins. */
export function keyText({ keyUrl }: DiskEncryptionSet): string {
  if (keyUrl === undefined) return "no key";
  const [, vault, name = "", version = ""] =
    /^https:\/\/([^./]+)[^/]*\/keys\/([^/]+)(?:\/([^/]*))?$/u.exec(keyUrl) ??
    [];
  if (vault === undefined) return keyUrl;
  return `${vault}/${name}${version === "" ? "" : `/${version.slice(0, 8)}…`}`;
}
