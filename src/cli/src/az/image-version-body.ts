/**
 * The options of `az sig image-version create` as the body that az sends to Azure Resource Manager: ids made of names, regions
 * with their counts and keys. Where az ignores an option or loses a key without a word, this says so.
 */
import type { Schemas } from "@sigil/client";
import { UsageError } from "../exit-codes.js";
import type { Values } from "../options.js";

export type Body = Schemas["GalleryImageVersion"];
type TargetRegion = Schemas["TargetRegion"];
type EdgeZone = Schemas["GalleryTargetExtendedLocation"];
type Encryption = Schemas["EncryptionImages"];
type DataDisk = Schemas["GalleryDataDiskImage"];

/** Where names without a resource group are. */
export interface Place {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
}

const STORAGE_ACCOUNT_TYPES = [
  "Standard_LRS",
  "Standard_ZRS",
  "Premium_LRS",
  "PremiumV2_LRS",
  "StandardSSD_LRS",
];
export const CONFIDENTIAL_TYPES = [
  "EncryptedVMGuestStateOnlyWithPmk",
  "EncryptedWithPmk",
  "EncryptedWithCmk",
  "NonPersistedTPM",
];

export function bodyOf(values: Values, place: Place): Body {
  const regions = values.list("--target-regions");
  const targetRegions = targetRegionsOf(values, place);
  const [only] = regions?.length === 1 ? (targetRegions ?? []) : [];
  const location = values.text("--location") ?? only?.name;
  if (location === undefined)
    throw new UsageError(
      "--location is missing: the region that the version itself belongs to, one of --target-regions. (az takes the resource group's, which Sigil does not read.)",
    );
  const edgeZones = edgeZonesOf(values, place);
  const tags = tagsOf(values.list("--tags"));
  const safety = compact({
    allowDeletionOfReplicatedLocations: values.boolean(
      "--allow-replicated-location-deletion",
    ),
    blockDeletionBeforeEndOfLife: values.boolean(
      "--block-deletion-before-end-of-life",
    ),
  });
  return {
    location,
    ...(tags && { tags }),
    properties: {
      publishingProfile: compact({
        targetRegions: targetRegions ?? [{ name: location }],
        replicaCount: values.number("--replica-count"),
        storageAccountType: values.text("--storage-account-type"),
        excludeFromLatest: values.boolean("--exclude-from-latest"),
        endOfLifeDate: endOfLifeOf(values.text("--end-of-life-date")),
        replicationMode: values.text("--replication-mode"),
        targetExtendedLocations: edgeZones?.length ? edgeZones : undefined,
      }) as NonNullable<Body["properties"]["publishingProfile"]>,
      storageProfile: storageOf(values, place),
      ...(Object.keys(safety).length > 0 && { safetyProfile: safety }),
    },
  };
}

/** As az does: a date without a time is one second before one o'clock in the afternoon, in UTC. */
export function endOfLifeOf(date: string | undefined): string | undefined {
  return date === undefined || /t/iu.test(date) ? date : `${date}T12:59:59Z`;
}

/** Undefined where none are given; `''` alone means none. */
export function tagsOf(
  list: readonly string[] | undefined,
): Record<string, string> | undefined {
  if (list === undefined) return undefined;
  return Object.fromEntries(
    list
      .filter((each) => each !== "")
      .map((each) => {
        const [, name = each, value = ""] = /^([^=]*)=(.*)$/su.exec(each) ?? [];
        return [name, value];
      }),
  );
}

