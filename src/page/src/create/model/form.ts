/**
 * The form of a version, and what follows from it without the service. It edits the request's body; what
 * it does not show is sent as it came in.
 */
import type { Schemas } from "@sigil/client";
import { canonicalRegion } from "../../geography.js";
import { at, listIn, put, textIn, without, type Json, type JsonObject } from "./json.js";

export type Body = Schemas["GalleryImageVersion"];

export type Encryption = "platform" | "customer" | "double" | "confidential";

/** `other`: a community image, say, as a pasted body or a version may have; it is kept as it is. */
export const SOURCE_KINDS = [
  "managedImage",
  "virtualMachine",
  "disks",
  "vhd",
  "imageVersion",
  "other",
] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** "os", or a data disk's LUN. */
export type Disk = string;
export const OS_DISK: Disk = "os";

export interface DiskRow {
  readonly id: string;
  readonly lun: string;
  /** The id of a snapshot or disk; of a VHD its address. */
  readonly source: string;
}

export interface Source {
  readonly kind: SourceKind;
  readonly id: string;
  /** Of VHDs: the id of the storage account that they are in. */
  readonly account: string;
  /** As a data disk's source. */
  readonly osDisk: string;
  readonly dataDisks: readonly DiskRow[];
  /** For a source that names its own disks: their LUNs, from the plan. */
  readonly luns: readonly number[];
}

export interface RegionRow {
  /** Stays the row's while others come and go. */
  readonly id: string;
  /** True if Azure has the version in this region. */
  readonly present: boolean;
  readonly name: string;
  readonly replicas: string;
  readonly storage: string;
  readonly exclude: boolean;
  /** Ids of disk encryption sets. */
  readonly sets: Readonly<Record<Disk, string>>;
  /** Disks that have their set in Azure already: it stays. */
  readonly fixed: readonly Disk[];
  readonly given: JsonObject;
}

/** By what the service chooses a set where none is given: names in which `{region}`, `{lun}` and `{image}` stand, or a tag. */
export type KeyRule = Readonly<Record<(typeof RULES)[number], string>>;
const RULES = ["osDisk", "dataDisks", "tag"] as const;

export interface Form {
  /** True for a change of an existing version, whose source and keys stay. */
  readonly exists: boolean;
  /** The number of a new version; empty: the next. */
  readonly version: string;
  readonly increment: "patch" | "minor" | "major";
  /** The change may leave regions without a latest version. */
  readonly allowNoLatest: boolean;
  readonly source: Source;
  readonly regions: readonly RegionRow[];
  readonly encryption: Encryption;
  readonly confidentialType: string;
  /** The sets of a confidential version's data disks are of confidential machines, too. */
  readonly confidentialData: boolean;
  /** What is sent, but for source and regions. */
  readonly body: JsonObject;
}

export const END_OF_LIFE = "/properties/publishingProfile/endOfLifeDate";
export const EXCLUDE = "/properties/publishingProfile/excludeFromLatest";
export const BLOCK_DELETION = "/properties/safetyProfile/blockDeletionBeforeEndOfLife";
export const PROMOTION = "/sigil/promotion";
const RULE = "/sigil/encryption";

/** A change of the body: what stands at the pointer; undefined: nothing. */
export function setting(pointer: string, to: Json | undefined) {
  return ({ body }: Pick<Form, "body">): Pick<Form, "body"> => ({
    body: put(body, pointer, to === "" ? undefined : to),
  });
}

export function textAt({ body }: Pick<Form, "body">, pointer: string): string {
  return textIn({ text: at(body, pointer) ?? null }, "text");
}

export function isExcluded({ body }: Pick<Form, "body">): boolean {
  return at(body, EXCLUDE) === true;
}

/** When it is promoted; empty: no rule. */
export function promoteWhen(form: Pick<Form, "body">): string {
  return textAt(form, `${PROMOTION}/when`);
}

export function wavesOf({ body }: Pick<Form, "body">): readonly JsonObject[] {
  return listIn(at(body, PROMOTION), "waves");
}

export const NO_RULE: KeyRule = { osDisk: "", dataDisks: "", tag: "" };

export function ruleOf({ body }: Pick<Form, "body">): KeyRule {
  const rule = at(body, RULE);
  return {
    osDisk: textIn(rule, "osDisk"),
    dataDisks: textIn(rule, "dataDisks"),
    tag: textIn(rule, "tag"),
  };
}

