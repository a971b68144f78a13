import { customerKeysKept } from "./customer-keys-kept.js";
import { immutableProperties } from "./immutable-properties.js";
import { regionRemoval } from "./region-removal.js";
import { alreadyRequested } from "./already-requested.js";
import { architecture } from "./architecture.js";
import { confidentialVmSet } from "./confidential-vm-set.js";
import { customerKeySource } from "./customer-key-source.js";
import { diskEncryptionSetExists } from "./disk-encryption-set-exists.js";
import { diskEncryptionSetKey } from "./disk-encryption-set-key.js";
import { diskEncryptionSetProvisioned } from "./disk-encryption-set-provisioned.js";
import { diskEncryptionSetRegion } from "./disk-encryption-set-region.js";
import { diskEncryptionSetRotation } from "./disk-encryption-set-rotation.js";
import { diskEncryptionSetSubscription } from "./disk-encryption-set-subscription.js";
import { diskEncryptionSetType } from "./disk-encryption-set-type.js";
import { encryptedSourceSubscription } from "./encrypted-source-subscription.js";
import { endOfLifeDate } from "./end-of-life-date.js";
import { everyDiskInEveryRegion } from "./every-disk-in-every-region.js";
import { featureRegistered } from "./feature-registered.js";
import { galleryExists } from "./gallery-exists.js";
import { hyperVGeneration } from "./hyper-v-generation.js";
import { imageDefinitionExists } from "./image-definition-exists.js";
import { locationAmongRegions } from "./location-among-regions.js";
import { lunsInSource } from "./luns-in-source.js";
import { noWayBack } from "./no-way-back.js";
import { oneSource } from "./one-source.js";
import { osDiskWithDataDisks } from "./os-disk-with-data-disks.js";
import { osState } from "./os-state.js";
import { osType } from "./os-type.js";
import { promotion } from "./promotion.js";
import { providerRegistered } from "./provider-registered.js";
import { regionOffered } from "./region-offered.js";
import { replicaLimit } from "./replica-limit.js";
import { requestedOtherwise } from "./requested-otherwise.js";
import { resourceIdForm } from "./resource-id-form.js";
import { resourceType } from "./resource-type.js";
import type {
  ChangeRule,
  ChangeSubject,
  FactRule,
  FactSubject,
  RequestRule,
  RequestSubject,
  Rule,
  RuleFinding,
} from "./rule.js";
import { sameEncryptionType } from "./same-encryption-type.js";
import { securityType } from "./security-type.js";
import { sharedGallery } from "./shared-gallery.js";
import { sourceDisksExist } from "./source-disks-exist.js";
import { sourceExists } from "./source-exists.js";
import { sourceGiven } from "./source-given.js";
import { sourceLookedInto } from "./source-looked-into.js";
import { sourceProvisioned } from "./source-provisioned.js";
import { sourceRegion } from "./source-region.js";
import { storageAccountStrategy } from "./storage-account-strategy.js";
import { uniqueLuns } from "./unique-luns.js";
import { uniqueRegions } from "./unique-regions.js";
import { versionExists } from "./version-exists.js";
import { versionExistsOtherwise } from "./version-exists-otherwise.js";
import { versionName } from "./version-name.js";
import { visible } from "./visible.js";

/** Rules over the request alone. */
export const REQUEST_RULES: readonly RequestRule[] = [
  versionName,
  uniqueRegions,
  locationAmongRegions,
  replicaLimit,
  storageAccountStrategy,
  endOfLifeDate,
  promotion,
  sourceGiven,
  oneSource,
  resourceIdForm,
  resourceType,
  uniqueLuns,
  osDiskWithDataDisks,
  confidentialVmSet,
];

/** Rules over what a request changes of a version that is made. */
export const CHANGE_RULES: readonly ChangeRule[] = [
  immutableProperties,
  regionRemoval,
  customerKeysKept,
];

/** Rules over the request and Azure; what stands in the way of others comes first. */
export const FACT_RULES: readonly FactRule[] = [
  visible,
  providerRegistered,
  featureRegistered,
  regionOffered,
  galleryExists,
  imageDefinitionExists,
  requestedOtherwise,
  alreadyRequested,
  versionExistsOtherwise,
  versionExists,
  sharedGallery,
  sourceLookedInto,
  sourceExists,
  sourceDisksExist,
  sourceProvisioned,
  sourceRegion,
  customerKeySource,
  encryptedSourceSubscription,
  osType,
  osState,
  hyperVGeneration,
  architecture,
  securityType,
  diskEncryptionSetSubscription,
  diskEncryptionSetExists,
  diskEncryptionSetRegion,
  diskEncryptionSetProvisioned,
  diskEncryptionSetType,
  diskEncryptionSetKey,
  diskEncryptionSetRotation,
  sameEncryptionType,
  lunsInSource,
  noWayBack,
  everyDiskInEveryRegion,
];

export const ALL_RULES: readonly Rule<FactSubject & ChangeSubject>[] = [
  ...REQUEST_RULES,
  ...CHANGE_RULES,
  ...FACT_RULES,
];

/** All findings about the request alone, in the order of the rules. */
export function checkRequest(subject: RequestSubject): RuleFinding[] {
  return REQUEST_RULES.flatMap((rule) => findingsOf(rule, subject));
}

/** All findings about what the request changes, in the order of the rules. */
export function checkChange(subject: ChangeSubject): RuleFinding[] {
  return CHANGE_RULES.flatMap((rule) => findingsOf(rule, subject));
}

/** All findings about what Azure shows of the request's resources, in the order of the rules. */
export function checkFacts(subject: FactSubject): RuleFinding[] {
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
