import { ArmError, invalidParameter } from "./arm-error.js";
import { keyFault } from "./key-vault.js";
import { canonicalRegion } from "./regions.js";
import { parseComputeId } from "./resource-id.js";
import type { Store } from "./store.js";

interface DiskEncryptionSetProperties {
  readonly provisioningState?: string;
  readonly encryptionType?: string;
  readonly activeKey?: { readonly keyUrl?: string };
}

/** One place of a request that names a disk encryption set. */
export interface DiskEncryptionSetUse {
  readonly id: string;
  /** Path of the property. */
  readonly target: string;
  /** In any spelling. */
  readonly region: string;
  /** The version's. */
  readonly subscriptionId: string;
  /** True if the region is new to the version. */
  readonly isNew: boolean;
  /** True if the set must be of type ConfidentialVmEncryptedWithCustomerKey. */
  readonly confidential: boolean;
}

/**
 * Refuses a set that cannot encrypt there: absent, of another subscription or region, not provisioned, without a key,
 * of an unfit type, or new with a key that does not work. A set whose key no longer rotates (`autoKeyRotationError`) still encrypts, with the key it has.
 */
export function requireSet(store: Store, use: DiskEncryptionSetUse): void {
  const { id, target } = use;
  const parsed = parseComputeId(id);
  if (parsed?.type.toLowerCase() !== "diskencryptionsets")
    throw invalidParameter(target, `The value of parameter ${target} is invalid.`);
  // "The disk encryption set must be in the same subscription as your image."
  if (parsed.subscriptionId.toLowerCase() !== use.subscriptionId.toLowerCase())
    throw invalidParameter(
      target,
      `The disk encryption set '${id}' must be in the same subscription '${use.subscriptionId}' as the gallery resource`,
    );
  const set = store.findResource(id);
  if (set === undefined)
    throw new ArmError(404, "NotFound", `The disk encryption set ${id} was not found`, { target });
  // "Encryption key sets are regional resources, so each region requires a different encryption key set."
  if (canonicalRegion(set.location ?? "") !== canonicalRegion(use.region))
    throw invalidParameter(
      target,
      `The disk encryption set '${set.id}' is in region '${set.location}'. It must be in the region it is used for, '${canonicalRegion(use.region)}'.`,
    );
  const { provisioningState, encryptionType, activeKey } = (set.properties ??
    {}) as DiskEncryptionSetProperties;
  if (provisioningState !== "Succeeded")
    throw invalidParameter(
      target,
      `The disk encryption set '${set.id}' is in provisioning state '${provisioningState}'. It must be 'Succeeded'.`,
    );
  if ((activeKey?.keyUrl ?? "") === "")
    throw invalidParameter(
      target,
      `The disk encryption set '${set.id}' has no active key. 'activeKey.keyUrl' must name a key.`,
    );
  // Assumed: no document says that Azure checks the key before it copies, or with which message.
  const fault = use.isNew ? keyFault(store, set) : undefined;
  if (fault !== undefined)
    throw invalidParameter(
      target,
      `The key '${activeKey?.keyUrl}' of the disk encryption set '${set.id}' ${fault}.`,
    );
  const confidential = encryptionType === "ConfidentialVmEncryptedWithCustomerKey";
  if (confidential !== use.confidential)
    throw invalidParameter(
      target,
      `The disk encryption set '${set.id}' has encryption type '${encryptionType}', which does not suit '${target}'.`,
    );
}
