/** The spelling of a property's values, and when two spellings mean the same. */
import { canonicalRegion, normaliseResourceId } from "../../resource-id.js";
import { parentNamed } from "./parents.js";

export interface Form {
  /** The one spelling of a value; any other value stays. */
  readonly canonical: (value: unknown) => unknown;
  /** Equal text for canonical values with the same meaning: for comparison only, never sent. */
  readonly comparable: (value: unknown) => unknown;
}

/**
 * ARM's spellings of values that people write in other cases (`standard_lrs` in the CLI,
 * `Standard_LRS` in ARM).
 */
const WORDS = new Map(
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
    "DataDiskEncryptedWithCmk",
    "NoSignatureTemplate",
    "MicrosoftUefiCertificateAuthorityTemplate",
    "MicrosoftWindowsTemplate",
    "EdgeZone",
    "Unknown",
    "sha256",
    "x509",
    "OS",
    "CloudInit",
    "AzureGuestAgent",
    "SecretsProvisioningLibrary",
  ].map((word) => [word.toLowerCase(), word]),
);

const same = (value: unknown): unknown => value;

function ofText(change: (text: string) => string): Form["canonical"] {
  return (value) => (typeof value === "string" ? change(value) : value);
}

/** Unchanged: text, a number, true or false. */
export const plain: Form = { canonical: same, comparable: same };

export const word: Form = {
  canonical: ofText((text) => WORDS.get(text.toLowerCase()) ?? text),
  comparable: same,
};

/** The id of an ARM resource; comparison ignores case. */
export const resourceId: Form = {
  canonical: ofText(normaliseResourceId),
  comparable: ofText((id) => id.toLowerCase()),
};

/** A parent of a version: an image version or another image. */
export const parent: Form = {
  canonical: ofText((text) => parentNamed(text) ?? text),
  comparable: resourceId.comparable,
};

/** An address, compared like an id, because ARM may show either for a source. */
export const address: Form = {
  canonical: same,
  comparable: ofText((uri) => uri.toLowerCase()),
};

export const region: Form = {
  canonical: ofText(canonicalRegion),
  comparable: same,
};

/** A date or time: one moment has many spellings, and ARM writes more digits than people do. */
export const date: Form = { canonical: ofText(context), comparable: same };

function context(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}

/** A list or object that is one value: its words in one spelling, its lists in any order. */
export const whole: Form = {
  canonical: spelled,
  comparable: (value) => JSON.stringify(inOneOrder(value)),
};

/** A promotion rule: one value, with canonical region names. */
export const promotionRule: Form = {
  canonical: (value) => {
    const rule = spelled(value) as { readonly waves?: unknown } | null;
    return Array.isArray(rule?.waves)
      ? { ...withRegions(rule), waves: rule.waves.map(withRegions) }
      : withRegions(rule);
  },
  comparable: (value) => {
    const { waves, onFailure, ...others } = value as {
      readonly waves?: unknown;
      readonly onFailure?: unknown;
    };
    // "halt" is the default.
    const rule =
      onFailure === undefined || onFailure === "halt" ? others : { ...others, onFailure };
    // The order of waves matters.
    return whole.comparable(Array.isArray(waves) ? { ...rule, waves: { ...waves } } : rule);
  },
};

function withRegions<T>(value: T): T {
  const named = value as { readonly regions?: unknown } | null;
  return Array.isArray(named?.regions)
    ? ({ ...named, regions: named.regions.map(region.canonical) } as T)
    : value;
}

function spelled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spelled);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, spelled(item)]));
  return word.canonical(value);
}

function inOneOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(inOneOrder(item))).sort();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, inOneOrder(item)]),
  );
}
