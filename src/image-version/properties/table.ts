/**
 * Every writable property of a GalleryImageVersion, and how it behaves. The only place that knows
 * properties: canonical form, fields, patches, the body of an update, the read-back and a plan's
 * changes derive from it. A property that is in the contract and not here, or here and not there,
 * does not compile.
 */
import type { ImageVersionRequest } from "../contract.js";
import {
  address,
  date,
  parent,
  plain,
  promotionRule,
  region,
  resourceId,
  whole,
  word,
  type Form,
} from "./forms.js";

export interface Property {
  readonly form: Form;
  /**
   * `immutable`: fixed at creation. `mutable`: an update changes it. `growsOnly`: an update adds
   * it, and nothing changes or removes it as long as its region stays.
   */
  readonly mutability: "immutable" | "mutable" | "growsOnly";
  /** ARM's value if the property is not given; giving it means the same. */
  readonly default?: unknown;
  /**
   * The meaning of a request that leaves it out: the property is cleared, or keeps Azure's value.
   */
  readonly omitted: "cleared" | "kept";
  /** How an update clears it: by leaving it out of the body, or by sending its default. */
  readonly cleared?: "leftOut" | "default";
  /**
   * True if giving the default differs in meaning from leaving it out, as clients do both: the two
   * are different requests.
   */
  readonly restated?: true;
}

/** Lists and objects that are one value, because their items have no key. */
type Whole =
  | "additionalReplicaSets"
  | "signatureTemplateNames"
  | "additionalSignatures"
  | "components"
  | "promotion";

type PathsOf<T> = T extends string | number | boolean
  ? ""
  : T extends readonly (infer Item)[]
    ? `/*${PathsOf<Item>}`
    : string extends keyof T
      ? "/*"
      : {
          [Name in keyof T & string]: Name extends Whole
            ? `/${Name}`
            : `/${Name}${PathsOf<NonNullable<T[Name]>>}`;
        }[keyof T & string];

/**
 * The path of each property: a JSON pointer with `*` for the key of an item: a region's name, a
 * LUN, a tag's name.
 */
type PropertyPath = Exclude<
  PathsOf<ImageVersionRequest>,
  // Chooses other properties, and is none itself (commands/encryption-rule.ts).
  `/sigil/encryption/${string}` | "/sigil/capture"
>;

const PROFILE = "/properties/publishingProfile";
const STORAGE = "/properties/storageProfile";
const SAFETY = "/properties/safetyProfile";
const SECURITY = "/properties/securityProfile";
const REGION = `${PROFILE}/targetRegions/*`;
const ZONE = `${PROFILE}/targetExtendedLocations/*`;

/** Fixed at creation; a request that leaves it out changes nothing. */
const made = (form: Form): Property => ({
  form,
  mutability: "immutable",
  omitted: "kept",
});
/** Changed by an update; leaving it out removes it. */
const changed = (form: Form): Property => ({
  form,
  mutability: "mutable",
  omitted: "cleared",
  cleared: "leftOut",
});
/** Changed by an update; leaving it out keeps it. */
const kept = (form: Form): Property => ({
  form,
  mutability: "mutable",
  omitted: "kept",
  cleared: "leftOut",
});
/** A key, or the name of a region or disk: stays until its region is removed by name. */
const added = (form: Form): Property => ({
  form,
  mutability: "growsOnly",
  omitted: "kept",
});
/** Whether virtual machines that are created without a version number skip the version. */
const exclusion: Property = {
  form: plain,
  mutability: "mutable",
  default: false,
  omitted: "kept",
  cleared: "default",
  restated: true,
};
const guard: Property = {
  form: plain,
  mutability: "mutable",
  default: false,
  omitted: "cleared",
  cleared: "default",
};
const replicas: Property = {
  form: plain,
  mutability: "mutable",
  default: 1,
  omitted: "cleared",
  cleared: "default",
};