export function targetRegionsOf(
  values: Values,
  place: Place,
): TargetRegion[] | undefined {
  const regions = values.list("--target-regions");
  const keys = listOf(values, "--target-region-encryption");
  const confidential = listOf(values, "--target-region-cvm-encryption");
  if (regions === undefined || regions.length === 0) {
    for (const [name, given] of [
      ["--target-region-encryption", keys],
      ["--target-region-cvm-encryption", confidential],
    ] as const)
      if (given !== undefined)
        throw new UsageError(
          `${name} has an entry for each of --target-regions, and --target-regions is missing. (az ignores it then, and the disks are encrypted with platform-managed keys.)`,
        );
    return undefined;
  }
  const parsed = regions.map((each) => targetRegion(each));
  const names = parsed.map(({ name }) => name);
  sameLength("--target-region-encryption", keys, "region", names);
  sameLength("--target-region-cvm-encryption", confidential, "region", names);
  return parsed.map((region, i) => {
    const encryption = encryptionOf(
      "--target-region-encryption",
      keys?.[i]?.split(",") ?? [],
      place,
    );
    const profile = confidential?.[i];
    const osDiskImage = {
      ...encryption?.osDiskImage,
      ...(profile !== undefined &&
        profile !== "null" && { securityProfile: securityOf(profile, place) }),
    };
    const all = {
      ...encryption,
      ...(Object.keys(osDiskImage).length > 0 && { osDiskImage }),
    };
    return Object.keys(all).length > 0
      ? { ...region, encryption: all }
      : region;
  });
}

/** Undefined where none are given; `None` means none. */
export function edgeZonesOf(
  values: Values,
  place: Place,
): EdgeZone[] | undefined {
  const zones = values.list("--target-edge-zones");
  const keys = listOf(values, "--target-edge-zone-encryption");
  if (zones === undefined || zones.length === 0) return undefined;
  if (zones.length === 1 && zones[0]?.toLowerCase() === "none") return [];
  const parsed = zones.map((each) => edgeZone(each));
  const names = parsed.map(
    ({ extendedLocation }) => extendedLocation?.name ?? "",
  );
  sameLength("--target-edge-zone-encryption", keys, "edge zone", names);
  return parsed.map((zone, i) => {
    const [name, ...terms] = keys?.[i]?.split(",") ?? [];
    if (
      name !== undefined &&
      name.trim().toLowerCase() !== names[i]?.toLowerCase()
    )
      throw new UsageError(
        `--target-edge-zone-encryption has ${name} where --target-edge-zones has ${names[i]}. Give both in the same order.`,
      );
    const encryption = encryptionOf(
      "--target-edge-zone-encryption",
      terms,
      place,
    );
    return encryption === undefined ? zone : { ...zone, encryption };
  });
}

function targetRegion(text: string): TargetRegion {
  const [name = "", ...rest] = text.split("=");
  const [count, type] = countAndType("--target-regions", text, rest);
  return compact({
    name,
    regionalReplicaCount: count,
    storageAccountType: type,
  }) as TargetRegion;
}

function edgeZone(text: string): EdgeZone {
  const [name = "", zone = "", ...rest] = text.split("=");
  if (zone === "")
    throw new UsageError(
      `--target-edge-zones: "${text}" names no edge zone. Write region=zone, such as westus=microsoftlosangeles1=1=standardssd_lrs.`,
    );
  const [count, type] = countAndType("--target-edge-zones", text, rest);
  return compact({
    name,
    extendedLocation: { name: zone, type: "EdgeZone" },
    extendedLocationReplicaCount: count,
    storageAccountType: type,
  });
}

function countAndType(
  option: string,
  text: string,
  parts: readonly string[],
): readonly [number | undefined, string | undefined] {
  const counts = parts.filter((each) => /^\d+$/u.test(each.trim()));
  const types = parts.filter((each) =>
    STORAGE_ACCOUNT_TYPES.some(
      (type) => type.toLowerCase() === each.trim().toLowerCase(),
    ),
  );
  const other = parts.find(
    (each) => !counts.includes(each) && !types.includes(each),
  );
  if (other !== undefined)
    throw new UsageError(
      `${option}: "${other}" in "${text}" is neither a number of replicas nor one of ${STORAGE_ACCOUNT_TYPES.join(", ")}.`,
    );
  if (counts.length > 1 || types.length > 1)
    throw new UsageError(
      `${option}: "${text}" has one number of replicas and one storage account type at most, such as westus=2=standard_lrs.`,
    );
  return [
    counts[0] === undefined ? undefined : Number(counts[0]),
    types[0]?.trim(),
  ];
}

