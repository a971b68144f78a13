import type { Pair, TrackedRecord, Waiting } from "../operation/records.js";
import type { ImageVersionRequest, PromotionRule } from "./contract.js";

/** ARM's words for how a disk is encrypted at rest (EncryptionType), and `Unknown` until its key has been read. */
export type EncryptionType =
  | "EncryptionAtRestWithPlatformKey"
  | "EncryptionAtRestWithCustomerKey"
  | "EncryptionAtRestWithPlatformAndCustomerKeys"
  | "ConfidentialVmEncryptedWithCustomerKey"
  | "Unknown";

/** The states of an image version's current operation. */
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
  | "Deleted";

/** How often a region was repaired, and, while it is Failed, when it will be again; RFC 3339. */
export interface Repair {
  readonly attempts: number;
  readonly dueTime?: string;
}

/** A request that was accepted while another was worked on: against what the version was before that, the record's `base`. */
export interface WaitingRequest extends Waiting {
  readonly request: ImageVersionRequest;
  /** True where Azure has refused it together with others: it is sent alone. */
  readonly alone?: boolean;
}

/** The state of one image version: its desired form, where its current operation stands, and what is still to be told. */
export interface ImageVersionRecord extends TrackedRecord {
  readonly state: VersionState;
  /** As it shall be: what the current operation asks, and those that are done together with it. */
  readonly request: ImageVersionRequest;
  readonly fingerprint: string;
  /** The highest sequence of an operation that was accepted. */
  readonly lastSequence: number;
  readonly waiting: readonly WaitingRequest[];
  /** What each asks, by id, where several operations are done together. */
  readonly shares: Readonly<Record<string, ImageVersionRequest>>;
  /** True where the current operation is not to be done together with others. */
  readonly alone: boolean;
  /** What the version was before an operation that has not succeeded (yet); absent where nothing was before it. */
  readonly base?: ImageVersionRequest | undefined;
  /** True once ARM had the version as it was asked for: from then on it is updated, never created over. */
  readonly made: boolean;
  /** What an operation before sent to be created, and did not stay to see: if ARM shows that, it is ours. */
  readonly begun?: ImageVersionRequest;
  /** Regions and tags that this operation takes away, as its caller has confirmed. */
  readonly removing: {
    readonly regions: readonly string[];
    readonly tags: readonly string[];
  };
  /** Regions that are taken away to be added back. */
  readonly repairing: readonly string[];
  readonly repairs: Readonly<Record<string, Repair>>;
  /** Regions that ARM has and nobody asked Sigil for: they are kept. */
  readonly foreign: readonly string[];
  /** A promotion rule that somebody has overruled by hand: asked again, it promotes no more. */
  readonly spentRule?: PromotionRule;
  /** Whether ARM showed it excluded from latest, when it was last seen. */
  readonly excluded?: boolean;
  /** Regions that ARM had otherwise when the update was sent: complete once it has done with that. */
  readonly changing: readonly string[];
  /** Names what was sent to ARM last in this operation (see convergence.ts). */
  readonly sent?: string;
  /** True once ARM has accepted that: what it does not show then was lost. */
  readonly accepted: boolean;
  /** How often ARM has accepted that very update again, since it had not come true. */
  readonly repeats: number;
  /** How many different updates this operation has sent. */
  readonly updates: number;
  /** Consecutive 404s of a version that was created. */
  readonly absences: number;
  /** URL of ARM's asynchronous operation, read only for the reason of a failure. */
  readonly armOperationUrl?: string;
  /** Encryption type by disk encryption set id in lower case, as proven before creation. */
  readonly encryptionTypes: Readonly<Record<string, EncryptionType>>;
  /** LUNs of the source's data disks, as found before creation. */
  readonly dataDiskLuns: readonly number[];
}

export type ImageVersionPair = Pair<ImageVersionRecord>;

/** What the version is as far as operations on it have succeeded: what an update changes. */
export function achievedBy({
  state,
  request,
  base,
}: Pick<
  ImageVersionRecord,
  "state" | "request" | "base"
>): ImageVersionRequest {
  return state === "Succeeded" ? request : (base ?? request);
}
