/**
 * The state of one image version: what was asked and achieved (`lastApplied`), what Azure showed (`observed`), what is
 * asked now (`requests`), and what was sent last (`lastAttempt`). Example, with names of fields shortened:
 *
 *   state Replicating, exists true, sequence 2
 *   lastApplied  { location westus, westus/replicas 2 }       operation 1 has achieved that
 *   requests     { "…-2": { changes { eastus2/name … } } }    operation 2 adds a region
 *   lastAttempt  { changes { eastus2/name … }, accepted }     ARM has taken the update
 *   observed     { provisioningState Updating, … }            and works on it
 *   queued       [ operation 3 ]                              begins once ARM is at rest
 */
import type {
  Pair,
  Queued,
  Requester,
  TrackedRecord,
} from "../../operation/records.js";
import type { Finding } from "../../errors.js";
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import type { EncryptionType, Look } from "../resources.js";
import type { Fields } from "../properties/fields.js";
import type { Asked, Patch, Unmet } from "../properties/patch.js";
import type { Pacing } from "./pace.js";

export type VersionState =
  | "Accepted"
  | "Creating"
  | "Updating"
  | "Replicating"
  | "Succeeded"
  | "Failed"
  | "Canceled"
  | "DeletionRequested"
  | "Deleting"
  | "Deleted"
  | "RestoreRequested"
  | "Restoring";

/** What one operation asks of the version. */
export interface VersionRequest extends Asked {
  /** The canonical body, where a whole one was sent: findings point into it, and a creation sends it. */
  readonly body?: ImageVersionRequest;
  /** True where it may create the version: a PUT that does not say which version its caller saw. It changes none of others'. */
  readonly creates?: boolean;
  /** True once its create request was sent: a canceled one leaves the version excluded from latest. */
  readonly created?: boolean;
  /** True where Azure has refused that create request: what is there now another has made. */
  readonly refused?: true;
  /** True where it would include what a canceled creation has made: where that comes to nothing, it leaves the version excluded. */
  readonly heir?: true;
  /** True where the promotion rule that it repeats is its own: who had brought it about was canceled, or has failed. */
  readonly hasRule?: true;
  /** The life of the version that it is about, as its caller saw it, or as the record had it; absent: the record's. */
  readonly publishedDate?: string;
  /** True of a deletion that was asked while Azure showed no version: what others make after that is not meant. */
  readonly absent?: true;
  /** True of a deletion that is for good, also where the gallery has soft delete. */
  readonly bypassSoftDelete?: true;
  /** Of a deletion before which it is asked who uses the version (guarding.ts). */
  readonly guard?: DeletionGuard;
  /** True of a deletion that a retention policy has begun: it is judged again before it is sent. */
  readonly byPolicy?: true;
  /** True where, right before it is sent, it is asked who uses the version in the regions that it takes away. */
  readonly guardsRegions?: true;
  /** By hand: it decides what is latest, and is not part of what was applied. */
  readonly byHand?: boolean;
  /** Of a promotion that its rule has begun: what it was decided for. Sent only while that is so. */
  readonly byRule?: Held;
  /**
   * What it says as its caller has seen it, and as Azure may show it no more: the look that it was judged by was not the newest.
   * Before anything is sent for it, a look has to show that.
   */
  readonly presumes?: Patch;
  /** True of a patch: what it says of exclusion from latest is decided by hand, and no body is measured by it. */
  readonly patch?: true;
  /** Failed regions that are to be repaired at once. */
  readonly retries?: readonly string[];
  /** True once it was sent, by itself or with others, whatever became of that. */
  readonly sent?: true;
  /** True where it is to be sent alone: Azure has refused it together with others. */
  readonly alone?: boolean;
  /** True where its promotion rule is overridden before it begins: the version was excluded by hand after it was accepted. */
  readonly heldBack?: boolean;
  /** When Azure was seen to show all that it asks, at once; RFC 3339. From then on its regions alone decide. */
  readonly appliedTime?: string;
  /** How its end is decided already: what is left is to leave the version as it should be. */
  readonly decided?: DecidedEnd;
  /** Regions whose removal was sent, and not refused, by canonical name; once it is canceled and Azure shows all that is left, those that are gone. */
  readonly removing?: readonly string[];
}

export interface DeletionGuard {
  /** The flags of exclusion as they were, where it is excluded for this. */
  readonly was?: Patch;
  /** The record's at that time. */
  readonly overriddenRule?: PromotionRule;
  /** Since when Azure shows it excluded; RFC 3339. */
  readonly excludedTime?: string;
}

export type DecidedEnd = (
  | { readonly kind: "canceled"; readonly by: Requester }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly errors: readonly Finding[];
    }
) & {
  /** Regions that were taken away for repair, and that could not be added back. */
  readonly lost?: readonly string[];
};

/** A rule that is to promote the version further, how many of its waves have it, and what it is decided for. */
export interface Held {
  readonly rule: PromotionRule;
  readonly promoted: number;
  /** By canonical name, all that the version has: true of one that its own flag excludes from latest. */
  readonly regions: Readonly<Record<string, boolean>>;
}

