/**
 * The form, and the body of a PUT that it means. What a body has and the form does not show is kept in `rest`, and goes back
 * where it was: a change with If-Match removes what it leaves out.
 */
import type { Schemas } from "@sigil/client";
import {
  compact,
  isObject,
  listIn,
  objectIn,
  textIn,
  textsIn,
  without,
  type Json,
  type JsonObject,
} from "./json.js";

export type Body = Schemas["GalleryImageVersion"];

export type Encryption = "platform" | "customer" | "double" | "confidential";

export const CONFIDENTIAL_TYPES = [
  "EncryptedWithCmk",
  "EncryptedWithPmk",
  "EncryptedVMGuestStateOnlyWithPmk",
  "NonPersistedTPM",
] as const;

export const STORAGE_TYPES = [
  "Standard_LRS",
  "Standard_ZRS",
  "Premium_LRS",
  "PremiumV2_LRS",
] as const;

/** What takes part in the provisioning of secrets. */
export const SECRETS_COMPONENTS = [
  "OS",
  "CloudInit",
  "AzureGuestAgent",
  "SecretsProvisioningLibrary",
] as const;

/** `other`: a VHD or a community image, as a pasted body or a version may have; it is kept as it is. */
export const SOURCE_KINDS = [
  "managedImage",
  "virtualMachine",
  "disks",
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
  readonly source: string;
}

export interface RegionRow {
  /** Stays the row's while others come and go. */
  readonly id: string;
  /** True where Azure has the version in it. */
  readonly present: boolean;
  readonly name: string;
  readonly replicas: string;
  readonly storage: string;
  readonly exclude: boolean;
  /** Ids of disk encryption sets. */
  readonly sets: Readonly<Record<Disk, string>>;
  /** Disks that have their set in Azure already: it stays. */
  readonly fixed: readonly Disk[];
  readonly rest: JsonObject;
}

/** One wave; regions and tests are separated by commas. */
interface WaveRow {
  readonly regions: string;
  /** Empty: what the form does not know, which `rest` has. */
  readonly after: "" | "tested" | "manual" | "minutes";
  readonly minutes: string;
  readonly results: string;
  readonly rest: JsonObject;
}

export const EMPTY_WAVE: WaveRow = {
  regions: "",
  after: "tested",
  minutes: "",
  results: "",
  rest: {},
};

export interface Form {
  /** True where it changes a version that there is: its source and its keys stay. */
  readonly exists: boolean;
  /** Of a new version: its number; empty: the next. */
  readonly version: string;
  readonly increment: "patch" | "minor" | "major";
  /** The change may leave regions without a latest version. */
  readonly allowNoLatest: boolean;
  /** Empty: the first region. */
  readonly location: string;
  readonly tags: readonly { readonly name: string; readonly value: string }[];
  readonly endOfLife: string;
  readonly exclude: boolean;
  /** Empty: no rule. */
  readonly promoteWhen:
    "" | "manual" | "allRegionsReady" | "regions" | "tested" | "waves";
  readonly promoteRegions: string;
  /** Where it is promoted in waves. */
  readonly waves: readonly WaveRow[];
  /** A failed test takes the version back wherever it is the latest. */
  readonly rollBack: boolean;
  readonly blockDeletion: boolean;
  readonly source: {
    readonly kind: SourceKind;
    readonly id: string;
    readonly osDisk: string;
    readonly dataDisks: readonly DiskRow[];
    /** Of what names its disks itself: their LUNs, as the plan says. */
    readonly luns: readonly number[];
  };
  /** `secretsProvisioningSettings`; empty: none. */
  readonly secrets: JsonObject;
  readonly regions: readonly RegionRow[];
  readonly encryption: Encryption;
  readonly confidentialType: string;
  /** The sets of a confidential version's data disks are of confidential machines, too. */
  readonly confidentialData: boolean;
  readonly rest: JsonObject;
}

export const EMPTY_FORM: Form = {
  exists: false,
  version: "",
  increment: "patch",
  allowNoLatest: false,
  location: "",
  tags: [],
  endOfLife: "",
  exclude: false,
  promoteWhen: "",
  promoteRegions: "",
  waves: [],
  rollBack: false,
  blockDeletion: false,
  source: {
    kind: "managedImage",
    id: "",
    osDisk: "",
    dataDisks: [],
    luns: [],
  },
  secrets: {},
  regions: [],
  encryption: "customer",
  confidentialType: "EncryptedWithCmk",
  confidentialData: false,
  rest: {},
};

/** As Azure compares regions. */
export function canonicalRegion(name: string): string {
  return name.toLowerCase().replaceAll(" ", "");
}

