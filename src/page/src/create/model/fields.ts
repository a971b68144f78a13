/** Finds the field of the form for a finding. A field's name is the id of its element. */
import type { Schemas } from "@sigil/client";
import { bodyOf } from "./body.js";
import {
  calledRegion,
  diskName,
  disksOf,
  isByDisk,
  isChosenByRule,
  needsSet,
  OS_DISK,
  rowOf,
  type Body,
  type Disk,
  type Form,
} from "./form.js";
import { segmentsOf } from "./json.js";

/** As a plan or a problem has it. */
export type Found = Schemas["Finding"];

/** A finding, and the field that it stands at; undefined: at the top. */
export interface Placed extends Found {
  readonly field: string | undefined;
}

export const regionField = (id: string, what: string): string => `region-${id}-${what}`;
export const setField = (regionId: string, disk: Disk): string => `set-${regionId}-${disk}`;
export const sourceDiskField = (id: string): string => `source-disk-${id}`;

export const waveField = (place: number): string => `wave-${place}`;

/** The sections of the form, in order, with what their fields begin with. */
export const SECTIONS = [
  {
    id: "basics",
    name: "Version and source",
    fields: /^(?:version|location|end-of-life|source)/u,
  },
  { id: "keys", name: "Keys", fields: /^(?:encryption|rule)/u },
  { id: "latest", name: "Latest", fields: /^(?:promot|wave)/u },
  { id: "regions", name: "Regions", fields: /^(?:region|set-)/u },
  { id: "tags", name: "Tags and protection", fields: /^(?:tags|safety)/u },
] as const;

/** The field of `form` for a pointer into its body; undefined: there is none. */
export function fieldAt(
  pointer: string,
  form: Form,
  body: Body = bodyOf(form),
): string | undefined {
  const [first, second, third, ...rest] = segmentsOf(pointer);
  switch (first) {
    case "path":
      return second === "versionName" ? "version" : undefined;
    case "query":
      return second === "increment" ? "version" : undefined;
    case "location":
      return "location";
    case "tags":
      return "tags";
    case "sigil":
      if (second === "capture") return "source-capture";
      return second === "encryption"
        ? third === undefined
          ? "encryption"
          : `rule-${third}`
        : third === "waves" && rest[0] !== undefined
          ? waveField(Number(rest[0]))
          : "promotion";
    case "properties":
      break;
    default:
      return undefined;
  }
  switch (second) {
    case "safetyProfile":
      return "safety";
    case "securityProfile":
      return third === "secretsProvisioningSettings" ? "source-secrets" : undefined;
    case "storageProfile":
      return sourceFieldAt(form, [third, ...rest]);
    case "publishingProfile":
      break;
    default:
      return undefined;
  }
  switch (third) {
    case "endOfLifeDate":
      return "end-of-life";
    case "excludeFromLatest":
      return "promotion";
    case "targetRegions":
      return regionFieldAt(form, body, rest);
    default:
      return undefined;
  }
}

function sourceFieldAt(
  { source }: Form,
  [member, index, ...rest]: readonly (string | undefined)[],
): string {
  if (source.kind === "other") return "source";
  if (!isByDisk(source.kind)) return member === "source" ? "source-id" : "source";
  if ([index, ...rest].includes("storageAccountId")) return "source-account";
  if (member === "osDiskImage") return "source-os";
  const row = member === "dataDiskImages" ? source.dataDisks[Number(index)] : undefined;
  return row === undefined ? "source" : sourceDiskField(row.id);
}

const REGION_MEMBERS = new Map([
  ["regionalReplicaCount", "replicas"],
  ["storageAccountType", "storage"],
  ["excludeFromLatest", "exclude"],
]);

function regionFieldAt(
  form: Form,
  body: Body,
  [index, member = "", disk, at]: readonly string[],
): string {
  const row = form.regions[Number(index ?? "none")];
  if (row === undefined) return "regions";
  if (member !== "encryption") return regionField(row.id, REGION_MEMBERS.get(member) ?? "name");
  if (form.encryption === "platform") return "encryption";
  if (disk !== "dataDiskImages") return setField(row.id, OS_DISK);
  const region = body.properties.publishingProfile?.targetRegions?.[Number(index)];
  const lun = region?.encryption?.dataDiskImages?.[Number(at ?? "none")]?.lun;
  return lun === undefined ? "encryption" : setField(row.id, String(lun));
}