export const PROPERTIES = {
  "/location": made(region),
  "/tags/*": changed(plain),
  [`${PROFILE}/replicaCount`]: replicas,
  [`${PROFILE}/excludeFromLatest`]: exclusion,
  [`${PROFILE}/endOfLifeDate`]: changed(date),
  [`${PROFILE}/storageAccountType`]: made(word),
  [`${PROFILE}/storageAccountStrategy`]: made(word),
  [`${PROFILE}/replicationMode`]: { ...made(word), default: "Full" },
  [`${REGION}/name`]: added(region),
  [`${REGION}/regionalReplicaCount`]: replicas,
  [`${REGION}/storageAccountType`]: made(word),
  [`${REGION}/excludeFromLatest`]: exclusion,
  [`${REGION}/additionalReplicaSets`]: changed(whole),
  [`${REGION}/encryption/osDiskImage/diskEncryptionSetId`]: added(resourceId),
  [`${REGION}/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType`]: added(word),
  [`${REGION}/encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId`]:
    added(resourceId),
  [`${REGION}/encryption/dataDiskImages/*/lun`]: added(plain),
  [`${REGION}/encryption/dataDiskImages/*/diskEncryptionSetId`]: added(resourceId),
  [`${REGION}/encryption/dataDiskImages/*/securityProfile/confidentialVMEncryptionType`]:
    added(word),
  [`${REGION}/encryption/dataDiskImages/*/securityProfile/secureVMDiskEncryptionSetId`]:
    added(resourceId),
  [`${ZONE}/name`]: added(region),
  [`${ZONE}/extendedLocation/name`]: added(plain),
  [`${ZONE}/extendedLocation/type`]: made(word),
  [`${ZONE}/extendedLocationReplicaCount`]: replicas,
  [`${ZONE}/storageAccountType`]: made(word),
  [`${ZONE}/encryption/osDiskImage/diskEncryptionSetId`]: added(resourceId),
  [`${ZONE}/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType`]: added(word),
  [`${ZONE}/encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId`]: added(resourceId),
  [`${ZONE}/encryption/dataDiskImages/*/lun`]: added(plain),
  [`${ZONE}/encryption/dataDiskImages/*/diskEncryptionSetId`]: added(resourceId),
  [`${ZONE}/encryption/dataDiskImages/*/securityProfile/confidentialVMEncryptionType`]: added(word),
  [`${ZONE}/encryption/dataDiskImages/*/securityProfile/secureVMDiskEncryptionSetId`]:
    added(resourceId),
  [`${STORAGE}/source/id`]: made(resourceId),
  [`${STORAGE}/source/virtualMachineId`]: made(resourceId),
  [`${STORAGE}/source/communityGalleryImageId`]: made(resourceId),
  [`${STORAGE}/osDiskImage/hostCaching`]: made(word),
  [`${STORAGE}/osDiskImage/source/id`]: made(resourceId),
  [`${STORAGE}/osDiskImage/source/storageAccountId`]: made(resourceId),
  [`${STORAGE}/osDiskImage/source/uri`]: made(address),
  [`${STORAGE}/dataDiskImages/*/lun`]: made(plain),
  [`${STORAGE}/dataDiskImages/*/hostCaching`]: made(word),
  [`${STORAGE}/dataDiskImages/*/source/id`]: made(resourceId),
  [`${STORAGE}/dataDiskImages/*/source/storageAccountId`]: made(resourceId),
  [`${STORAGE}/dataDiskImages/*/source/uri`]: made(address),
  [`${SAFETY}/allowDeletionOfReplicatedLocations`]: guard,
  [`${SAFETY}/blockDeletionBeforeEndOfLife`]: guard,
  [`${SECURITY}/secretsProvisioningSettings/isSupported`]: kept(plain),
  [`${SECURITY}/secretsProvisioningSettings/osName`]: kept(plain),
  [`${SECURITY}/secretsProvisioningSettings/components`]: kept(whole),
  [`${SECURITY}/uefiSettings/signatureTemplateNames`]: made(whole),
  [`${SECURITY}/uefiSettings/additionalSignatures`]: made(whole),
  "/properties/restore": made(plain),
  "/sigil/promotion": changed(promotionRule),
  // Items are added; only an Admin removes one (commands/decide-put.ts).
  "/sigil/builtFrom/*": added(parent),
  // Leaving it out keeps the protection.
  "/sigil/protected": { ...guard, omitted: "kept", restated: true },
} as const satisfies Record<PropertyPath, Property>;