export function newId(rows: readonly { readonly id: string }[]): string {
  return String(Math.max(0, ...rows.map(({ id }) => Number(id))) + 1);
}

export function withRegion(form: Form, name = ""): Form {
  const region: RegionRow = {
    id: newId(form.regions),
    present: false,
    name,
    replicas: "1",
    storage: "",
    exclude: false,
    sets: {},
    fixed: [],
    rest: {},
  };
  return { ...form, regions: [...form.regions, region] };
}

/** LUNs of the data disks, in order. */
export function lunsOf({ source }: Form): readonly number[] {
  const luns =
    source.kind === "disks"
      ? source.dataDisks.map(({ lun }) => Number(lun))
      : source.luns;
  return [...new Set(luns)].filter(Number.isInteger).sort((a, b) => a - b);
}

export function disksOf(form: Form): readonly Disk[] {
  return [OS_DISK, ...lunsOf(form).map(String)];
}

export function diskName(disk: Disk): string {
  return disk === OS_DISK ? "OS disk" : `Data disk, LUN ${disk}`;
}

/** Whether the form offers a set for the disk: not for an OS disk whose key is the platform's. */
export function takesSet(
  { encryption, confidentialType }: Form,
  disk: Disk,
): boolean {
  if (encryption === "platform") return false;
  return (
    encryption !== "confidential" ||
    disk !== OS_DISK ||
    confidentialType === "EncryptedWithCmk"
  );
}

/** Whether the disk's set is one of confidential machines. */
export function isConfidential(
  {
    encryption,
    confidentialData,
  }: Pick<Form, "encryption" | "confidentialData">,
  disk: Disk,
): boolean {
  return (
    encryption === "confidential" && (disk === OS_DISK || confidentialData)
  );
}

/** The request's own rule, by which the service chooses a set where none is given; kept from a body that has one. */
interface EncryptionRule {
  readonly osDisk: string;
  readonly dataDisks: string;
  readonly tag: string;
}

export function ruleOf({ rest }: Form): EncryptionRule | undefined {
  const rule = objectIn(objectIn(rest, "sigil"), "encryption");
  return Object.keys(rule).length === 0
    ? undefined
    : {
        osDisk: textIn(rule, "osDisk"),
        dataDisks: textIn(rule, "dataDisks"),
        tag: textIn(rule, "tag"),
      };
}

export function withoutRule({ rest }: Form): Pick<Form, "rest"> {
  return {
    rest: compact({
      ...rest,
      sigil: without(objectIn(rest, "sigil"), "encryption"),
    }),
  };
}

/** Whether the service chooses the set, where none is given. */
export function isChosenByRule(form: Form, disk: Disk): boolean {
  const rule = ruleOf(form);
  return (
    rule !== undefined &&
    (rule.tag !== "" ||
      (disk === OS_DISK ? rule.osDisk : rule.dataDisks) !== "")
  );
}

/** Whether a version without one would silently have less than its type says. */
export function needsSet(form: Form, disk: Disk): boolean {
  return (
    takesSet(form, disk) &&
    !isChosenByRule(form, disk) &&
    (form.encryption !== "confidential" ||
      form.confidentialType === "EncryptedWithCmk")
  );
}

/** The body that the form means. What is not filled in is left out: the plan says what is missing. */
export function bodyOf(form: Form): Body {
  const { rest, source } = form;
  const properties = objectIn(rest, "properties");
  const location = form.location || (form.regions[0]?.name ?? "");
  return compact({
    ...rest,
    location: location.trim() || undefined,
    tags: tagsOf(form),
    properties: {
      ...compact({
        ...properties,
        publishingProfile: compact({
          ...objectIn(properties, "publishingProfile"),
          targetRegions:
            form.regions.length === 0
              ? undefined
              : form.regions.map((region) => regionOf(form, region)),
          excludeFromLatest: form.exclude || undefined,
          endOfLifeDate: form.endOfLife || undefined,
        }),
        storageProfile: form.exists
          ? undefined
          : storageOf(source, objectIn(properties, "storageProfile")),
        safetyProfile: compact({
          ...objectIn(properties, "safetyProfile"),
          blockDeletionBeforeEndOfLife: form.blockDeletion || undefined,
        }),
        securityProfile: compact({
          ...objectIn(properties, "securityProfile"),
          secretsProvisioningSettings: form.secrets,
        }),
      }),
    },
    sigil: compact({
      ...objectIn(rest, "sigil"),
      promotion: promotionOf(form),
    }),
  }) as unknown as Body;
}

