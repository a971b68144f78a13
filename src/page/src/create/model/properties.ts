/** The contract's tree of what a request may have. */
import { PROPERTIES } from "../../generated/properties.js";

/** A text that is one of a few is these; text may be a number, and a number text: the service says what is wrong with that. */
export type Property =
  | "text"
  | "number"
  | "boolean"
  | "any"
  | "readOnly"
  | readonly string[]
  | { readonly items: Property }
  | { readonly each: Property }
  | { readonly members: Readonly<Record<string, Property>> };

export const BODY: Property = PROPERTIES;

/** The contract's values. */
const profile = PROPERTIES.members.properties.members.publishingProfile.members;
const region = profile.targetRegions.items.members;
export const STORAGE_TYPES = region.storageAccountType;
export const CONFIDENTIAL_TYPES =
  region.encryption.members.osDiskImage.members.securityProfile.members
    .confidentialVMEncryptionType;
/** What takes part in the provisioning of secrets. */
export const SECRETS_COMPONENTS =
  PROPERTIES.members.properties.members.securityProfile.members.secretsProvisioningSettings.members
    .components.items.members.name;

/** Of an item of a list, or a member of an object; undefined where the contract has none. */
export function within(property: Property | undefined, name: string): Property | undefined {
  if (typeof property !== "object") return undefined;
  if ("items" in property) return property.items;
  if ("each" in property) return property.each;
  return "members" in property && Object.hasOwn(property.members, name)
    ? property.members[name]
    : undefined;
}