export interface QueuedRequest extends Queued {
  readonly request: VersionRequest;
}

/** The last body that was sent. */
export interface Attempt {
  /** By this a look recognises it: what it changes of what Azure showed before. */
  readonly changes: Patch;
  /** Regions whose copies it changes: what a look shows of them is no news until ARM has done with it. */
  readonly regions: readonly string[];
  readonly sentTime: string;
  /**
   * `unknown`: no answer came. `refused`: ARM would not take it now; no look will ever show it. `accepted`: ARM has taken
   * it. `shown`: a look has shown it.
   */
  readonly outcome: "unknown" | "refused" | "accepted" | "shown";
  /** When ARM's answer came that it has taken it; RFC 3339. */
  readonly acceptedTime?: string;
  /** True where it promotes the version because its rule holds, or decides by hand whether it is in latest. */
  readonly overridesRule?: boolean;
  /** Ids of the operations for which it was sent. */
  readonly sentFor?: readonly string[];
  /** All that those ask to last: not what is asked by hand, or for its time alone. */
  readonly asked?: Patch;
  /** The one before it that is in force, or that had no answer: it is, or may be, should this one be refused. */
  readonly before?: Attempt;
}

/** A write that ARM has taken, or may have: a look from before it shows what it has replaced. */
export interface Write {
  /** By field; null: there shall be none. */
  readonly changes: Patch;
  /** What Azure showed of the same fields; null: nothing. */
  readonly was: Patch;
  readonly sentTime: string;
  /** When ARM's answer came; absent: none did. */
  readonly acceptedTime?: string;
  /** A look has shown ARM at work on it. */
  readonly begun?: true;
  /** Names of what it sets to what Sigil had set before, and others had changed since. */
  readonly again?: readonly string[];
}

/** How often a region was repaired, and when it will be again; what it was while it is taken away. */
export interface Repair {
  readonly attempts: number;
  /** RFC 3339. */
  readonly dueTime?: string;
  /** The region's fields, while it is taken away to be added back. */
  readonly removed?: Patch;
  /** The same, where it could not be added back: a retry does that. */
  readonly lost?: Patch;
  /** Why it is not taken away; absent: nothing is in the way, or nothing was proven yet. */
  readonly refused?: readonly Finding[];
}

/** What a life of the version had when it ended: should Azure give it back, Sigil knows it again. */
export interface DeletedLife extends Pick<
  ImageVersionRecord,
  "lastApplied" | "overriddenRule" | "unmanaged" | "excludedByCancel"
> {
  /** What Azure showed last; its keys are proven before it is restored. */
  readonly resource: ImageVersionRequest;
  readonly publishedDate?: string;
  /** When it was found to be over; RFC 3339. */
  readonly endTime: string;
  /** Others have ended it: what they changed between the last look and that was told to nobody. */
  readonly byOthers?: true;
  /** Azure has deleted the version later than that: what it gives back may be another life, or may have been changed. */
  readonly doubtful?: true;
}

/** What is not as it should be, since a look has first shown that; a second look confirms it. */
export interface Doubt {
  readonly what: string;
  /** RFC 3339. */
  readonly since: string;
}

/** A change of a field by others. Times are RFC 3339. */
export interface ToldChange extends Unmet {
  readonly time: string;
  /** Since looks show again what it was before: they may be older than the change. */
  readonly returnedTime?: string;
}

/** What is known of how a version is promoted by tests or in waves. */
export interface RolloutRecord {
  /**
   * Since when each wave has the version, the first one first; RFC 3339. Null: others have taken it back. Empty: all were, by hand.
   * Absent: nothing is known, as in what earlier releases have stored.
   */
  readonly waves?: readonly (string | null)[];
  /** Canonical regions that promotions have included, as far as is known, and that no look at rest has shown since. */
  readonly included?: readonly string[];
  /** The wave, counted from 0, that was promoted last, and whose regions are gone, included as far as nobody knows: a person promotes it. */
  readonly unseen?: number;
  /** Id of the event that was told last, but for those of single waves. */
  readonly told?: string;
  /** When the last of the failures was found that were told; RFC 3339. */
  readonly failedTime?: string;
  /** What had failed until then takes nothing back: a person has promoted the version in spite of it; RFC 3339. */
  readonly overruledTime?: string;
  /** Why the last promotion has come to nothing, however many operations have come since. */
  readonly refused?: RefusedDecision;
  /** The same of the last exclusion by a rule. */
  readonly undoing?: RefusedDecision;
  /** Id of the exclusion after a failure that was told last. */
  readonly rolledBack?: string;
}

/** A promotion or demotion that was refused or canceled: a rule waits then until a person promotes or demotes the version. */
export interface RefusedDecision {
  readonly message: string;
  /** RFC 3339. */
  readonly endTime: string;
  readonly isCanceled?: true;
}