function tagsOf({ tags }: Form): JsonObject | undefined {
  const named = tags.filter(({ name }) => name !== "");
  return named.length === 0
    ? undefined
    : Object.fromEntries(named.map(({ name, value }) => [name, value]));
}

function promotionOf({
  promoteWhen,
  promoteRegions,
  waves,
  rollBack,
  rest,
}: Form): JsonObject {
  if (promoteWhen === "") return {};
  const regions = namesIn(promoteRegions);
  return {
    ...((promoteWhen === "tested" || promoteWhen === "waves") &&
      without(
        objectIn(objectIn(rest, "sigil"), "promotion"),
        ...(promoteWhen === "tested" ? ["onFailure"] : ["results"]),
      )),
    when: promoteWhen,
    ...(promoteWhen === "waves" && {
      waves: waves.map(waveOf),
      ...(rollBack && { onFailure: "rollBack" }),
    }),
    ...((promoteWhen === "regions" ||
      (promoteWhen === "tested" && regions.length > 0)) && { regions }),
  };
}

function waveOf({ regions, after, minutes, results, rest }: WaveRow) {
  const tests = namesIn(results);
  return compact({
    ...rest,
    regions: namesIn(regions),
    ...(after !== "" && {
      after:
        after === "minutes" ? { minutes: numberOf(minutes) ?? null } : after,
    }),
    ...(tests.length > 0 && { results: tests }),
  });
}

function waveIn(wave: JsonObject): WaveRow {
  const { after } = wave;
  const known = after === "tested" || after === "manual" ? after : "";
  const minutes = textIn(after, "minutes");
  return {
    regions: textsIn(wave, "regions").join(", "),
    after: minutes === "" ? known : "minutes",
    minutes,
    results: textsIn(wave, "results").join(", "),
    rest: without(
      wave,
      "regions",
      "results",
      ...(known === "" && minutes === "" ? [] : ["after"]),
    ),
  };
}

export function namesIn(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function numberOf(text: string): Json | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  // What is no number is sent as it is: the service says what is wrong with it.
  return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

function storageOf(source: Form["source"], kept: JsonObject): JsonObject {
  if (source.kind === "other") return kept;
  // Such as caching, which a body may say beside any source.
  const osDisk = without(objectIn(kept, "osDiskImage"), "source");
  const dataDisks = listIn(kept, "dataDiskImages").map((disk) =>
    without(disk, "source"),
  );
  const id = source.id.trim() || undefined;
  if (source.kind !== "disks")
    return compact({
      source: compact(
        source.kind === "virtualMachine" ? { virtualMachineId: id } : { id },
      ),
      osDiskImage: osDisk,
      dataDiskImages: orUndefined(
        dataDisks.filter((disk) => Object.keys(disk).length > 1),
      ),
    });
  return compact({
    osDiskImage: compact({
      ...osDisk,
      source: compact({ id: source.osDisk.trim() || undefined }),
    }),
    dataDiskImages: orUndefined(
      source.dataDisks.map(({ lun, source: disk }) =>
        compact({
          ...dataDisks.find((each) => textIn(each, "lun") === lun),
          lun: numberOf(lun),
          source: compact({ id: disk.trim() || undefined }),
        }),
      ),
    ),
  });
}

function regionOf(form: Form, region: RegionRow): JsonObject {
  return compact({
    ...region.rest,
    name: region.name.trim(),
    regionalReplicaCount: numberOf(region.replicas),
    storageAccountType: region.storage || undefined,
    excludeFromLatest: region.exclude || undefined,
    encryption: encryptionOf(form, region),
  });
}

/** A disk without a set is named without one, so that what is found of it has a place. */
function encryptionOf(form: Form, region: RegionRow): JsonObject {
  const { encryption, confidentialType } = form;
  if (encryption === "platform") return {};
  const rest = objectIn(region.rest, "encryption");
  const osRest = objectIn(rest, "osDiskImage");
  const os = takesSet(form, OS_DISK)
    ? region.sets[OS_DISK] || undefined
    : undefined;
  return compact({
    osDiskImage:
      encryption === "confidential"
        ? compact({
            ...osRest,
            securityProfile: compact({
              confidentialVMEncryptionType: confidentialType,
              secureVMDiskEncryptionSetId: os,
            }),
          })
        : compact({ ...osRest, diskEncryptionSetId: os }),
    dataDiskImages: orUndefined(
      lunsOf(form).map((lun) => {
        const set = region.sets[lun] || undefined;
        const kept = listIn(rest, "dataDiskImages").find(
          (disk) => disk["lun"] === lun,
        );
        return isConfidential(form, String(lun))
          ? {
              lun,
              securityProfile: compact({
                confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
                secureVMDiskEncryptionSetId: set,
              }),
            }
          : compact({ ...kept, lun, diskEncryptionSetId: set });
      }),
    ),
  });
}

function orUndefined<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** What an answer has and a request does not: left out, so that the request shows what it asks for. */
const READ_ONLY = new Map<string, readonly string[]>(
  Object.entries({
    "": ["id", "name", "type", "systemData", "etag"],
    sigil: [
      "managedBy",
      "operationId",
      "state",
      "observedTime",
      "latest",
      "latestIn",
      "createdTime",
      "ageSeconds",
      "pending",
      "conditions",
      "rollout",
      "keys",
      "warnings",
      "regions",
    ],
    properties: [
      "provisioningState",
      "replicationStatus",
      "validationsProfile",
      "imageMetadataProfiles",
    ],
    publishingProfile: ["publishedDate"],
    safetyProfile: ["reportedForPolicyViolation", "policyViolations"],
    osDiskImage: ["sizeInGB"],
    dataDiskImages: ["sizeInGB"],
  }),
);

export function writable(document: unknown): JsonObject {
  const visit = (value: Json, name: string): Json => {
    if (Array.isArray(value))
      return (value as Json[]).map((item) => visit(item, name));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(without(value, ...(READ_ONLY.get(name) ?? []))).map(
        ([member, item]) => [member, visit(item, member)],
      ),
    );
  };
  const result = visit(isObject(document) ? document : {}, "");
  return compact(isObject(result) ? result : {});
}