function listOf(values: Values, name: string): readonly string[] | undefined {
  const list = values.list(name);
  return list?.length ? list : undefined;
}

/** az: "Length of --target-region-encryption should be as same as length of target regions". */
function sameLength(
  option: string,
  entries: readonly string[] | undefined,
  what: string,
  names: readonly string[],
): void {
  if (entries === undefined || entries.length === names.length) return;
  const width = Math.max(...names.map((name) => name.length), 8);
  const rows = Array.from(
    { length: Math.max(names.length, entries.length) },
    (_, i) =>
      `  ${(names[i] ?? `(no ${what})`).padEnd(width)}  ${entries[i] ?? "(nothing)"}`,
  );
  throw new UsageError(
    [
      `${option} has ${entries.length} ${entries.length === 1 ? "entry" : "entries"} for ${names.length} ${what}s. Give one for each, in the same order; "null" where there is none:`,
      ...rows,
    ].join("\n"),
  );
}

/** `<os set>,<lun>,<set>,<lun>,<set>`; "null" leaves the OS disk out. */
function encryptionOf(
  option: string,
  terms: readonly string[],
  place: Place,
): Encryption | undefined {
  const [os, ...pairs] = terms.map((each) => each.trim());
  if (os === undefined) return undefined;
  if (pairs.length % 2 !== 0)
    throw new UsageError(
      `${option}: "${terms.join(",")}" has a LUN without a disk encryption set, or a set without a LUN. Write <set of the OS disk>,<LUN>,<set>,<LUN>,<set>.`,
    );
  const dataDiskImages = Array.from({ length: pairs.length / 2 }, (_, i) => {
    const set = pairs[i * 2 + 1] ?? "";
    return {
      lun: lunOf(option, pairs[i * 2] ?? ""),
      ...(set !== "null" && { diskEncryptionSetId: setId(set, place) }),
    };
  });
  const encryption = {
    ...(os !== "null" &&
      os !== "" && { osDiskImage: { diskEncryptionSetId: setId(os, place) } }),
    ...(dataDiskImages.length > 0 && { dataDiskImages }),
  };
  return Object.keys(encryption).length > 0 ? encryption : undefined;
}

function securityOf(
  text: string,
  place: Place,
): Schemas["OSDiskImageSecurityProfile"] {
  const [type = "", set = "", ...more] = text.split(",");
  const known = CONFIDENTIAL_TYPES.find(
    (each) => each.toLowerCase() === type.trim().toLowerCase(),
  );
  if (known === undefined || more.length > 0)
    throw new UsageError(
      `--target-region-cvm-encryption: "${text}" is not <type>,<disk encryption set>. The type is one of ${CONFIDENTIAL_TYPES.join(", ")}.`,
    );
  return {
    confidentialVMEncryptionType: known as "EncryptedWithCmk",
    ...(set !== "" && { secureVMDiskEncryptionSetId: setId(set, place) }),
  };
}

function storageOf(
  values: Values,
  place: Place,
): Schemas["GalleryImageVersionStorageProfile"] {
  const SOURCES = ["--managed-image", "--virtual-machine", "--image-version"];
  const sources = SOURCES.filter((name) => values.has(name));
  if (sources.length > 1)
    throw new UsageError(
      `${sources.join(" and ")} are different sources. Give one of them.`,
    );
  const [managedImage, virtualMachine, imageVersion] = SOURCES.map((name) =>
    values.text(name),
  );
  if (imageVersion !== undefined && !isResourceId(imageVersion))
    throw new UsageError(
      `--image-version is the resource id of a version, not "${imageVersion}". (The number of the new one is --gallery-image-version.)`,
    );
  const compute = (type: string, name: string): string =>
    idOf(place, "Microsoft.Compute", type, name);
  const source =
    managedImage !== undefined
      ? { id: compute("images", managedImage) }
      : virtualMachine !== undefined
        ? { id: compute("virtualMachines", virtualMachine) }
        : imageVersion !== undefined
          ? { id: imageVersion }
          : undefined;
  const osDisk = osDiskOf(values, place);
  if (source === undefined && osDisk === undefined)
    throw new UsageError(
      "A source is missing: --managed-image, --virtual-machine, --image-version, --os-snapshot, or --os-vhd-uri with --os-vhd-storage-account.",
    );
  const dataDisks = dataDisksOf(values, place);
  return {
    ...(source && { source }),
    ...(osDisk && { osDiskImage: { source: osDisk } }),
    ...(dataDisks.length > 0 && { dataDiskImages: dataDisks }),
  };
}

