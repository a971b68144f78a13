import type { Snapshots } from "./capture/ports.js";
import type { ErrorCode } from "../errors.js";
import type { ImageVersionId } from "../resource-id.js";
import type { OperationDependencies, StateStore, Stored } from "../operation/ports.js";
import type { UseDependencies } from "../image-use/ports.js";
import type { KeyMemory } from "../keys/memory.js";
import type { SeeDependencies } from "../keys/see-sets.js";
import type { Registrable, Subscriptions } from "../subscription/ports.js";
import type { Turns } from "../turns.js";
import type { ImageVersionRequest, PromotionRule } from "./contract.js";
import type { ReleaseChange } from "./latest/release.js";
import type { ImageVersionRecord } from "./state/record.js";
import type { RollbackStateRecord } from "./rollback-record.js";
import type {
  DeletedImageVersion,
  LastShown,
  Gallery,
  ImageDefinition,
  ImageSource,
  ListedGallery,
  ListedImageDefinition,
  ListedImageVersion,
  Look,
  ObservedImageVersion,
  Seen,
} from "./resources.js";
import type { KeyDependencies, DiskEncryptionSet } from "../keys/ports.js";
import type { Breach } from "./rules/rule.js";
import type { Increment } from "../version-numbers.js";

// What only adapters use of an image version: src/azure imports this file beside the face.
export type {
  DeletedImageVersion,
  HostCaching,
  ImageSource,
  ListedGallery,
  PurchasePlan,
  SourceDisk,
} from "./resources.js";
export type { Snapshots } from "./capture/ports.js";
export type { DocumentationPage } from "./rules/basis.js";

/** A version and its current operation, as stored. */
export type StoredVersion = Stored<ImageVersionRecord>;

/** The numbers of an image definition's versions, each given to one request. */
export interface VersionNumbers {
  /** The number given last, and the request's own. */
  read(
    imageId: string,
    requestKey?: string,
  ): Promise<{ readonly last?: string; readonly bound?: string }>;
  /**
   * Gives the request the next number above all given ones, or returns the one it has. Throws
   * ServiceError ImageVersionConflict if no number is left, StateConflict if too many requests
   * compete.
   */
  allocate(imageId: string, request: NumberRequest): Promise<string>;
}

export interface NumberRequest {
  readonly requestKey: string;
  /** The new number must be higher than this one. */
  readonly above: string | undefined;
  readonly increment: Increment;
  /** The number that the request has and cannot use. */
  readonly instead?: string;
}