/** How the form is filled from a body or an answer. */
interface Reading {
  readonly version?: string;
  /** The `encryptionType` of a disk encryption set, where it is known. */
  readonly typeOf?: (setId: string) => string | undefined;
  /** True where Azure has the version: its keys stay. */
  readonly exists?: boolean;
}

/** The form that means the body, be it written by hand or answered by a GET. */
export function formOf(document: unknown, reading: Reading = {}): Form {
  const body = writable(document);
  const properties = objectIn(body, "properties");
  const profile = objectIn(properties, "publishingProfile");
  const storage = objectIn(properties, "storageProfile");
  const safety = objectIn(properties, "safetyProfile");
  const security = objectIn(properties, "securityProfile");
  const sigil = objectIn(body, "sigil");
  const promotion = objectIn(sigil, "promotion");
  const regions = listIn(profile, "targetRegions");
  const profiles = regions.map((region) =>
    objectIn(
      objectIn(objectIn(region, "encryption"), "osDiskImage"),
      "securityProfile",
    ),
  );
  const confidentialType = profiles
    .map((each) => textIn(each, "confidentialVMEncryptionType"))
    .find((type) => type !== "");
  const dataDisks = regions.flatMap((region) =>
    listIn(objectIn(region, "encryption"), "dataDiskImages"),
  );
  const confidential = {
    encryption: confidentialType === undefined ? "customer" : "confidential",
    // Where they are of both kinds, each is kept as it is.
    confidentialData:
      dataDisks.length > 0 &&
      dataDisks.every(
        (disk) =>
          textIn(
            objectIn(disk, "securityProfile"),
            "confidentialVMEncryptionType",
          ) === "DataDiskEncryptedWithCmk",
      ),
  } as const;
  const rows = regions.map((region, i) =>
    regionRow(region, i, confidential, reading),
  );
  return {
    exists: reading.exists === true,
    version: reading.version ?? "",
    increment: "patch",
    allowNoLatest: false,
    location: textIn(body, "location"),
    tags: Object.keys(objectIn(body, "tags")).map((name) => ({
      name,
      value: textIn(body["tags"], name),
    })),
    endOfLife: textIn(profile, "endOfLifeDate"),
    exclude: profile["excludeFromLatest"] === true,
    promoteWhen: textIn(promotion, "when") as Form["promoteWhen"],
    promoteRegions: textsIn(promotion, "regions").join(", "),
    waves: listIn(promotion, "waves").map(waveIn),
    rollBack: promotion["onFailure"] === "rollBack",
    blockDeletion: safety["blockDeletionBeforeEndOfLife"] === true,
    source: sourceOf(storage, rows),
    secrets: objectIn(security, "secretsProvisioningSettings"),
    regions: rows,
    encryption: encryptionIn(
      rows,
      confidentialType,
      "encryption" in sigil,
      reading,
    ),
    confidentialType: confidentialType ?? "EncryptedWithCmk",
    confidentialData: confidential.confidentialData,
    rest: compact({
      ...without(body, "location", "tags"),
      sigil: compact({
        ...sigil,
        promotion: without(
          promotion,
          "when",
          "regions",
          "waves",
          ...(promotion["onFailure"] === "rollBack" ? ["onFailure"] : []),
        ),
      }),
      properties: compact({
        ...properties,
        publishingProfile: without(
          profile,
          "targetRegions",
          "excludeFromLatest",
          "endOfLifeDate",
        ),
        storageProfile: storage,
        safetyProfile: without(safety, "blockDeletionBeforeEndOfLife"),
        securityProfile: without(security, "secretsProvisioningSettings"),
      }),
    }),
  };
}

