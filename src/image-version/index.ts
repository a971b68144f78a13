/**
 * The face of an image version: the only file that the rest of Sigil imports, but for adapters, which import ports.ts, too.
 */

// Requests, answers, and what Azure shows.
export type {
  ForecastView,
  ImageUseView,
  ImageVersionRequest,
  ImageVersionView,
  PromotionRule,
} from "./contract.js";
export {
  areReady,
  hasFailed,
  isBusy,
  type ImageDefinition,
  type LastShown,
  type ListedImageVersion,
  type Look,
  type ObservedImageVersion,
} from "./resources.js";
export { regionsOf } from "./properties/canonical-form.js";
export type { UsedResource } from "./properties/resource-references.js";
export type { DiskImageEncryption } from "./properties/disk-encryption-references.js";

// Commands.
export { demoteImageVersion, promoteImageVersion } from "./commands/promote.js";
export { retryImageVersion } from "./commands/retry.js";
export type { ChangeCommand, Command } from "./commands/command.js";
export { createNextImageVersion } from "./commands/create-next.js";
export { deleteImageVersion } from "./commands/delete.js";
export { forecastImageVersion } from "./commands/forecast.js";
export { planImageVersion } from "./commands/plan.js";
export {
  patchImageVersion,
  putImageVersion,
  type PutAnswer,
  type PutImageVersion,
} from "./commands/put.js";
export { purgeDeletedVersion } from "./commands/purge.js";
export { restoreImageVersion } from "./commands/restore.js";
export { planRollback, rollBackImage } from "./rollback/roll-back.js";
export { rollbackTarget } from "./rollback/target.js";

// Queries.
export { createAttention } from "./queries/attention.js";
export type { Beside, GateWait, RevokedParent } from "./queries/conditions.js";
export {
  deletedVersion,
  deletionNow,
  listDeletedImageVersions,
  softDeleteOf,
} from "./queries/deleted-versions.js";
export { listDiskEncryptionSets } from "./queries/disk-encryption-sets.js";
export {
  getImageVersion,
  latestOfListed,
  listImageVersions,
  type KnownImageVersion,
} from "./queries/get.js";
export { listGalleries, listImageDefinitions } from "./queries/galleries.js";
export {
  keysAgeWarnings,
  openedKeys,
  usesOf,
  withKeys,
  withRemovedRegions,
} from "./queries/keys.js";
export { queryImageVersions } from "./queries/query-versions.js";
export { parentsOf } from "./queries/parents.js";
export { lastShown, lookAt } from "./queries/look-at.js";
export { createLooks, seeing } from "./queries/looks.js";
export { readVersionAgain, readVersionsAgain } from "./queries/read-again.js";
export { createSummaries } from "./queries/summaries.js";
export type { WaitsOf } from "./queries/waits.js";
export { getImageUse } from "./queries/use.js";
export { viewImageVersion } from "./queries/views.js";

// The record, for retention, rollout and drift, which judge a version and report on it.
export { latestIn } from "./latest/flags.js";
export { nextWave, type ReleaseChange } from "./latest/release.js";
export { listsAsKnown, readDigest, type Digest } from "./digest.js";
export { commitUnlessWritten, isAsKnown, noteLook } from "./note-look.js";
export { lookAnew, noteSeen } from "./note-seen.js";
export {
  endOfLifeToBe,
  isUnderWay,
  isUnpromoted,
  latestBeforeDeletion,
} from "./queries/as-asked.js";
export { isPaused, isProtected, ruleIn, ruleInForce } from "./state/fold.js";
export { believed } from "./state/observe.js";
export type { ImageVersionRecord } from "./state/record.js";
export { isFinal } from "./state/states.js";
export { withEffects as telling } from "./telling/tell.js";

export { mustNotCapture } from "./capture/choose.js";
export { isNamedFor } from "./capture/names.js";
export { KEPT_AFTER_FAILURE_MS } from "./state/snapshots-left.js";

// Broken keys, and the users of a version.
export { brokenIn, brokenKeys } from "./preflight/keys.js";
export { inUse, isGuarded, unknownIn } from "./preflight/use.js";

// Reads of Azure before a write, and findings: test profiles are checked in the same way.
export { seeTerms } from "./preflight/terms.js";
export { purchaseTerms } from "./rules/purchase-terms.js";
export type { Breach, RuleFinding } from "./rules/rule.js";

// Ports, kinds of operations, and the function that takes their steps.
export { IMAGE_VERSION_KINDS, versionSteps } from "./kind.js";
export type {
  Deed,
  Dependencies,
  Objection,
  ResourceManager,
  ResourceReader,
  StoredVersion,
} from "./ports.js";
export { ROLLBACK_KIND } from "./rollback/kind.js";