/** A request as it is sent to ARM, without credentials. */
export interface ArmRequest {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/*
 * Azure Resource Manager. Reads return undefined for 404 and throw ServiceError
 * ResourceManagerForbidden, with `action` and `scope` in its fields, for 403. Every other failure
 * is a ServiceError: terminal, or retryable with ARM's wait. No call is retried inside: each is one
 * request.
 */

/** Gallery image versions. */
export interface ResourceManager {
  getImageVersion(id: ImageVersionId): Promise<ObservedImageVersion | undefined>;
  /**
   * Every version of an image definition, unordered, without replication; undefined: no such
   * definition.
   */
  listImageVersions(imageId: string): Promise<readonly ListedImageVersion[] | undefined>;
  /**
   * Sends one PUT and does not wait for the work it starts; returns the URL of ARM's asynchronous
   * operation, if any.
   */
  putImageVersion(id: ImageVersionId, request: ImageVersionRequest): Promise<string | undefined>;
  /**
   * Sends one DELETE; returns the URL of ARM's asynchronous operation, if any. A missing version
   * counts as deleted. `bypassSoftDelete`: permanently, even if the gallery has soft delete.
   */
  deleteImageVersion(
    id: ImageVersionId,
    options?: { readonly bypassSoftDelete?: boolean },
  ): Promise<string | undefined>;
  /** The restorable versions of an image definition, unordered; undefined: no such definition. */
  listDeletedVersions(imageId: string): Promise<readonly DeletedImageVersion[] | undefined>;
  /**
   * Sends one PUT that restores a deleted version as it was, in the region it was created in;
   * returns the same as `putImageVersion`.
   */
  restoreImageVersion(id: ImageVersionId, location: string): Promise<string | undefined>;
  /** Sends one DELETE that deletes a soft-deleted version permanently; false: ARM has none. */
  purgeImageVersion(id: ImageVersionId): Promise<boolean>;
  /** The exact request that `putImageVersion` would send; sends nothing. */
  previewPut(id: ImageVersionId, request: ImageVersionRequest): Promise<ArmRequest>;
  /** The reason of a failed asynchronous operation, if it has one. */
  getOperationError(url: string): Promise<{ code: string; message: string } | undefined>;
}

/** The resources that a request names. */
export interface ResourceReader {
  getGallery(id: string): Promise<Gallery | undefined>;
  getImageDefinition(id: string): Promise<ImageDefinition | undefined>;
  /**
   * Every gallery of every subscription where Sigil may list galleries, unordered. Throws
   * ResourceManagerForbidden if there is no such subscription.
   */
  listGalleries(): Promise<readonly ListedGallery[]>;
  /** Every image definition of a gallery, unordered; undefined: no such gallery. */
  listImageDefinitions(galleryId: string): Promise<readonly ListedImageDefinition[] | undefined>;
  getDiskEncryptionSet(id: string): Promise<DiskEncryptionSet | undefined>;
  getSource(id: string): Promise<ImageSource | undefined>;
  /**
   * One page of a subscription's disk encryption sets, as ARM pages them; undefined: no such
   * subscription.
   */
  listDiskEncryptionSets(
    subscriptionId: string,
    continuationToken?: string,
  ): Promise<DiskEncryptionSetPage | undefined>;
}

interface DiskEncryptionSetPage {
  readonly value: readonly DiskEncryptionSet[];
  /** Opaque; absent on the last page. */
  readonly continuationToken?: string;
}

/** One of Azure's lists, and when Sigil read it (RFC 3339). */
export interface Listing<Item> {
  readonly time: string;
  readonly items: readonly Item[];
}

/**
 * The versions of an image definition; `candidates`: those that may be its latest
 * (latest-after.ts).
 */
export interface ListedVersions extends Listing<ListedImageVersion> {
  readonly candidates: readonly ListedImageVersion[];
}

/** Looks at Azure, shared by all who only read. If a read is not sent, the last one stands in. */
export interface Looks {
  /**
   * A look at a version; undefined: it does not exist. `anew`: at most five seconds old; `after`:
   * by a read that began later (RFC 3339). Throws what the read throws.
   */
  version(
    id: ImageVersionId,
    options?: { readonly anew?: boolean; readonly after?: string | undefined },
  ): Promise<Look | undefined>;
  /**
   * The versions of an image definition, listed at most `maxAgeMs` ago; undefined: no such
   * definition.
   */
  versions(imageId: string, maxAgeMs?: number): Promise<ListedVersions | undefined>;
  /**
   * The galleries whose image definitions Sigil may list, kept for an hour; `anew`: for five
   * seconds.
   */
  galleries(anew: boolean): Promise<Listing<ListedGallery>>;
  /** The image definitions of a gallery, in the same way; undefined: no such gallery. */
  images(galleryId: string, anew: boolean): Promise<Listing<ListedImageDefinition> | undefined>;
  /** Disk encryption sets, their keys and vaults. */
  readonly keys: KeyMemory;
  /**
   * The result of any other `read` under its own key, kept like a look, and standing in like one.
   */
  once<T>(key: string, read: () => Promise<T>): Promise<T>;
  /** Whether a look at the version is kept, so that reading it costs nothing. */
  has(id: ImageVersionId): boolean;
  /** This instance's last look at its regions, however old. */
  seen(id: ImageVersionId): Seen | undefined;
  /** Notes whether a step saw the version replicate. */
  noteReplicating(id: ImageVersionId, replicates: boolean): void;
  /** How many versions steps saw replicate in the subscription, in the last ten minutes. */
  replicatingIn(subscriptionId: string): number;
  /** Keeps what Azure shows now; undefined: it has no such version. */
  see(id: ImageVersionId, shown: ObservedImageVersion | undefined): void;
  /**
   * Drops the kept version and its list, because the version is written, or a request is judged by
   * a newer look.
   */
  forget(id: ImageVersionId, imageId: string): void;
}

/** An action on a version to which the rest of Sigil may object. */
export type Deed =
  /**
   * It comes into latest in these canonical regions; `any`: unknown in which. `restored`: the last
   * look at the deleted version that a restore brings back; absent: no restore, or Sigil never saw
   * the version. `record`: the record after the action,
   * undefined before the first request; absent: as stored. `byRollback`: one is planned to it.
   */
  | {
      readonly kind: "enterLatest";
      readonly regions: readonly string[] | "any";
      readonly restored?: LastShown | undefined;
      readonly record?: ImageVersionRecord | undefined;
      readonly byRollback?: true;
    }
  /**
   * It becomes the latest because others leave latest. `target`: a rollback leads to it, in these
   * canonical regions.
   */
  | { readonly kind: "fallBackTo"; readonly target?: readonly string[] }
  /**
   * Its rule will promote it; it is tested; another version is built from it; it is deleted
   * permanently.
   */
  | { readonly kind: "followRule" | "test" | "build" | "purge" }
  /** A request by a rule is sent. */
  | {
      readonly kind: "obeyRule";
      readonly record: ImageVersionRecord;
      readonly change: ReleaseChange;
    }
  /** A request by its retention policy is sent. */
  | { readonly kind: "deleteByPolicy" };

/** The reason against it, and what a person may do about it. */
export interface Objection extends Breach {
  readonly code: ErrorCode;
  /** Canonical regions where it must not come into latest; absent: none. */
  readonly regions?: readonly string[];
  /** The revocation that keeps it out there, as the end of a sentence. */
  readonly why?: string;
}

/** The dependencies of the use cases. */
export interface Dependencies extends OperationDependencies<ImageVersionRecord>, UseDependencies {
  readonly looks: Looks;
  /** For image definitions; the same store as that of versions, under other keys. */
  readonly rollbacks: StateStore<RollbackStateRecord>;
  readonly versionNumbers: VersionNumbers;
  readonly resourceManager: ResourceManager;
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  /**
   * Reads shared by all who ask within seconds; `note` gets the time of each read, and what was
   * read before `sinceMs` is read again. Absent: no sharing.
   */
  readonly sharedFacts?: (
    note?: (readMs: number) => void,
    sinceMs?: number,
  ) => Partial<Pick<Dependencies, "resources" | "subscriptions" | "looks">>;
  /** Makes plans in turn, a few at a time. Absent: all at once. */
  readonly plansInTurn?: Turns;
  /** What a subscription must have registered before Sigil creates an image version in it. */
  readonly requiredRegistrations: readonly Registrable[];
  /** The most distinct resources read from Azure for one request. */
  readonly maxReads: number;
  /**
   * The reasons why a promotion rule could wait forever, in the target regions; absent: no such
   * check.
   */
  readonly hindrancesOf?: (
    imageId: string,
    rule: PromotionRule,
    targets: readonly string[],
  ) => Promise<readonly Breach[]>;
  /** Absent: no machine is captured. */
  readonly snapshots?: Snapshots;
  /** Absent: no key guardian runs. */
  readonly keyGuardian?: KeyDependencies;
  readonly noteKeys?: NonNullable<SeeDependencies["noteKeys"]>;
  /**
   * Asked before every way into latest, and about requests by automation: on acceptance, and again
   * right before they are sent. Empty: nobody objects.
   */
  readonly objections: (id: ImageVersionId, deed: Deed) => Promise<readonly Objection[]>;
}