/** The field's name in text away from the field, such as in a link to it. */
export function fieldName(form: Form, field: string): string {
  const name = FIELD_NAMES.get(field);
  if (name !== undefined) return name;
  const [kind, , what = ""] = field.split("-");
  const region = rowOf(form, field);
  if (region !== undefined)
    return `${calledRegion(region)}: ${kind === "set" ? diskName(what) : (REGION_FIELD_NAMES.get(what) ?? what)}`;
  if (kind === "wave") return `Wave ${Number(field.split("-")[1]) + 1}`;
  const disk = form.source.dataDisks.find((row) => row.id === what);
  return disk === undefined ? field : `Source: ${diskName(disk.lun)}`;
}

const FIELD_NAMES = new Map([
  ["version", "Version"],
  ["location", "Location"],
  ["tags", "Tags"],
  ["end-of-life", "End of life"],
  ["promotion", "When it becomes the latest"],
  ["safety", "Deletion"],
  ["source", "Source"],
  ["source-id", "Source"],
  ["source-capture", "Capture"],
  ["source-os", "Source: OS disk"],
  ["source-account", "Source: storage account"],
  ["source-secrets", "Secrets provisioning"],
  ["regions", "Regions"],
  ["encryption", "Encryption"],
  ["rule-osDisk", "Keys: set of the OS disk"],
  ["rule-dataDisks", "Keys: set of data disks"],
  ["rule-tag", "Keys: tag"],
]);
const REGION_FIELD_NAMES = new Map([
  ["name", "region"],
  ["replicas", "replicas"],
  ["storage", "storage"],
  ["exclude", "exclude from latest"],
]);

/** The fields whose findings are shown: those that the person left, or all. */
export type Left = ReadonlySet<string> | "all";
/** Left by who made the version that the form began with: all but the source. */
export const COPIED = "copied";

/**
 * Whether what is found of a field is shown yet: not while it is filled in, or before anybody was there. A set that the rule names is
 * no field to leave, and a row comes filled in.
 */
export function isLeft(form: Form, left: Left, field: string, focused = ""): boolean {
  if (left === "all" || left.has(field)) return true;
  if (left.has(COPIED) && !field.startsWith("source")) return true;
  const [, disk] = /^set-\d+-(.+)$/u.exec(field) ?? [];
  return disk === undefined
    ? field.startsWith("region-") && field !== focused
    : isChosenByRule(form, disk);
}

export function place(findings: readonly Found[], form: Form): readonly Placed[] {
  const body = bodyOf(form);
  return findings.map((finding) => ({
    ...finding,
    field: fieldAt(finding.pointer, form, body),
  }));
}

/**
 * Findings that the service cannot have, because the body does not show it: keys that were to be
 * chosen, and were not.
 */
export function findInForm(form: Form): readonly Placed[] {
  const found = (field: string, code: string, message: string, remediation: string): Placed => ({
    field,
    code,
    message,
    remediation,
    pointer: "",
    severity: "error",
  });
  return [
    ...(form.regions.length === 0
      ? [
          found(
            "regions",
            "NoRegion",
            "The version has no region.",
            "Add the region that its source is in.",
          ),
        ]
      : []),
    ...form.regions.flatMap((region) =>
      disksOf(form)
        .filter((disk) => needsSet(form, disk) && !region.sets[disk])
        .map((disk) =>
          found(
            setField(region.id, disk),
            "NoSetChosen",
            `${diskName(disk)} in ${calledRegion(region)} has no disk encryption set.`,
            "Choose one, name the sets by a rule, or choose platform keys.",
          ),
        ),
    ),
  ];
}

/** Everything that stands at the form's fields: what the service has found, and of a field that it is silent on, the form. */
export function merged(service: readonly Placed[], own: readonly Placed[]): readonly Placed[] {
  const errors = new Set(
    service.filter(({ severity }) => isError({ severity })).map(({ field }) => field),
  );
  return [...service, ...own.filter(({ field }) => !errors.has(field))];
}

/** A finding of a refusal has no severity: it is an error. */
export function isError({ severity }: { readonly severity?: Found["severity"] }): boolean {
  return severity === undefined || severity === "error";
}