export function withRule<Of extends Pick<Form, "body">>(form: Of, rule: KeyRule): Of {
  return RULES.reduce(
    (now, name) => ({ ...now, ...setting(`${RULE}/${name}`, rule[name])(now) }),
    form,
  );
}

export const EMPTY_FORM: Form = {
  exists: false,
  version: "",
  increment: "patch",
  allowNoLatest: false,
  source: {
    kind: "managedImage",
    id: "",
    account: "",
    osDisk: "",
    dataDisks: [],
    luns: [],
  },
  regions: [],
  encryption: "customer",
  confidentialType: "EncryptedWithCmk",
  confidentialData: false,
  body: {},
};

export function newId(rows: readonly { readonly id: string }[]): string {
  return String(Math.max(0, ...rows.map(({ id }) => Number(id))) + 1);
}

/** The form with these regions, too: each with as many replicas, and kept as the last one there is. */
export function withRegions(form: Form, names: readonly string[]): Form {
  const last = form.regions.at(-1);
  return names.reduce<Form>((before, name) => {
    const region: RegionRow = {
      id: newId(before.regions),
      present: false,
      name,
      replicas: last?.replicas ?? "1",
      storage: last?.storage ?? "",
      exclude: false,
      sets: {},
      fixed: [],
      given: {},
    };
    return { ...before, regions: [...before.regions, region] };
  }, form);
}

/** Encrypted otherwise: what a disk was given of another kind goes. */
export function withEncryption(
  form: Form,
  changed: Partial<Pick<Form, "encryption" | "confidentialData">>,
): Form {
  const regions = form.regions.map((region) => ({
    ...region,
    given: without(region.given, "encryption"),
  }));
  return { ...form, ...changed, regions };
}

/** Whether each disk of the source is named with a source of its own. */
export function isByDisk(kind: SourceKind): boolean {
  return kind === "disks" || kind === "vhd";
}

/** LUNs of the data disks, in order. */
export function lunsOf({ source }: Form): readonly number[] {
  const luns = isByDisk(source.kind) ? source.dataDisks.map(({ lun }) => Number(lun)) : source.luns;
  return [...new Set(luns)].filter(Number.isInteger).sort((a, b) => a - b);
}

export function disksOf(form: Form): readonly Disk[] {
  return [OS_DISK, ...lunsOf(form).map(String)];
}

export function diskName(disk: Disk): string {
  return disk === OS_DISK ? "OS disk" : `Data disk, LUN ${disk}`;
}

/** Whether the form offers a set for the disk: not for an OS disk whose key is the platform's. */
export function takesSet({ encryption, confidentialType }: Form, disk: Disk): boolean {
  if (encryption === "platform") return false;
  return (
    encryption !== "confidential" || disk !== OS_DISK || confidentialType === "EncryptedWithCmk"
  );
}

/** Whether the disk's set is one of confidential machines. */
export function isConfidential(
  { encryption, confidentialData }: Pick<Form, "encryption" | "confidentialData">,
  disk: Disk,
): boolean {
  return encryption === "confidential" && (disk === OS_DISK || confidentialData);
}

/** The name by which the rule chooses a set for the disk; undefined: it chooses none by name. */
export function patternFor(form: Pick<Form, "body">, disk: Disk): string | undefined {
  const { osDisk, dataDisks } = ruleOf(form);
  const pattern = (disk === OS_DISK ? osDisk : dataDisks).trim();
  return pattern === "" ? undefined : pattern;
}

/** Whether the service chooses the set if none is given. */
export function isChosenByRule(form: Form, disk: Disk): boolean {
  return (
    takesSet(form, disk) && (patternFor(form, disk) !== undefined || ruleOf(form).tag.trim() !== "")
  );
}

/** Whether a version without one would silently have less than its type says. */
export function needsSet(form: Form, disk: Disk): boolean {
  return (
    takesSet(form, disk) &&
    !isChosenByRule(form, disk) &&
    (form.encryption !== "confidential" || form.confidentialType === "EncryptedWithCmk")
  );
}

/** `westus` of `region-1-name` and `set-1-os`, say: the row of a field of the form. */
export function rowOf(form: Form, field: string): RegionRow | undefined {
  const [, id] = /^(?:region|set)-(\d+)-/u.exec(field) ?? [];
  return form.regions.find((region) => region.id === id);
}

export function calledRegion({ name }: Pick<RegionRow, "name">): string {
  return canonicalRegion(name) || "a region without a name";
}