export interface ImageVersionRecord extends TrackedRecord {
  readonly state: VersionState;
  /** The highest sequence of an operation that was accepted. */
  readonly lastSequence: number;
  /** By operation id: what those ask that have begun. */
  readonly requests: Readonly<Record<string, VersionRequest>>;
  readonly queued: readonly QueuedRequest[];
  /** True once ARM has shown the version, or accepted it: from then on it is updated, never created over. */
  readonly exists: boolean;
  /** Others made it, and no request of Sigil's has been applied to it yet: a PUT that asks for it otherwise needs If-Match. */
  readonly unmanaged?: true;
  /** Of the version's present life: another one is another version under the same number. */
  readonly publishedDate?: string;
  /** The life before, and when it was found to be over: a look that shows it is behind. Times are RFC 3339. */
  readonly lifeBefore?: {
    readonly publishedDate: string;
    readonly endTime: string;
  };
  /** When it was first seen that Azure has given back a life that had ended; RFC 3339. */
  readonly restoredTime?: string;
  /** When operations were begun to put back what others have changed, of the last day; RFC 3339. */
  readonly corrections?: readonly string[];
  /** It was told that no more is put back, for a while. */
  readonly correctionStopped?: true;
  /** Others have deleted it: no operation has. */
  readonly deletedOutside?: true;
  /** The life that has ended, as long as no other has begun. */
  readonly deletedLife?: DeletedLife;
  /** What was asked of Azure through Sigil and achieved; absent for a version that others made and nobody has adopted. */
  readonly lastApplied?: Fields;
  readonly observed?: Look;
  readonly lastAttempt?: Attempt;
  /** Those of the last minutes, of a version that was there, the oldest first. */
  readonly writes?: readonly Write[];
  /** ARM has answered 429, and asked for no other request before; RFC 3339. */
  readonly throttledUntil?: string;
  /** How often what is asked was sent, and not shown by Azure once it had done. */
  readonly rewrites: number;
  /** True while ARM may be allowed to remove regions because a repair or a removal needed that. */
  readonly opened: boolean;
  readonly repairs: Readonly<Record<string, Repair>>;
  /**
   * When a region was last added to the version, which was there already, or was seen to be there again; RFC 3339, by canonical
   * region. It is another copy since.
   */
  readonly addedTimes?: Readonly<Record<string, string>>;
  /** Canonical regions that Azure has shown, and shows no longer: what is there again is another copy, whoever has added it. */
  readonly goneRegions?: readonly string[];
  readonly doubt?: Doubt;
  /** What others have changed of what was sent last, since a look has first shown that; told once it is certain. */
  readonly outside?: Doubt & {
    readonly told?: true;
    /** What was told before, as `what` says it; where it is told, that is `what`. */
    readonly toldBefore?: string;
    /** Since looks show again what was sent. */
    readonly returnedTime?: string;
  };
  /** The region that had it in latest is gone: that it is excluded in each that is left was not told. */
  readonly latestGone?: true;
  /** What others have changed in the last minutes, and was told. */
  readonly outsideTold?: readonly ToldChange[];
  /** A promotion rule that has promoted the version, or was overridden by hand: it promotes no more. */
  readonly overriddenRule?: PromotionRule;
  readonly rollout?: RolloutRecord;
  /** True where it is excluded from latest for a creation that was canceled, and no body has said since what it shall be. */
  readonly excludedByCancel?: true;
  /** How many updates were sent in the version's life. */
  readonly updates: number;
  readonly consecutiveNotFound: number;
  /** What the polls of the regions have shown of their progress; absent before the first, and in what 0.1.0 has stored. */
  readonly pacing?: Pacing;
  /** When ARM has answered the DELETE that was sent last; RFC 3339. */
  readonly deletionTakenTime?: string;
  /** The DELETE that was sent last and has no answer, and the one before it; RFC 3339. */
  readonly deletionSent?: { readonly time: string; readonly before?: string };
  /** URL of ARM's asynchronous operation, read only for the reason of a failure. */
  readonly armOperationUrl?: string;
  /** Encryption type by disk encryption set id in lower case, as proven before a write. */
  readonly encryptionTypes: Readonly<Record<string, EncryptionType>>;
  /** LUNs of the source's data disks, as found before the creation. */
  readonly dataDiskLuns: readonly number[];
}

export type ImageVersionPair = Pair<ImageVersionRecord>;

/** What was sent last, and is in force in Azure, or may be: never what ARM has refused. */
export function sentLast({
  lastAttempt,
}: Pick<ImageVersionRecord, "lastAttempt">): Attempt | undefined {
  return lastAttempt?.outcome === "refused" ? lastAttempt.before : lastAttempt;
}

/** All that was sent and may be carried out, the oldest first, each by itself. */
export function attemptsIn(
  record: Pick<ImageVersionRecord, "lastAttempt">,
): readonly Attempt[] {
  const attempts: Attempt[] = [];
  let next = sentLast(record);
  while (next !== undefined) {
    const { before, ...attempt } = next;
    attempts.unshift(attempt);
    next = before;
  }
  return attempts;
}

/** The requests that Azure does not show yet, in the order in which they were accepted: those of the batch. */
export function batchOf({
  requests,
}: Pick<ImageVersionRecord, "requests">): readonly (readonly [
  string,
  VersionRequest,
])[] {
  return Object.entries(requests).filter(
    ([, { appliedTime }]) => appliedTime === undefined,
  );
}
