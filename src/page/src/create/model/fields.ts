/** What of the form a finding is about. A field's name is the id of its element. */
import type { Schemas } from "@sigil/client";
import {
  bodyOf,
  canonicalRegion,
  diskName,
  disksOf,
  needsSet,
  OS_DISK,
  type Body,
  type Disk,
  type Form,
} from "./form.js";

/** As a plan or a problem has it. */
export type Found = Schemas["Finding"];

/** A finding, and the field that it stands at; undefined: at the top. */
export interface Placed extends Found {
  readonly field: string | undefined;
}

export const regionField = (id: string, what: string): string =>
  `region-${id}-${what}`;
export const setField = (regionId: string, disk: Disk): string =>
  `set-${regionId}-${disk}`;
export const sourceDiskField = (id: string): string => `source-disk-${id}`;

/** The sections of the form, in order, with what their fields begin with. */
export const SECTIONS = [
  {
    id: "basics",
    name: "Basics",
    fields: /^(?:version|location|tags|end-of-life|exclude|promotion|safety)/u,
  },
  { id: "source", name: "Source", fields: /^source/u },
  { id: "regions", name: "Regions and replicas", fields: /^region/u },
  { id: "encryption", name: "Encryption", fields: /^(?:encryption|set-)/u },
  { id: "review", name: "Review", fields: /^$/u },
] as const;

/** RFC 6901. */
function segmentsOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The field of `form` that a pointer into its body leads to; undefined where there is none. */
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
      return second === "encryption" ? "encryption" : "promotion";
    case "properties":
      break;
    default:
      return undefined;
  }
  switch (second) {
    case "safetyProfile":
      return "safety";
    case "securityProfile":
      return third === "secretsProvisioningSettings"
        ? "source-secrets"
        : undefined;
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
      return "exclude";
    case "targetRegions":
      return regionFieldAt(form, body, rest);
    default:
      return undefined;
  }
}

function sourceFieldAt(
  { source }: Form,
  [member, index]: readonly (string | undefined)[],
): string {
  if (source.kind === "other") return "source";
  if (source.kind !== "disks")
    return member === "source" ? "source-id" : "source";
  if (member === "osDiskImage") return "source-os";
  const row =
    member === "dataDiskImages" ? source.dataDisks[Number(index)] : undefined;
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
  if (member !== "encryption")
    return regionField(row.id, REGION_MEMBERS.get(member) ?? "name");
  if (form.encryption === "platform") return "encryption";
  if (disk !== "dataDiskImages") return setField(row.id, OS_DISK);
  const region =
    body.properties.publishingProfile?.targetRegions?.[Number(index)];
  const lun = region?.encryption?.dataDiskImages?.[Number(at ?? "none")]?.lun;
  return lun === undefined ? "encryption" : setField(row.id, String(lun));
}

/** What a field is called where it is not seen, such as in a link to it. */
export function fieldName(form: Form, field: string): string {
  const name = FIELD_NAMES.get(field);
  if (name !== undefined) return name;
  const [kind, id, what = ""] = field.split("-");
  const region = form.regions.find((row) => row.id === id);
  const called =
    region === undefined ? "" : region.name.trim() || "a region without a name";
  if (kind === "region" && region !== undefined)
    return `${called}: ${REGION_FIELD_NAMES.get(what) ?? what}`;
  if (kind === "set" && region !== undefined)
    return `${called}: ${diskName(what)}`;
  const disk = form.source.dataDisks.find((row) => row.id === what);
  return disk === undefined ? field : `Source: ${diskName(disk.lun)}`;
}

const FIELD_NAMES = new Map([
  ["version", "Version"],
  ["location", "Location"],
  ["tags", "Tags"],
  ["end-of-life", "End of life"],
  ["exclude", "Exclude from latest"],
  ["promotion", "Promotion"],
  ["safety", "Deletion"],
  ["source", "Source"],
  ["source-id", "Source"],
  ["source-os", "Source: OS disk"],
  ["source-secrets", "Secrets provisioning"],
  ["regions", "Regions"],
  ["encryption", "Encryption"],
]);
const REGION_FIELD_NAMES = new Map([
  ["name", "region"],
  ["replicas", "replicas"],
  ["storage", "storage"],
  ["exclude", "exclude from latest"],
]);

export function place(
  findings: readonly Found[],
  form: Form,
): readonly Placed[] {
  const body = bodyOf(form);
  return findings.map((finding) => ({
    ...finding,
    field: fieldAt(finding.pointer, form, body),
  }));
}

/** What the service cannot find, as the body does not say it: that keys were to be chosen, and were not. */
export function findInForm(form: Form): readonly Placed[] {
  const found = (
    field: string,
    code: string,
    message: string,
    remediation: string,
  ): Placed => ({
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
            `${diskName(disk)} in ${canonicalRegion(region.name) || "a region without a name"} has no disk encryption set.`,
            "Choose one, or choose platform keys for every disk.",
          ),
        ),
    ),
  ];
}

/** Everything that stands at the form's fields: what the service has found, and of a field that it is silent on, the form. */
export function merged(
  service: readonly Placed[],
  own: readonly Placed[],
): readonly Placed[] {
  const errors = new Set(
    service
      .filter(({ severity }) => isError({ severity }))
      .map(({ field }) => field),
  );
  return [...service, ...own.filter(({ field }) => !errors.has(field))];
}

/** A finding of a refusal has no severity: it is an error. */
export function isError({
  severity,
}: {
  readonly severity?: Found["severity"];
}): boolean {
  return severity === undefined || severity === "error";
}
