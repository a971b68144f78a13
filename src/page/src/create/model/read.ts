/** The form that means a body, be it written by hand or answered by a GET. */
import {
  compact,
  isObject,
  listIn,
  objectIn,
  textIn,
  without,
  type Json,
  type JsonObject,
} from "./json.js";
import {
  isConfidential,
  OS_DISK,
  ruleOf,
  type Disk,
  type DiskRow,
  type Encryption,
  type Form,
  type RegionRow,
  type Source,
  type SourceKind,
} from "./form.js";
import { BODY, STORAGE_TYPES, within, type Property } from "./properties.js";

/** Leaves out the members that only an answer has, so that the request shows what it asks for. */
export function writable(document: unknown): JsonObject {
  const visit = (value: Json, property: Property | undefined): Json => {
    if (Array.isArray(value))
      return (value as Json[]).map((item) => visit(item, within(property, "")));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) => {
        const of = within(property, name);
        return of === "readOnly" ? [] : [[name, visit(member, of)] as const];
      }),
    );
  };
  const result = visit(isObject(document) ? document : {}, BODY);
  return compact(isObject(result) ? result : {});
}

/** How the form is filled from a body or an answer. */
interface Reading {
  readonly version?: string;
  /** The `encryptionType` of a disk encryption set; undefined: not known. */
  readonly typeOf?: (setId: string) => string | undefined;
  /** True if Azure has the version: its keys stay. */
  readonly exists?: boolean;
}

export function formOf(document: unknown, reading: Reading = {}): Form {
  const body = writable(document);
  const properties = objectIn(body, "properties");
  const profile = objectIn(properties, "publishingProfile");
  const storage = objectIn(properties, "storageProfile");
  const regions = listIn(profile, "targetRegions");
  const profiles = regions.map((region) =>
    objectIn(objectIn(objectIn(region, "encryption"), "osDiskImage"), "securityProfile"),
  );
  const confidentialType = profiles
    .map((each) => textIn(each, "confidentialVMEncryptionType"))
    .find((type) => type !== "");
  const dataDisks = regions.flatMap((region) =>
    listIn(objectIn(region, "encryption"), "dataDiskImages"),
  );
  const confidential = {
    encryption: confidentialType === undefined ? "customer" : "confidential",
    // If there are both kinds, each is kept as it is.
    confidentialData:
      dataDisks.length > 0 &&
      dataDisks.every(
        (disk) =>
          textIn(objectIn(disk, "securityProfile"), "confidentialVMEncryptionType") ===
          "DataDiskEncryptedWithCmk",
      ),
  } as const;
  const rows = regions.map((region, i) => regionRow(region, i, confidential, reading));
  return {
    exists: reading.exists === true,
    version: reading.version ?? "",
    increment: "patch",
    allowNoLatest: false,
    source: sourceOf(storage, dataDisks),
    regions: rows,
    encryption: encryptionIn(
      rows,
      confidentialType,
      Object.values(ruleOf({ body })).some((text) => text !== ""),
      reading,
    ),
    confidentialType: confidentialType ?? "EncryptedWithCmk",
    confidentialData: confidential.confidentialData,
    body,
  };
}

/** `keyed`: the data disks as the regions name them. */
function sourceOf(storage: JsonObject, keyed: readonly JsonObject[]): Source {
  const source = objectIn(storage, "source");
  const osDisk = objectIn(objectIn(storage, "osDiskImage"), "source");
  const dataDisks = listIn(storage, "dataDiskImages");
  const id = textIn(source, "id");
  const machine = textIn(source, "virtualMachineId");
  const luns = [...dataDisks, ...keyed].flatMap(({ lun }) =>
    Number.isInteger(Number(lun)) ? [Number(lun)] : [],
  );
  const account = textIn(osDisk, "storageAccountId");
  const kind: SourceKind =
    machine !== ""
      ? "virtualMachine"
      : /\/galleries\//iu.test(id)
        ? "imageVersion"
        : id !== ""
          ? "managedImage"
          : areVhds(osDisk, dataDisks)
            ? "vhd"
            : textIn(osDisk, "id") !== ""
              ? "disks"
              : Object.keys(storage).length > 0
                ? "other"
                : "managedImage";
  const row = (disk: JsonObject, member: string, i: number): DiskRow => ({
    id: String(i + 1),
    lun: textIn(disk, "lun"),
    source: textIn(objectIn(disk, "source"), member),
  });
  const member = kind === "vhd" ? "uri" : "id";
  return {
    kind,
    id: id || machine,
    account: kind === "vhd" ? account : "",
    osDisk: kind === "other" ? "" : textIn(osDisk, member),
    dataDisks:
      kind === "vhd" || kind === "disks" ? dataDisks.map((disk, i) => row(disk, member, i)) : [],
    luns: [...new Set(luns)].sort((a, b) => a - b),
  };
}

/** Every disk is a VHD of the one storage account: that is all that the form has fields for. */
function areVhds(osDisk: JsonObject, dataDisks: readonly JsonObject[]): boolean {
  const account = textIn(osDisk, "storageAccountId").toLowerCase();
  return [osDisk, ...dataDisks.map((disk) => objectIn(disk, "source"))].every(
    (source) =>
      textIn(source, "uri") !== "" &&
      textIn(source, "storageAccountId").toLowerCase() === account &&
      Object.keys(without(source, "uri", "storageAccountId")).length === 0,
  );
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
  return {
    id: String(i + 1),
    present: exists === true,
    name: textIn(region, "name"),
    replicas: textIn(region, "regionalReplicaCount"),
    storage: knownStorage(textIn(region, "storageAccountType")),
    exclude: region["excludeFromLatest"] === true,
    sets,
    fixed: exists === true ? Object.keys(sets) : [],
    given: region,
  };
}

/** As the form writes it; what it does not know, as it is. */
function knownStorage(type: string): string {
  return STORAGE_TYPES.find((each) => each.toLowerCase() === type.toLowerCase()) ?? type;
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
  return sets.some((set) => typeOf?.(set) === "EncryptionAtRestWithPlatformAndCustomerKeys")
    ? "double"
    : "customer";
}
