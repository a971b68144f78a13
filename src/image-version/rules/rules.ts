import { customerKeysKept } from "./change/customer-keys-kept.js";
import { edgeZoneKept } from "./change/edge-zone-kept.js";
import { immutableProperties } from "./change/immutable-properties.js";
import { regionKept } from "./change/region-kept.js";
import { regionRemoval } from "./change/region-removal.js";
import { regionToRemove } from "./change/region-to-remove.js";
import { alreadyRequested } from "./change/already-requested.js";
import { architecture } from "./source/architecture.js";
import { confidentialEncryptionType } from "./keys/confidential-encryption-type.js";
import { confidentialVmSet } from "./keys/confidential-vm-set.js";
import { customerKeySource } from "./source/customer-key-source.js";
import { diskEncryptionSetExists } from "./keys/disk-encryption-set-exists.js";
import { diskEncryptionSetKey } from "./keys/disk-encryption-set-key.js";
import { diskEncryptionSetProvisioned } from "./keys/disk-encryption-set-provisioned.js";
import { diskEncryptionSetRegion } from "./keys/disk-encryption-set-region.js";
import { diskEncryptionSetRotation } from "./keys/disk-encryption-set-rotation.js";
import { diskEncryptionSetSubscription } from "./keys/disk-encryption-set-subscription.js";
import { diskEncryptionSetType } from "./keys/disk-encryption-set-type.js";
import { encryptedSourceSubscription } from "./source/encrypted-source-subscription.js";
import { endOfLifeDate } from "./request/end-of-life-date.js";
import { everyDiskInEveryRegion } from "./keys/every-disk-in-every-region.js";
import { featureRegistered } from "./place/feature-registered.js";
import { galleryExists } from "./place/gallery-exists.js";
import { hyperVGeneration } from "./source/hyper-v-generation.js";
import { imageDefinitionEndOfLife } from "./place/image-definition-end-of-life.js";
import { imageDefinitionExists } from "./place/image-definition-exists.js";
import { locationAmongRegions } from "./request/location-among-regions.js";
import { lunsInSource } from "./keys/luns-in-source.js";
import { customerKeysRequiredBySource } from "./keys/customer-keys-required-by-source.js";
import { oneSource } from "./source/one-source.js";
import { osDiskWithDataDisks } from "./keys/os-disk-with-data-disks.js";
import { osState } from "./source/os-state.js";
import { osType } from "./source/os-type.js";
import { excludedEverywhere } from "./request/excluded-everywhere.js";
import { promotion } from "./request/promotion.js";
import { purchasePlan } from "./source/purchase-plan.js";
import { purchasePlanExists } from "./source/purchase-plan-exists.js";
import { purchaseTermsAccepted } from "./source/purchase-terms-accepted.js";
import { purchaseTermsSeen } from "./source/purchase-terms-seen.js";
import { purchasePlanHandedOn } from "./source/purchase-plan-handed-on.js";
import { providerRegistered } from "./place/provider-registered.js";
import { regionOffered } from "./place/region-offered.js";
import { replicaLimit } from "./request/replica-limit.js";
import { conflictsWithRunningOperation } from "./change/conflicts-with-running-operation.js";
import { resourceIdForm } from "./request/resource-id-form.js";
import { resourceType } from "./request/resource-type.js";
import type {
  ChangeRule,
  ChangeSubject,
  GatheredRule,
  GatheredSubject,
  RequestRule,
  RequestSubject,
  Rule,
  RuleFinding,
} from "./rule.js";
import { keyEnabled } from "./keys/key-enabled.js";
import { keyValidAlready } from "./keys/key-valid-already.js";
import { keyNotExpired } from "./keys/key-not-expired.js";
import { keyExists } from "./keys/key-exists.js";
import { keyVaultExists } from "./keys/key-vault-exists.js";
import { keyStaysValid } from "./keys/key-stays-valid.js";
import { keySeen } from "./keys/key-seen.js";
import { sameEncryptionType } from "./keys/same-encryption-type.js";
import { securityType } from "./source/security-type.js";
import { sharedGallery } from "./place/shared-gallery.js";
import { sourceDisksExist } from "./source/source-disks-exist.js";
import { sourceExists } from "./source/source-exists.js";
import { sourceGiven } from "./source/source-given.js";
import { sourceInspectable } from "./source/source-inspectable.js";
import { sourceProvisioned } from "./source/source-provisioned.js";
import { sourceRegion } from "./source/source-region.js";
import { storageChosenByAzure } from "./place/storage-chosen-by-azure.js";
import { storageAccountStrategy } from "./request/storage-account-strategy.js";
import { uniqueLuns } from "./request/unique-luns.js";
import { uniqueRegions } from "./request/unique-regions.js";
import { removalShut } from "./change/removal-shut.js";
import { testedThere } from "./change/tested-there.js";
import { versionExists } from "./change/version-exists.js";
import { versionExistsOtherwise } from "./change/version-exists-otherwise.js";
import { versionName } from "./request/version-name.js";
import { versionNumberFree } from "./place/version-number-free.js";
import { managedDisks } from "./source/managed-disks.js";
import { ephemeralOsDisk } from "./source/ephemeral-os-disk.js";
import { ultraDisks } from "./source/ultra-disks.js";
import { premiumV2Disks } from "./source/premium-v2-disks.js";
import { diskSize } from "./source/disk-size.js";
import { distinctDisks } from "./source/distinct-disks.js";
import { sourceSupportsEncryption } from "./keys/source-supports-encryption.js";
import { confidentialVmRegions } from "./place/confidential-vm-regions.js";
import { shallowReplication } from "./place/shallow-replication.js";
import { zoneRedundantStorage } from "./place/zone-redundant-storage.js";
import { trustedLaunchKeys } from "./source/trusted-launch-keys.js";
import { virtualMachineMember } from "./source/virtual-machine-member.js";
import { readPermission } from "./place/read-permission.js";