/** The property at a path without keys, if it is one. */
export function propertyAt(path: string): Property | undefined {
  return (PROPERTIES as Readonly<Record<string, Property>>)[path];
}

/** Lists whose items have a key, and how the key is built. */
const KEYED: Readonly<Record<string, (item: Readonly<Record<string, unknown>>) => string>> = {
  "/sigil/builtFrom": parentKey,
  [`${PROFILE}/targetRegions`]: regionKey,
  [`${PROFILE}/targetExtendedLocations`]: zoneKey,
  [`${REGION}/encryption/dataDiskImages`]: lunKey,
  [`${ZONE}/encryption/dataDiskImages`]: lunKey,
  [`${STORAGE}/dataDiskImages`]: lunKey,
};

/** The items are strings. */
function parentKey(item: unknown): string {
  return String(parent.comparable(parent.canonical(item)));
}

function regionKey(item: Readonly<Record<string, unknown>>): string {
  return String(region.canonical(item["name"] ?? ""));
}

/** A region may have several edge zones. */
function zoneKey(item: Readonly<Record<string, unknown>>): string {
  const zone = (item["extendedLocation"] ?? {}) as Readonly<Record<string, unknown>>;
  return `${regionKey(item)} ${typeof zone["name"] === "string" ? zone["name"] : ""}`;
}

function lunKey(item: Readonly<Record<string, unknown>>): string {
  return String(item["lun"]);
}

/**
 * Builds the key of an item of the list at a path without keys; undefined: one value, or no list.
 */
export function keyAt(
  path: string,
): ((item: Readonly<Record<string, unknown>>) => string) | undefined {
  return KEYED[path];
}

/** Objects whose members callers name. */
export function isMap(path: string): boolean {
  return path === "/tags";
}

/** Members that ARM sets, and ignores in a body. */
export const READ_ONLY: ReadonlySet<string> = new Set([
  "/id",
  "/name",
  "/type",
  "/etag",
  "/systemData",
  "/properties/provisioningState",
  "/properties/replicationStatus",
  "/properties/validationsProfile",
  "/properties/imageMetadataProfiles",
  `${PROFILE}/publishedDate`,
  `${STORAGE}/osDiskImage/sizeInGB`,
  `${STORAGE}/dataDiskImages/*/sizeInGB`,
  `${SAFETY}/reportedForPolicyViolation`,
  `${SAFETY}/policyViolations`,
]);

export const STORAGE_PROFILE = STORAGE;
export const TARGET_REGIONS = `${PROFILE}/targetRegions`;
export const TARGET_EXTENDED_LOCATIONS = `${PROFILE}/targetExtendedLocations`;
export const EXCLUDE_FROM_LATEST = `${PROFILE}/excludeFromLatest`;
export const END_OF_LIFE_DATE = `${PROFILE}/endOfLifeDate`;
export const ALLOW_DELETION = `${SAFETY}/allowDeletionOfReplicatedLocations`;
export const PROMOTION = "/sigil/promotion";
export const PROTECTED = "/sigil/protected";
export const BUILT_FROM = "/sigil/builtFrom";

const PREFIXES: ReadonlySet<string> = new Set(
  Object.keys(PROPERTIES).flatMap((path) => {
    const names = path.split("/");
    return names.map((_, i) => names.slice(0, i + 1).join("/"));
  }),
);

/** Whether a path without keys is that of a property, or leads to one. */
export function isKnown(path: string): boolean {
  return PREFIXES.has(path);
}