function sourceOf(
  storage: JsonObject,
  regions: readonly RegionRow[],
): Form["source"] {
  const source = objectIn(storage, "source");
  const osDisk = textIn(
    objectIn(objectIn(storage, "osDiskImage"), "source"),
    "id",
  );
  const dataDisks = listIn(storage, "dataDiskImages");
  const id = textIn(source, "id");
  const machine = textIn(source, "virtualMachineId");
  const luns = [
    ...dataDisks.map((disk) => Number(disk["lun"])),
    ...regions.flatMap(({ sets, rest }) => [
      ...Object.keys(sets).map(Number),
      ...listIn(objectIn(rest, "encryption"), "dataDiskImages").map((disk) =>
        Number(disk["lun"]),
      ),
    ]),
  ].filter(Number.isInteger);
  const kind: SourceKind =
    machine !== ""
      ? "virtualMachine"
      : /\/galleries\//iu.test(id)
        ? "imageVersion"
        : id !== ""
          ? "managedImage"
          : osDisk !== ""
            ? "disks"
            : Object.keys(storage).length > 0
              ? "other"
              : "managedImage";
  return {
    kind,
    id: id || machine,
    osDisk,
    dataDisks:
      kind !== "disks"
        ? []
        : dataDisks.map((disk, i) => ({
            id: String(i + 1),
            lun: textIn(disk, "lun"),
            source: textIn(objectIn(disk, "source"), "id"),
          })),
    luns: [...new Set(luns)].sort((a, b) => a - b),
  };
}

function regionRow(
  region: JsonObject,
  i: number,
  confidential: Pick<Form, "encryption" | "confidentialData">,
  { exists }: Reading,
): RegionRow {
  const encryption = objectIn(region, "encryption");
  const os = objectIn(encryption, "osDiskImage");
  const sets: Record<Disk, string> = {};
  const dataDisks = listIn(encryption, "dataDiskImages");
  for (const [name, disk] of [
    [OS_DISK, os] as const,
    ...dataDisks.map((each) => [textIn(each, "lun"), each] as const),
  ]) {
    const set = isConfidential(confidential, name)
      ? textIn(objectIn(disk, "securityProfile"), "secureVMDiskEncryptionSetId")
      : textIn(disk, "diskEncryptionSetId");
    if (set !== "") sets[name] = set;
  }
  const ofOsDisk = isConfidential(confidential, OS_DISK);
  return {
    id: String(i + 1),
    present: exists === true,
    name: textIn(region, "name"),
    replicas: textIn(region, "regionalReplicaCount"),
    storage: knownStorage(textIn(region, "storageAccountType")),
    exclude: region["excludeFromLatest"] === true,
    sets,
    fixed: exists === true ? Object.keys(sets) : [],
    rest: compact({
      ...without(
        region,
        "name",
        "regionalReplicaCount",
        "storageAccountType",
        "excludeFromLatest",
        "encryption",
      ),
      encryption: compact({
        osDiskImage: without(
          os,
          "securityProfile",
          ...(ofOsDisk ? [] : ["diskEncryptionSetId"]),
        ),
        dataDiskImages: confidential.confidentialData
          ? undefined
          : orUndefined(
              dataDisks
                .map((disk) => without(disk, "diskEncryptionSetId"))
                .filter((disk) => Object.keys(disk).length > 1),
            ),
      }),
    }),
  };
}

/** As the form writes it; what it does not know, as it is. */
function knownStorage(type: string): string {
  return (
    STORAGE_TYPES.find((each) => each.toLowerCase() === type.toLowerCase()) ??
    type
  );
}

function encryptionIn(
  rows: readonly RegionRow[],
  confidentialType: string | undefined,
  hasRule: boolean,
  { typeOf }: Reading,
): Encryption {
  if (confidentialType !== undefined) return "confidential";
  const sets = rows.flatMap((row) => Object.values(row.sets));
  if (sets.length === 0 && !hasRule) return "platform";
  return sets.some(
    (set) => typeOf?.(set) === "EncryptionAtRestWithPlatformAndCustomerKeys",
  )
    ? "double"
    : "customer";
}
