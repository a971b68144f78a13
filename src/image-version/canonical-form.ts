import { createHash } from "node:crypto";
import type { ImageVersionRequest, TargetRegion } from "./contract.js";
import { canonicalRegion, normaliseResourceId } from "../resource-id.js";

/** ARM's spellings of values that people write in other cases (`standard_lrs` in the CLI, `Standard_LRS` in ARM). */
const SPELLINGS = new Map(
  [
    "Standard_LRS",
    "Standard_ZRS",
    "Premium_LRS",
    "PremiumV2_LRS",
    "StandardSSD_LRS",
    "PreferStandard_ZRS",
    "DefaultStandard_LRS",
    "Full",
    "Shallow",
    "None",
    "ReadOnly",
    "ReadWrite",
    "EncryptedVMGuestStateOnlyWithPmk",
    "EncryptedWithPmk",
    "EncryptedWithCmk",
    "NonPersistedTPM",
    "NoSignatureTemplate",
    "MicrosoftUefiCertificateAuthorityTemplate",
    "MicrosoftWindowsTemplate",
    "EdgeZone",
    "Unknown",
    "sha256",
    "x509",
  ].map((word) => [word.toLowerCase(), word]),
);

/** Properties whose value is one of the words above. */
const WORD_PROPERTIES = new Set([
  "storageAccountType",
  "storageAccountStrategy",
  "replicationMode",
  "hostCaching",
  "confidentialVMEncryptionType",
  "signatureTemplateNames",
  "type",
]);

/** Properties that hold the id of an ARM resource. */
const RESOURCE_ID_PROPERTIES = new Set([
  "id",
  "virtualMachineId",
  "storageAccountId",
  "diskEncryptionSetId",
  "secureVMDiskEncryptionSetId",
]);

/** What ARM assumes where a request is silent: saying it is the same as not saying it. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  excludeFromLatest: false,
  replicationMode: "Full",
  replicaCount: 1,
};

/** Present even when empty, so that a rule can say what is missing inside. */
const REQUIRED = new Set(["properties", "storageProfile", "targetRegions"]);

/**
 * The canonical form of a request: regions, resource ids, storage types and dates in one spelling, every region
 * with its own replica count and storage type, what merely repeats a default left out. It is made once, at the edge.
 * Lists keep the caller's order, so that a pointer into the canonical form is a pointer into the request.
 */
export function canonicalForm(body: ImageVersionRequest): ImageVersionRequest {
  const form = canonicalValue("", body) as ImageVersionRequest;
  const location = canonicalRegion(form.location);
  const publishing = form.properties.publishingProfile ?? {};
  const {
    replicaCount,
    storageAccountType,
    targetRegions,
    targetExtendedLocations,
  } = publishing;
  const completed = (targetRegions ?? [{ name: location }]).map((region) => ({
    regionalReplicaCount: replicaCount ?? 1,
    ...(storageAccountType && { storageAccountType }),
    ...region,
    name: canonicalRegion(region.name),
  }));
  const promotion = form.sigil?.promotion;
  return {
    ...form,
    ...(promotion?.regions && {
      sigil: {
        promotion: {
          ...promotion,
          regions: promotion.regions.map(canonicalRegion),
        },
      },
    }),
    location,
    properties: {
      ...form.properties,
      publishingProfile: {
        ...publishing,
        targetRegions: completed,
        ...(targetExtendedLocations && {
          targetExtendedLocations: targetExtendedLocations.map((zone) => ({
            ...zone,
            ...(zone.name !== undefined && {
              name: canonicalRegion(zone.name),
            }),
          })),
        }),
      },
    },
  };
}

/** The regions of a canonical request. */
export function targetRegionsOf(
  request: ImageVersionRequest,
): readonly TargetRegion[] {
  return request.properties.publishingProfile?.targetRegions ?? [];
}

/** Equal for two requests exactly when they mean the same: SHA-256 over the comparable form, lists in one order. */
export function fingerprintOf(request: ImageVersionRequest): string {
  const text = JSON.stringify(inOneOrder(comparable("", request)));
  return createHash("sha256").update(text).digest("hex");
}

/** No list of a request has an order that means anything: from the innermost outwards, each is sorted as text. */
function inOneOrder(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item) => JSON.stringify(inOneOrder(item))).sort();
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, inOneOrder(item)]),
  );
}

/** The canonical form with ids in lower case and keys in order: for comparison, never to be sent. */
export function comparable(property: string, value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item) => comparable(property, item));
  if (isObject(value)) {
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((key) => [key, comparable(key, value[key])]),
    );
  }
  return typeof value === "string" && RESOURCE_ID_PROPERTIES.has(property)
    ? value.toLowerCase()
    : value;
}

function canonicalValue(property: string, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => canonicalValue(property, item));
  }
  if (isObject(value)) {
    if (property === "tags") return { ...value };
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, item]) => [key, canonicalValue(key, item)] as const)
        .filter(
          ([key, item]) =>
            (!isEmpty(item) || REQUIRED.has(key)) && item !== DEFAULTS[key],
        ),
    );
  }
  if (typeof value !== "string") return value;
  if (RESOURCE_ID_PROPERTIES.has(property)) return normaliseResourceId(value);
  if (WORD_PROPERTIES.has(property))
    return SPELLINGS.get(value.toLowerCase()) ?? value;
  if (property === "endOfLifeDate") return new Date(value).toISOString();
  return value;
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