function osDiskOf(
  values: Values,
  place: Place,
): Schemas["GalleryDiskImageSource"] | undefined {
  const snapshot = values.text("--os-snapshot");
  const uri = values.text("--os-vhd-uri");
  const account = values.text("--os-vhd-storage-account");
  if ((uri === undefined) !== (account === undefined))
    throw new UsageError(
      "--os-vhd-uri and --os-vhd-storage-account go together: the VHD, and the account that gives access to it.",
    );
  if (snapshot !== undefined && uri !== undefined)
    throw new UsageError(
      "--os-snapshot and --os-vhd-uri are both the OS disk. Give one of them.",
    );
  if (snapshot !== undefined)
    return { id: idOf(place, "Microsoft.Compute", "snapshots", snapshot) };
  if (uri === undefined || account === undefined) return undefined;
  return { storageAccountId: accountId(account, place), uri };
}

function dataDisksOf(values: Values, place: Place): DataDisk[] {
  const snapshots = listOf(values, "--data-snapshots");
  const uris = listOf(values, "--data-vhds-uris");
  const accounts = listOf(values, "--data-vhds-storage-accounts");
  const lunsOf = (
    option: string,
    of: string,
    disks = [] as readonly string[],
  ) => {
    const luns = listOf(values, option);
    if (luns !== undefined && disks.length === 0)
      throw new UsageError(`${option} goes with ${of}, which is missing.`);
    if (luns !== undefined && luns.length !== disks.length)
      throw new UsageError(
        `${option} has ${luns.length} (${luns.join(" ")}) for ${disks.length} of ${of} (${disks.join(" ")}). Give one LUN for each, in the same order, or none: they are 0, 1, 2 then.`,
      );
    return disks.map((_, i) => lunOf(option, luns?.[i] ?? String(i)));
  };
  const snapshotLuns = lunsOf(
    "--data-snapshot-luns",
    "--data-snapshots",
    snapshots,
  );
  const vhdLuns = lunsOf("--data-vhds-luns", "--data-vhds-uris", uris);
  if ((uris?.length ?? 0) !== (accounts?.length ?? 0))
    throw new UsageError(
      `--data-vhds-uris has ${uris?.length ?? 0}, --data-vhds-storage-accounts ${accounts?.length ?? 0}. Give the account of each VHD, in the same order.`,
    );
  return [
    ...(snapshots ?? []).map((snapshot, i) => ({
      lun: snapshotLuns[i] ?? i,
      source: { id: idOf(place, "Microsoft.Compute", "snapshots", snapshot) },
    })),
    ...(uris ?? []).map((uri, i) => ({
      lun: vhdLuns[i] ?? i,
      source: { storageAccountId: accountId(accounts?.[i] ?? "", place), uri },
    })),
  ];
}

function lunOf(option: string, text: string): number {
  if (/^\d+$/u.test(text.trim())) return Number(text);
  throw new UsageError(`${option}: a LUN is a whole number, not "${text}".`);
}

function isResourceId(text: string): boolean {
  return /^\/subscriptions\//iu.test(text);
}

/** A name is that of a resource in the version's own resource group, as with az. */
function idOf(
  { subscriptionId, resourceGroupName }: Place,
  provider: string,
  type: string,
  name: string,
): string {
  return isResourceId(name)
    ? name
    : `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/${provider}/${type}/${name}`;
}

function setId(name: string, place: Place): string {
  return idOf(place, "Microsoft.Compute", "diskEncryptionSets", name);
}

function accountId(name: string, place: Place): string {
  return idOf(place, "Microsoft.Storage", "storageAccounts", name);
}

/** Without what is undefined. */
function compact<T extends object>(
  object: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