/** Rules over the request only. */
export const REQUEST_RULES: readonly RequestRule[] = [
  versionName,
  uniqueRegions,
  locationAmongRegions,
  replicaLimit,
  storageAccountStrategy,
  endOfLifeDate,
  excludedEverywhere,
  promotion,
  sourceGiven,
  oneSource,
  distinctDisks,
  resourceIdForm,
  resourceType,
  virtualMachineMember,
  sourceSupportsEncryption,
  uniqueLuns,
  osDiskWithDataDisks,
  confidentialVmSet,
];

/** Rules over a request's changes to an existing version. */
export const CHANGE_RULES: readonly ChangeRule[] = [
  immutableProperties,
  regionRemoval,
  regionKept,
  edgeZoneKept,
  regionToRemove,
  customerKeysKept,
  removalShut,
  testedThere,
];

/** Rules over the request and Azure; a rule on which others depend comes first. */
export const FACT_RULES: readonly GatheredRule[] = [
  readPermission,
  providerRegistered,
  featureRegistered,
  regionOffered,
  galleryExists,
  imageDefinitionExists,
  imageDefinitionEndOfLife,
  conflictsWithRunningOperation,
  alreadyRequested,
  versionExistsOtherwise,
  versionExists,
  versionNumberFree,
  sharedGallery,
  confidentialVmRegions,
  confidentialEncryptionType,
  shallowReplication,
  zoneRedundantStorage,
  storageChosenByAzure,
  sourceInspectable,
  sourceExists,
  managedDisks,
  ephemeralOsDisk,
  sourceDisksExist,
  sourceProvisioned,
  sourceRegion,
  ultraDisks,
  premiumV2Disks,
  diskSize,
  customerKeySource,
  trustedLaunchKeys,
  encryptedSourceSubscription,
  osType,
  osState,
  hyperVGeneration,
  architecture,
  securityType,
  purchasePlan,
  purchasePlanHandedOn,
  purchaseTermsAccepted,
  purchasePlanExists,
  purchaseTermsSeen,
  diskEncryptionSetSubscription,
  diskEncryptionSetExists,
  diskEncryptionSetRegion,
  diskEncryptionSetProvisioned,
  diskEncryptionSetType,
  diskEncryptionSetKey,
  diskEncryptionSetRotation,
  keyEnabled,
  keyValidAlready,
  keyNotExpired,
  keyExists,
  keyVaultExists,
  keyStaysValid,
  keySeen,
  sameEncryptionType,
  lunsInSource,
  customerKeysRequiredBySource,
  everyDiskInEveryRegion,
];

export const ALL_RULES: readonly Rule<GatheredSubject & ChangeSubject>[] = [
  ...REQUEST_RULES,
  ...CHANGE_RULES,
  ...FACT_RULES,
];

/** All findings about the request only, in the order of the rules. */
export function checkRequest(subject: RequestSubject): RuleFinding[] {
  return REQUEST_RULES.flatMap((rule) => findingsOf(rule, subject));
}

/** All findings about the changes, in the order of the rules. */
export function checkChange(subject: ChangeSubject): RuleFinding[] {
  return CHANGE_RULES.flatMap((rule) => findingsOf(rule, subject));
}

/** All findings about the request's resources in Azure, in the order of the rules. */
export function checkGathered(subject: GatheredSubject): RuleFinding[] {
  return FACT_RULES.flatMap((rule) => findingsOf(rule, subject));
}

function findingsOf<Subject>(
  { name, code, severity, check }: Rule<Subject>,
  subject: Subject,
): RuleFinding[] {
  return check(subject).map(({ pointer, message, remediation }) => ({
    rule: name,
    code,
    severity,
    pointer,
    message,
    remediation,
  }));
}
