/** Reads `--target-regions`, `--target-edge-zones` and their keys, which are parallel lists. */
import type { Schemas } from "@sigil/client";
import { UsageError } from "../exit-codes.js";
import type { Values } from "../options.js";
import { compact, listOf, lunOf, setId, type Place } from "./names.js";

type TargetRegion = Schemas["TargetRegion"];

type EdgeZone = Schemas["GalleryTargetExtendedLocation"];

type Encryption = Schemas["EncryptionImages"];

const STORAGE_ACCOUNT_TYPES = [
  "Standard_LRS",
  "Standard_ZRS",
  "Premium_LRS",
  "PremiumV2_LRS",
  "StandardSSD_LRS",
];

const CONFIDENTIAL_TYPES = [
  "EncryptedVMGuestStateOnlyWithPmk",
  "EncryptedWithPmk",
  "EncryptedWithCmk",
  "NonPersistedTPM",
];

export function targetRegionsOf(values: Values, place: Place): TargetRegion[] | undefined {
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
    const atRest = encryptionOf("--target-region-encryption", keys?.[i]?.split(",") ?? [], place);
    const text = confidential?.[i];
    const secure = text === undefined || text === "null" ? undefined : confidentialOf(text, place);
    const osDiskImage = { ...atRest?.osDiskImage, ...secure?.osDiskImage };
    const dataDiskImages = [...(atRest?.dataDiskImages ?? []), ...(secure?.dataDiskImages ?? [])];
    const encryption = {
      ...(Object.keys(osDiskImage).length > 0 && { osDiskImage }),
      ...(dataDiskImages.length > 0 && { dataDiskImages }),
    };
    return Object.keys(encryption).length > 0 ? { ...region, encryption } : region;
  });
}

/** Undefined if none are given; `None` means none. */
export function edgeZonesOf(values: Values, place: Place): EdgeZone[] | undefined {
  const zones = values.list("--target-edge-zones");
  const keys = listOf(values, "--target-edge-zone-encryption");
  if (zones === undefined || zones.length === 0) return undefined;
  if (zones.length === 1 && zones[0]?.toLowerCase() === "none") return [];
  const parsed = zones.map((each) => edgeZone(each));
  const names = parsed.map(({ extendedLocation }) => extendedLocation?.name ?? "");
  sameLength("--target-edge-zone-encryption", keys, "edge zone", names);
  return parsed.map((zone, i) => {
    const [name, ...terms] = keys?.[i]?.split(",") ?? [];
    if (name !== undefined && name.trim().toLowerCase() !== names[i]?.toLowerCase())
      throw new UsageError(
        `--target-edge-zone-encryption has ${name} where --target-edge-zones has ${names[i]}. Give both in the same order.`,
      );
    const encryption = encryptionOf("--target-edge-zone-encryption", terms, place);
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
    STORAGE_ACCOUNT_TYPES.some((type) => type.toLowerCase() === each.trim().toLowerCase()),
  );
  const other = parts.find((each) => !counts.includes(each) && !types.includes(each));
  if (other !== undefined)
    throw new UsageError(
      `${option}: "${other}" in "${text}" is neither a number of replicas nor one of ${STORAGE_ACCOUNT_TYPES.join(", ")}.`,
    );
  if (counts.length > 1 || types.length > 1)
    throw new UsageError(
      `${option}: "${text}" has one number of replicas and one storage account type at most, such as westus=2=standard_lrs.`,
    );
  return [counts[0] === undefined ? undefined : Number(counts[0]), types[0]?.trim()];
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
    (_, i) => `  ${(names[i] ?? `(no ${what})`).padEnd(width)}  ${entries[i] ?? "(nothing)"}`,
  );
  throw new UsageError([
    `${option} has ${entries.length} ${entries.length === 1 ? "entry" : "entries"} for ${names.length} ${what}s. Give one for each, in the same order; "null" where there is none:`,
    ...rows,
  ]);
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
    ...(os !== "null" && os !== "" && { osDiskImage: { diskEncryptionSetId: setId(os, place) } }),
    ...(dataDiskImages.length > 0 && { dataDiskImages }),
  };
  return Object.keys(encryption).length > 0 ? encryption : undefined;
}

/**
 * `<type>,<OS disk's set>`, as in az, and `,<LUN>,<set>` for each confidential data disk, which az
 * does not have.
 */
function confidentialOf(text: string, place: Place): Encryption {
  const option = "--target-region-cvm-encryption";
  const [type = "", set = "", ...pairs] = text.split(",").map((each) => each.trim());
  const known = CONFIDENTIAL_TYPES.find((each) => each.toLowerCase() === type.toLowerCase());
  if (known === undefined || pairs.length % 2 !== 0)
    throw new UsageError(
      `${option}: "${text}" is not <type>,<disk encryption set>, with ,<LUN>,<disk encryption set> for each confidential data disk. The type is one of ${CONFIDENTIAL_TYPES.join(", ")}.`,
    );
  const dataDiskImages = Array.from({ length: pairs.length / 2 }, (_, i) => ({
    lun: lunOf(option, pairs[i * 2] ?? ""),
    securityProfile: {
      confidentialVMEncryptionType: "DataDiskEncryptedWithCmk" as const,
      secureVMDiskEncryptionSetId: setId(pairs[i * 2 + 1] ?? "", place),
    },
  }));
  return {
    osDiskImage: {
      securityProfile: {
        confidentialVMEncryptionType: known as "EncryptedWithCmk",
        ...(set !== "" && { secureVMDiskEncryptionSetId: setId(set, place) }),
      },
    },
    ...(dataDiskImages.length > 0 && { dataDiskImages }),
  };
}
